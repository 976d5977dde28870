// process: how many processes there are of a kind. A state (enough of them, and not too many); with
// `measure` a gauge. Command lines may hold secrets, so no answer shows one.
#include "triggers/probes/expressions.hpp"
#include "triggers/probes/host_texts.hpp"
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"

#include <unistd.h>
#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo process_info() {
    TypeInfo info;
    info.name = "process";
    info.doc = "Processes of a kind, counted. A state; with measure a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "match",
         .type = FieldType::text,
         .doc = "RE2 expression that is found in the command line."},
        {.name = "pidfile", .type = FieldType::path, .doc = "File with the process's number."},
        {.name = "user", .type = FieldType::text, .doc = "Only processes of this user."},
        {.name = "min",
         .type = FieldType::integer,
         .doc = "Fewer have failed.",
         .otherwise = 1,
         .min = 0,
         .max = 100000},
        {.name = "max",
         .type = FieldType::integer,
         .doc = "More have failed.",
         .min = 0,
         .max = 100000},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "count: how many; memory: resident bytes of all; age: seconds the youngest runs.",
         .choices = {"count", "memory", "age"}},
    };
    info.one_of = {{"match", "pidfile"}};
    return info;
}

std::vector<Error> check_process(JsonObject const& params) {
    std::vector<Error> problems;
    Json const all(params);
    if (auto const made = expression_of(all, "match"); !made) problems.push_back(made.error());
    auto const* const least = find(all, "min");
    auto const* const most = find(all, "max");
    bool const both = least != nullptr && most != nullptr && least->is_int64() && most->is_int64();
    if (both && most->get_int64() < least->get_int64()) {
        problems.push_back({Errc::invalid, "max is less than min: it could never be right", "max"});
    }
    return problems;
}

class ProcessProbe final : public Probe {
public:
    ProcessProbe(JsonObject const& params, ProbeContext const& context) : place_(context) {
        Json const all(params);
        match_ = expression_of(all, "match").value_or(Expression());
        pid_file_ = text_of(all, "pidfile");
        user_ = text_of(all, "user");
        measure_ = text_of(all, "measure");
        if (auto const* const least = find(all, "min")) least_ = least->get_int64();
        if (auto const* const most = find(all, "max")) most_ = most->get_int64();
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        std::optional<std::uint64_t> pid;
        if (!pid_file_.empty()) {
            auto const text = co_await place_.read(pid_file_, timeout);
            bool const gone = !text && text.error().code == Errc::not_found;
            if (gone) co_return answer({}, "absent: " + pid_file_ + " is not there");
            if (!text) co_return unknown_answer(trouble_of(text.error()));
            std::string_view rest = *text;
            pid = whole_number(take_word(rest));
            if (!pid) co_return unknown_answer("garbage: no number in " + pid_file_);
        }
        std::vector<std::string> argv;
        argv.emplace_back("ps");
        argv.emplace_back("-ww");
        argv.emplace_back("-eo");
        argv.emplace_back("pid=,user:32=,etimes=,rss=,args=");
        auto const text = co_await place_.output_of(std::move(argv), timeout);
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto processes = parse_processes(*text);
        if (processes.empty()) co_return unknown_answer("garbage: ps shows no process");
        std::erase_if(processes, [&](auto const& process) { return !wanted(process, pid); });
        co_return answer(processes, "absent: no such process");
    }

private:
    bool wanted(ProcessLine const& process, std::optional<std::uint64_t> pid) const {
        if (process.pid == std::uint64_t(::getpid())) return false;  // our own configuration's name
        if (!user_.empty() && process.user != user_) return false;
        if (!pid_file_.empty()) return process.pid == pid;
        return found_in(match_, process.command);
    }

    ProbeAnswer answer(std::vector<ProcessLine> const& found, std::string const& none) const {
        auto const count = std::int64_t(found.size());
        if (measure_ == "count") return number_answer(double(count));
        if (!measure_.empty()) return measured(found, none);
        auto const said = std::to_string(count) + (count == 1 ? " process" : " processes");
        if (count == 0 && least_ > 0) return failed_answer(none);
        if (count < least_) {
            return failed_answer("few: " + said + ", expected at least " + std::to_string(least_));
        }
        if (most_ && count > *most_) {
            return failed_answer("many: " + said + ", expected at most " + std::to_string(*most_));
        }
        return good_answer(said);
    }

    ProbeAnswer measured(std::vector<ProcessLine> const& found, std::string const& none) const {
        if (found.empty()) return unknown_answer(none);
        if (measure_ == "age") {
            auto const younger = [](auto const& a, auto const& b) {
                return a.age_seconds < b.age_seconds;
            };
            auto const youngest = std::min_element(found.begin(), found.end(), younger);
            return number_answer(double(youngest->age_seconds));
        }
        std::uint64_t bytes = 0;
        for (auto const& process : found) bytes += process.memory;
        return number_answer(double(bytes), shown_bytes(bytes));
    }

    Expression match_;
    std::string pid_file_;
    std::string user_;
    std::string measure_;
    std::int64_t least_ = 1;
    std::optional<std::int64_t> most_;
    Place place_;
};

std::unique_ptr<Probe> make_process(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<ProcessProbe>(signal.params, context);
}

}  // namespace

ProbeType process_probe() { return ProbeType{process_info(), &check_process, &make_process}; }

}  // namespace rollbackd
