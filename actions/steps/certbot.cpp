// certbot: a certificate renewed, or fetched while the web server is stopped for a moment; done is
// what is served, not what lies in a file.
#include "actions/steps/certbot_script.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"
#include "core/io/deadline.hpp"
#include "core/io/ssh_client.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

constexpr Duration pause_between_looks = std::chrono::milliseconds(200);
/// Kept back of the step's time: the web server is started after certbot has used up the rest.
constexpr Duration start_reserve = std::chrono::seconds(15);

bool is_standalone(JsonObject const& params) { return text_of(Json(params), "do") == "standalone"; }

std::vector<Error> problems(JsonObject const& params) {
    auto const wrong = [](char const* where, char const* what) {
        return std::vector<Error>{Error{Errc::invalid, what, where}};
    };
    bool const alone = is_standalone(params);
    for (auto const* const key : {"stop", "start"}) {
        if (alone != params.contains(key)) {
            return wrong(
                key, alone ? "standalone needs stop and start: how the web server makes way"
                           : "stop and start go with do: standalone"
            );
        }
    }
    if (alone != params.contains("domains")) {
        return wrong("domains", alone ? "standalone needs domains" : "goes with do: standalone");
    }
    return {};
}

std::vector<Field> certbot_fields() {
    return {
        {.name = "do",
         .type = FieldType::choice,
         .doc = "renew: as certbot has it on record; standalone: while the web server is stopped, "
                "for where its answers cannot be served.",
         .required = true,
         .choices = {"renew", "standalone"}},
        {.name = "cert_name",
         .type = FieldType::text,
         .doc = "Its name at certbot: shop.example.com.",
         .required = true},
        {.name = "domains", .type = FieldType::text_list, .doc = "With standalone: for which names."
        },
        {.name = "stop",
         .type = FieldType::argv,
         .doc = "With standalone: [systemctl, stop, nginx]."},
        {.name = "start",
         .type = FieldType::argv,
         .doc = "With standalone: [systemctl, start, nginx]; called whatever happens in between."},
        {.name = "reload",
         .type = FieldType::argv,
         .doc = "Called afterwards, so that what is new is served: [systemctl, reload, nginx]."},
        {.name = "force",
         .type = FieldType::boolean,
         .doc = "Also where it is not due.",
         .otherwise = false},
        {.name = "force_after",
         .type = FieldType::duration,
         .doc = "With force: not where it was issued more recently; issuers limit how often. "
                "Default 24h.",
         .min = 0},
        {.name = "address",
         .type = FieldType::text,
         .doc = "HOST:PORT that must serve it afterwards, seen by a fresh handshake."},
        {.name = "server_name",
         .type = FieldType::text,
         .doc = "The name asked for there; default: cert_name."},
        {.name = "certbot",
         .type = FieldType::argv,
         .doc = "How certbot is called, with options for all of its verbs: [certbot, --config-dir, "
                "/srv/le].",
         .otherwise = JsonArray{"certbot"}},
        {.name = "options",
         .type = FieldType::argv,
         .doc = "Further words of renew or certonly: [--http-01-port, \"8080\"]."},
    };
}

TypeInfo certbot_info() {
    TypeInfo info;
    info.name = "certbot";
    info.doc =
        "Renews a certificate with certbot, or fetches it while the web server is stopped and "
        "started again whatever happens. At most one forced renewal a day; done when it is valid "
        "and, with address, served.";
    info.fields = certbot_fields();
    info.problems = problems;
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

Command command(StepJob const& job, std::string const& script) {
    constexpr std::int64_t day_s = 24 * 3600;
    auto const after =
        job.has("force_after")
            ? std::chrono::ceil<std::chrono::seconds>(Duration(std::stoll(job.text("force_after"))))
                  .count()
            : day_s;
    Words values{job.text("do"), job.text("cert_name"), job.text("force"), std::to_string(after)};
    for (auto const& domain : job.list("domains")) values.insert(values.end(), {"-d", domain});
    for (auto const& word : job.list("options")) values.push_back(word);
    auto const functions =
        shell_function("tool", job.list("certbot")) + shell_function("stop", job.list("stop")) +
        shell_function("start", job.list("start")) + shell_function("reload", job.list("reload"));
    Command out;
    out.argv = script_argv("certbot", one_text(functions, script).c_str(), values);
    return out;
}

std::string first_line(std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
}

/// Old workers serve the old one until they have ended, so it is asked until the time is over.
asio::awaitable<StepOutcome> served(StepJob& job, StepOutcome outcome, std::string serial) {
    auto const address = job.text("address");
    auto const name = job.has("server_name") ? job.text("server_name") : job.text("cert_name");
    for (;;) {
        Command look;
        look.argv = script_argv("certbot", certbot_served, {address, name});
        auto const end = co_await job.ask(std::move(look));
        auto const seen = end.ok() ? first_line(end.stdout_text) : "";
        if (seen == serial) {
            outcome.text += "; " + address + " serves it";
            co_return outcome;
        }
        if (job.left() <= std::chrono::seconds(1) || job.is_aborted()) {
            outcome.kind = job.is_aborted() ? OutcomeKind::aborted : OutcomeKind::failed;
            outcome.text += "; but " + address +
                            (end.ok() ? " serves another one, number " + job.shown(seen, 80)
                                      : ": " + job.outcome(end).text);
            co_return outcome;
        }
        if (!co_await sleep_for(pause_between_looks)) {
            co_return outcome_of(OutcomeKind::unknown, "the daemon was stopped");
        }
    }
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto made = command(job, one_text(certbot_ready, certbot_act));
    auto const left = job.left();
    bool const alone = is_standalone(job.step().params);
    if (alone) made.limit = left > 2 * start_reserve ? left - start_reserve : left / 2;
    auto const end = co_await job.process("certbot", std::move(made));
    auto outcome = job.outcome(end);
    if (end.ok() && job.has("address")) {
        co_return co_await served(job, std::move(outcome), first_line(end.stdout_text));
    }
    bool const killed = end.kind != EndKind::exited && end.kind != EndKind::cancelled;
    if (alone && killed) {
        // Its own processes were ended with it. A start of what runs already does no harm.
        auto const begun = co_await job.ask(command(job, certbot_start));
        outcome.text += begun.ok() ? "; the web server is started again"
                                   : "; the web server did not start: " + job.outcome(begun).text;
    }
    co_return outcome;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await job.ask(command(job, certbot_ready));
    co_return objection(job, end);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    if (!is_standalone(job.step().params)) {
        co_return outcome_of(OutcomeKind::failed, "renewing may be done again");
    }
    auto const begun = co_await job.ask(command(job, certbot_start));
    co_return outcome_of(
        OutcomeKind::failed, begun.ok() ? "the web server is started; it may be done again"
                                        : "the web server did not start: " + job.outcome(begun).text
    );
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const list = [&](char const* key) {
        auto const* const value = find(params, key);
        return command_line(value ? read_json<Words>(*value).value_or(Words{}) : Words{});
    };
    auto const name = text_of(params, "cert_name");
    auto text = is_standalone(step.params)
                    ? "run " + list("stop") + ", have certbot fetch " + name + " for " +
                          list("domains") + ", and run " + list("start") + " whatever happens"
                    : "have certbot renew " + name;
    auto const reload = list("reload");
    if (!reload.empty()) text += "; run " + reload;
    auto const address = text_of(params, "address");
    return address.empty() ? text : text + "; and see that " + address + " serves it";
}

}  // namespace

StepType certbot_step() {
    return {
        .info = certbot_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
    };
}

}  // namespace rollbackd
