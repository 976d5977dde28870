// pm2: the processes of one app as PM2 lists them. A state: all are online and none loops; with
// `measure` a gauge. The list holds each process's environment, of which nothing is kept or shown.
#include "core/io/clock.hpp"
#include "core/io/file.hpp"
#include "triggers/probes/host_texts.hpp"
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/pm2_list.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo pm2_info() {
    TypeInfo info;
    info.name = "pm2";
    info.doc =
        "The processes of an app under PM2: online, errored, or in a crash loop (ten restarts "
        "within a minute, or twice a restart within ten seconds of a start). A state; with measure "
        "a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "app", .type = FieldType::text, .doc = "Its name in PM2.", .required = true},
        {.name = "home",
         .type = FieldType::path,
         .doc = "PM2_HOME of the user it runs under, such as /srv/deploy/.pm2. Without a PM2 that "
                "runs there none is started, and the app has failed.",
         .required = true},
        {.name = "command",
         .type = FieldType::argv,
         .doc = "What prints the list; where another user must: [ssh, -T, deploy@localhost, pm2, "
                "jlist].",
         .otherwise = JsonArray{"pm2", "jlist"}},
        {.name = "instances",
         .type = FieldType::integer,
         .doc = "How many must be online; absent: all that PM2 has.",
         .min = 1,
         .max = 1024},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "restarts: of all instances since they were added; memory: bytes of all; online: "
                "how many are.",
         .choices = {"restarts", "memory", "online"}},
    };
    return info;
}

std::vector<Error> check_pm2(JsonObject const&) { return {}; }

/// PM2 writes its number into its home. Asking a PM2 that does not run would start one.
Result<bool> runs_in(std::string const& home) {
    auto const text = read_file(home + "/pm2.pid", 64);
    if (!text && text.error().code == Errc::not_found) return false;
    // Another user's folder: only the command can tell.
    if (!text && text.error().code == Errc::forbidden) return true;
    if (!text) return tl::unexpected<Error>(text.error());
    std::string_view rest = *text;
    auto const pid = whole_number(take_word(rest));
    if (!pid || *pid == 0 || *pid > std::uint64_t(INT_MAX)) {
        return fail(Errc::invalid, "no number in pm2.pid", home);
    }
    return ::kill(pid_t(*pid), 0) == 0 || errno == EPERM;
}

class Pm2Probe final : public Probe {
public:
    Pm2Probe(JsonObject const& params, ProbeContext const& context)
        : clock_(context.clock), place_(context) {
        Json const all(params);
        app_ = text_of(all, "app");
        home_ = text_of(all, "home");
        measure_ = text_of(all, "measure");
        if (auto const* const instances = find(all, "instances")) {
            instances_ = std::uint64_t(instances->get_int64());
        }
        if (auto const* const command = find(all, "command")) {
            for (auto const& word : command->get_array()) {
                command_.emplace_back(std::string_view(word.get_string()));
            }
        }
        if (command_.empty()) command_ = {"pm2", "jlist"};
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto job = [home = home_]() -> Result<bool> { return runs_in(home); };
        auto const runs = co_await place_.look(std::move(job), timeout);
        if (!runs) co_return unknown_answer(trouble_of(runs.error()));
        if (!*runs) co_return gone();
        ProcessSpec spec;
        spec.argv = command_;
        spec.env["PM2_HOME"] = home_;
        spec.timeout = timeout;
        spec.output_max = tool_output_max;
        auto const result = co_await place_.run(std::move(spec));
        if (!result) co_return unknown_answer(trouble_of(result.error()));
        if (!result->ok()) co_return unknown_answer("cannot_look: pm2: " + result->describe());
        if (result->output_cut) co_return unknown_answer("too_large: pm2's list of processes");
        auto processes = parse_pm2(result->output);
        if (!processes) co_return unknown_answer("garbage: " + processes.error().what);
        std::erase_if(*processes, [this](auto const& process) { return process.name != app_; });
        auto const loop = watch_.look(*processes, clock_.now().boot);
        co_return measure_.empty() ? judged(*processes, loop) : measured(*processes);
    }

    Json save() const override {
        auto saved = watch_.save(clock_.now());
        if (saved.is_null()) return nullptr;
        return JsonObject{{"of", home_ + " " + app_}, {"processes", std::move(saved)}};
    }
    void resume(Json const& saved) override {
        auto const* const processes = find(saved, "processes");
        if (processes == nullptr || text_of(saved, "of") != home_ + " " + app_) return;
        watch_.resume(*processes, clock_.now());
    }

private:
    ProbeAnswer gone() const {
        auto const text = "gone: no PM2 runs in " + home_;
        if (measure_.empty()) return failed_answer(text);
        return measure_ == "online" ? number_answer(0, text) : unknown_answer(text);
    }

    ProbeAnswer judged(std::vector<Pm2Process> const& processes, std::string const& loop) const {
        auto const failure = pm2_failure(processes, instances_);
        if (failure.starts_with("errored") || (!failure.empty() && loop.empty())) {
            return failed_answer(failure);
        }
        if (!loop.empty()) return failed_answer(loop);
        return good_answer(std::to_string(processes.size()) + " processes");
    }

    ProbeAnswer measured(std::vector<Pm2Process> const& processes) const {
        std::uint64_t restarts = 0;
        std::uint64_t memory = 0;
        std::uint64_t online = 0;
        for (auto const& process : processes) {
            restarts += process.restarts;
            memory += process.memory;
            if (process.status == "online") ++online;
        }
        if (measure_ == "online") return number_answer(double(online));
        if (processes.empty()) return unknown_answer("missing: PM2 has no such app");
        if (measure_ == "memory") return number_answer(double(memory), shown_bytes(memory));
        return number_answer(double(restarts));
    }

    std::string app_;
    std::string home_;
    std::string measure_;
    std::vector<std::string> command_;
    std::optional<std::uint64_t> instances_;
    Clock const& clock_;
    Place place_;
    Pm2Watch watch_;
};

std::unique_ptr<Probe> make_pm2(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<Pm2Probe>(signal.params, context);
}

}  // namespace

ProbeType pm2_probe() { return ProbeType{pm2_info(), &check_pm2, &make_pm2}; }

}  // namespace rollbackd
