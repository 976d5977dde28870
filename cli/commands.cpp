// The table of commands: what there is, in the order help shows it.
#include "cli/handlers.hpp"

namespace rollbackd::cli {

namespace {

using enum Shape;

Argument const incident_id{positional, "INC", "", "the incident's id, like INC-7"};
Argument const service_name{positional, "SERVICE", "", "the service's name in the policy"};
Argument const maybe_service{optional, "SERVICE", "", "only this service"};
Argument const version_text{positional, "VERSION", "", "the release, as deployments name it"};
Argument const policy_file{
    positional, "FILE", "", "the policy; conf.d/*.yaml beside it is read too"
};
Argument const maybe_reason{option, "--reason", "TEXT", "why, for the journal and the report"};
Argument const reason{required_option, "--reason", "TEXT", "why, for the journal and the report"};
Argument const maybe_plan{
    option, "--plan", "HASH", "the plan meant, where it is known; default: the one that waits"
};

Argument const look_again{flag, "--watch", "", "look again every 2 s, until Ctrl-C"};
Argument const look_count{option, "--count", "N", "with --watch: end after so many looks"};

constexpr char const* looking = "Looking";
constexpr char const* deciding = "Deciding";
constexpr char const* operating = "Operating";
constexpr char const* releasing = "Releasing";
constexpr char const* offline = "Without a daemon";

std::vector<Command> looking_commands() {
    return {
        {"status",
         looking,
         "How things stand: what is broken, what was done, what you must do",
         {look_again, look_count},
         status,
         "",
         "rollbackctl status"},
        {"services",
         looking,
         "Services with their state and version; of one, its signals and triggers",
         {maybe_service, look_again, look_count},
         services,
         "",
         "rollbackctl services shop"},
        {"incidents",
         looking,
         "Incidents, newest first",
         {{option, "--service", "SERVICE", "only of this service"},
          {option, "--severity", "P0…P3", "only of this severity"},
          {option, "--state", "STATE",
           "open, waiting, acting, verifying, unverified, resolved or frozen"},
          {option, "--limit", "N", "at most so many; default 50"},
          look_again,
          look_count},
         incidents,
         "",
         "rollbackctl incidents --service shop --state resolved"},
        {"show",
         looking,
         "One incident: triggers, refusals, runs with their steps, duties",
         {incident_id, look_again, look_count},
         show,
         "Of a run at work: each step, how long it has been running, and its budget.",
         "rollbackctl show INC-7 --watch"},
        {"explain",
         looking,
         "Why it was decided so: samples, arithmetic, matrix row, every guard",
         {{positional, "INC|SERVICE/TRIGGER", "", "an incident, or a trigger as it stands now"}},
         explain,
         "",
         "rollbackctl explain shop/errors"},
        {"report",
         looking,
         "The incident report, as Markdown",
         {incident_id},
         report,
         "",
         "rollbackctl report INC-7 > INC-7.md"},
        {"versions",
         looking,
         "Recorded deployments of a service and how each version stands",
         {service_name},
         versions,
         "",
         "rollbackctl versions shop"},
        {"watch",
         looking,
         "What happens, as it happens, in plain words; until Ctrl-C",
         {maybe_service,
          {option, "--from", "SEQ", "begin after this journal sequence; 0 is the beginning"},
          {option, "--count", "N", "end after so many lines"}},
         watch,
         "A lost connection is taken up again where it broke off.",
         "rollbackctl watch --from 0"},
    };
}

std::vector<Command> deciding_commands() {
    return {
        {"approve",
         deciding,
         "Approve the plan that waits, after showing what it does and loses",
         {incident_id,
          {flag, "--yes", "", "do not ask, even on a terminal"},
          {flag, "--force", "", "though a step says that it cannot work"},
          maybe_plan},
         approve,
         "The approval is for exactly the plan shown: a plan that has changed meanwhile is "
         "refused.",
         "rollbackctl approve INC-7"},
        {"reject",
         deciding,
         "Reject the plan that waits",
         {incident_id, maybe_plan},
         reject,
         "",
         "rollbackctl reject INC-7"},
        {"ack",
         deciding,
         "Say that somebody looks at it",
         {incident_id},
         ack,
         "",
         "rollbackctl ack INC-7"},
        {"resolve",
         deciding,
         "Declare an incident over; ends a freeze and its reminders",
         {incident_id, maybe_reason},
         resolve,
         "",
         "rollbackctl resolve INC-7 --reason 'mended by hand'"},
        {"abort",
         deciding,
         "End the incident's run now; its running step is killed",
         {incident_id},
         abort_run,
         "",
         "rollbackctl abort INC-7"},
        {"confirm",
         deciding,
         "Say that a manual or unsettled step, or a duty, is done",
         {incident_id,
          {positional, "STEP|DUTY", "", "a step by number or name; a duty as duty:1 or by name"},
          {flag, "--not-done", "", "of a step: it did not happen"},
          {flag, "--does-not-apply", "", "of a duty: nothing is owed; needs --reason"},
          maybe_reason},
         confirm,
         "",
         "rollbackctl confirm INC-7 duty:1 --does-not-apply --reason 'no personal data'"},
        {"verdict",
         deciding,
         "Judge an incident afterwards",
         {incident_id, {flag, "--false-positive", "", "nothing was broken"}, maybe_reason},
         verdict,
         "A trigger marked so acts only after approval from then on.",
         "rollbackctl verdict INC-7 --false-positive"},
    };
}

std::vector<Command> operating_commands() {
    return {
        {"raise",
         operating,
         "Report a symptom a person saw, as if the trigger had become true",
         {service_name, {positional, "TRIGGER", "", "the trigger's name"}, reason},
         raise,
         "",
         "rollbackctl raise shop errors --reason 'customers cannot pay'"},
        {"run",
         operating,
         "Run a playbook by hand",
         {service_name,
          {positional, "PLAYBOOK", "", "the playbook's name"},
          {flag, "--dry-run", "", "only show the plan, and what its steps say; nothing is done"},
          {flag, "--force", "", "though a step says that it cannot work"},
          {repeated_option, "--input", "NAME=VALUE", "an input of the playbook; may be repeated"},
          maybe_reason},
         run,
         "Autonomy does not bind it; pause, locks, quarantine and a missing target do, and what "
         "may lose "
         "data needs approval.",
         "rollbackctl run shop restart --dry-run"},
    };
}

std::vector<Command> holding_commands() {
    return {
        {"pause",
         operating,
         "Run nothing by itself: of one service, or of all",
         {maybe_service},
         pause,
         "",
         "rollbackctl pause shop"},
        {"resume",
         operating,
         "End a pause, or the freeze of a service",
         {maybe_service},
         resume,
         "",
         "rollbackctl resume shop"},
        {"silence",
         operating,
         "No action and no message of a service for a while",
         {service_name, {required_option, "--for", "DURATION", "how long: 30m, 2h, 1d"}, reason},
         silence,
         "",
         "rollbackctl silence shop --for 2h --reason 'planned maintenance'"},
        {"silences",
         operating,
         "Silences in force; or end one",
         {{option, "--end", "ID", "end this one now"}},
         silences,
         "",
         "rollbackctl silences --end SIL-3"},
        {"reload",
         operating,
         "Load the configuration again; a bad one changes nothing",
         {},
         reload,
         "",
         "rollbackctl reload"},
        {"drill",
         operating,
         "Break a service on purpose, and time its recovery by a playbook",
         {service_name,
          {positional, "PLAYBOOK", "", "the playbook that is to mend it"},
          {option, "--within", "DURATION", "how long all of it may take; default 15m"},
          {flag, "--yes", "", "do not ask whether it may be broken"},
          {rest, "COMMAND", "", "what breaks it, with its arguments, after --"}},
         drill,
         "For a staging service. Its policy notices, decides and acts as it would in an outage; "
         "the playbook's run must be verified. The result is recorded: drill_due(PLAYBOOK, 90d) "
         "and rollbackd_last_drill_timestamp_seconds go by it. Exit 1: it was not noticed, or not "
         "recovered.",
         "rollbackctl drill shop code-rollback --within 5m -- docker-compose stop api"},
    };
}

std::vector<Command> releasing_commands() {
    return {
        {"deploy",
         releasing,
         "Record a deployment, so that it can be watched and undone",
         {service_name,
          version_text,
          {option, "--started-at", "TIME",
           "when it began (RFC 3339), at most an hour ago; default now"},
          {flag, "--known-good", "", "record it as known-good; opens no watch window"},
          {flag, "--schema-compatible", "",
           "the older code works with its database; =false: it does not"}},
         deploy,
         "",
         "rollbackctl deploy shop v42 --started-at 2026-01-31T12:00:00Z"},
        {"gate",
         releasing,
         "May this version be deployed? For CI",
         {service_name,
          version_text,
          {flag, "--from-step", "", "asked by a step: the run it is part of holds nothing up"}},
         gate,
         "Exit 0: yes. 1: it is bad, or a run is on. 3: the daemon cannot be reached or cannot "
         "say; let CI warn and go on, so that a mending release is never held back.",
         "rollbackctl gate shop v42"},
        {"release",
         releasing,
         "End the quarantine of a version that is mended",
         {service_name, version_text, maybe_reason},
         release,
         "",
         "rollbackctl release shop v42 --reason 'configuration mended'"},
    };
}

std::vector<Command> offline_commands() {
    return {
        {"check",
         offline,
         "Every mistake of a policy with file, line and column",
         {policy_file},
         check,
         "Exit 0 where there are only warnings, 1 where there is an error.",
         "rollbackctl check /etc/rollbackd/rollbackd.yaml"},
        {"runbook",
         offline,
         "The policy's playbooks as a runbook for people, in Markdown",
         {policy_file},
         runbook,
         "",
         "rollbackctl runbook rollbackd.yaml > RUNBOOK.md"},
        {"init",
         offline,
         "Write a first policy for this directory, in observe mode",
         {{optional, "FILE", "", "where to; default rollbackd.yaml"},
          {option, "--service", "NAME", "the service's name; default: the directory's"}},
         init,
         "Looks for a git work tree, a systemd unit, a compose file, an app of PM2, nginx's log "
         "and "
         "PostgreSQL, says what it found, and proposes the rules for what needs root. An existing "
         "file is never written over.",
         "rollbackctl init"},
    };
}

std::vector<Command> told_commands() {
    return {
        {"token new",
         offline,
         "Make an access token and the line that admits it",
         {{option, "--name", "NAME", "who will use it; default ci"},
          {option, "--role", "ROLE", "read, ingest, operate, approve or admin; default ingest"}},
         token_new,
         "",
         "rollbackctl token new --name ci --role ingest"},
        {"journal verify",
         offline,
         "Follow the journal's chain of hashes from the first record on",
         {{option, "--config", "FILE", "the policy that names the store"},
          {option, "--store", "URL",
           "the store itself: sqlite:/PATH or postgresql://USER@HOST/DATABASE"}},
         journal_verify,
         "Works beside a running daemon. Exit 1 where a record is wrong or missing.",
         "rollbackctl journal verify --config /etc/rollbackd/rollbackd.yaml"},
        {"completion",
         offline,
         "A script that completes commands and options in a shell",
         {{positional, "SHELL", "", "bash, zsh or fish"}},
         completion,
         "bash: source <(rollbackctl completion bash). zsh: write it to a file named _rollbackctl "
         "in "
         "$fpath. fish: write it to ~/.config/fish/completions/rollbackctl.fish. A package "
         "installs "
         "all three.",
         "rollbackctl completion bash"},
    };
}

std::vector<Command> policy_commands() {
    return {
        {"test",
         offline,
         "Test a policy: samples and events in, expected decisions out",
         {{positionals, "FILE", "", "files of tests; each names its policy"},
          {option, "--run", "TEXT", "only tests whose name holds this"},
          {flag, "--verbose", "", "tell what happened in each"}},
         test_policy,
         "The real engine runs under a simulated clock; nothing is asked, sent or done. Like "
         "promtool test rules: docs/policy-tests.md has the format. Exit 1: an expectation failed, "
         "and what came instead is shown.",
         "rollbackctl test shop.test.yaml"},
        {"backtest",
         offline,
         "What a policy would have decided over recorded history",
         {policy_file,
          {repeated_option, "--log", "[SERVICE/SIGNAL=]FILE",
           "a log of the past, oldest first where there are several; default: where the policy's "
           "own signals read"},
          {repeated_option, "--deploy", "[SERVICE=]VERSION@TIME",
           "a deployment of the past (RFC 3339)"},
          {repeated_option, "--known-good", "[SERVICE=]VERSION", "was good before the first line"},
          {option, "--store", "URL", "a journal: its deployments, and what people judged"}},
         backtest,
         "Signals of type access_log and log are replayed line by line through the parsers the "
         "daemon uses. What is in no log has no history: triggers on it stay unknown. Nothing is "
         "executed; a run is proposed, nobody approves it, and history goes on as it was, so "
         "limits and cooldown never hold. A breach that was over within two minutes with nothing "
         "done, or whose incident a person called a false positive, is counted as a false alarm.",
         "rollbackctl backtest rollbackd.yaml --log access.log --deploy v2@2026-01-31T12:00:00Z"},
        {"import",
         offline,
         "Make a first policy from a paper runbook, in observe mode",
         {{positional, "RUNBOOK.md", "", "the runbook, in Markdown"},
          {option, "--service", "NAME", "the service's name; default: the file's"},
          {option, "--output", "FILE", "where to; default: standard output"}},
         import_runbook,
         "Known commands become steps, others instructions for people; decision tables (5xx > 1 %, "
         "disk > 80 % …) triggers; checklists duties; what restores data asks. Every line is in "
         "the policy, at least as a comment. It passes check; nothing in the runbook is run.",
         "rollbackctl import RUNBOOK.md --service shop --output shop.yaml"},
    };
}

std::vector<Command> all_commands() {
    std::vector<Command> all;
    for (auto group :
         {looking_commands(), deciding_commands(), operating_commands(), holding_commands(),
          releasing_commands(), offline_commands(), told_commands(), policy_commands()}) {
        for (auto& command : group) all.push_back(std::move(command));
    }
    return all;
}

}  // namespace

std::vector<Command> const& commands() {
    static std::vector<Command> const table = all_commands();
    return table;
}

std::vector<Argument> const& global_options() {
    static std::vector<Argument> const table{
        {option, "--url", "URL",
         "the daemon: http://HOST:PORT, https://HOST:PORT or unix:/PATH; else ROLLBACKD_URL, else "
         "unix:/run/rollbackd/api.sock where you may use it, else http://127.0.0.1:8620"},
        {option, "--token-file", "FILE", "file that holds the token; else ROLLBACKD_TOKEN"},
        {flag, "--json", "", "the API's JSON instead of text"},
        {option, "--ca", "FILE", "authorities to trust over https, in PEM; default: the system's"},
        {option, "--cert", "FILE", "client certificate, where the daemon asks for one"},
        {option, "--key", "FILE", "its private key"},
        {option, "--idempotency-key", "KEY", "of a changing call: sent again it acts only once"},
    };
    return table;
}

}  // namespace rollbackd::cli
