#include "cli/rehearsal/keys.hpp"

#include "config/keys_build.hpp"
#include "engine/state.hpp"

#include <chrono>

namespace rollbackd::cli::keys {

namespace {

using enum FieldType;
using namespace std::chrono_literals;
using rollbackd::keys::key;
using rollbackd::keys::lasting;
using rollbackd::keys::needed;
using rollbackd::keys::one_of;

constexpr auto longest = 2160h;

Field moment(std::string name, std::string doc) {
    return needed(lasting(std::move(name), 0s, longest, std::move(doc)));
}

Field of_service() { return key("service", text, "Whose; default: the test's."); }

}  // namespace

Section const& file() {
    static Section const section{
        "a file of tests",
        "The file itself.",
        {
            needed(key("policy", text, "The policy's file, relative to this one.")),
            one_of("autonomy", enum_names<Autonomy>(), "Instead of the daemon's in the policy."),
            key("service", text, "Whose tests these are; default: the only service of the policy."),
            needed(key("tests", any_map, "The tests, each on a clock of its own.")),
        }
    };
    return section;
}

Section const& test() {
    static Section const section{
        "a test",
        "Entries of `tests`.",
        {
            needed(key("name", text, "What it shows, for people.")),
            key("service", text, "Whose test it is; default: the file's."),
            lasting("interval", 1ms, 24h, "Between two values of a series; default 1m."),
            key("input_series", any_map, "What the signals bring."),
            key("events", any_map, "What happens meanwhile, what people do, what is broken."),
            key("trigger_test", any_map, "Verdicts that are expected."),
            key("incident_test", any_map, "Incidents that are expected, and what is done."),
            key("version_test", any_map, "How versions are expected to stand."),
        }
    };
    return section;
}

Section const& series() {
    static Section const section{
        "a series",
        "Entries of `input_series`. Of several lines for one signal the last that applies speaks.",
        {
            needed(key("series", text, "The signal: NAME, or SERVICE/NAME.")),
            needed(key("values", text, "Its values, in the notation above.")),
            key("by", text, "The value of the signal's `by`."),
            key("version", text, "Only while this version is in effect, counted from then on."),
            key("after", text, "Only once this playbook's steps have ended, counted from then on."),
            lasting("interval", 1ms, 24h, "Between two values; default: the test's."),
        }
    };
    return section;
}

std::vector<std::string> const& event_kinds() {
    static std::vector<std::string> const kinds{
        "deploy",  "raise",          "run",        "approve", "reject", "ack",
        "resolve", "abort",          "confirm",    "pause",   "resume", "silence",
        "release", "false_positive", "references", "schema",  "step",   "check"
    };
    return kinds;
}

Section const& event() {
    static Section const section{
        "an event",
        "Entries of `events`: `at`, and one thing that happens. What no test tells is well: "
        "references answer, the schema stands still, every step works and takes a second.",
        {
            moment("at", "When, from the beginning of the test."),
            of_service(),
            key("deploy", text, "A deployment of this version is recorded."),
            key("known_good", boolean, "Of deploy: as known-good."),
            key("schema_compatible", boolean, "Of deploy: the older code works with its schema."),
            lasting("started_at", 0s, longest, "Of deploy: when it began; default: at."),
            key("raise", text, "A person reports the symptom of this trigger."),
            key("run", text, "A person runs this playbook."),
            key("approve", boolean, "A person approves the plan that waits."),
            key("reject", boolean, "A person rejects it."),
            key("ack", boolean, "A person looks at the open incident."),
            key("resolve", boolean, "A person declares the open incident over."),
            key("abort", boolean, "A person ends the run."),
            key("confirm", integer, "A person settles this step of the run."),
            one_of("outcome", {"done", "not_done"}, "Of confirm; default done."),
            key("false_positive", boolean, "A person judges the newest incident so."),
            key("pause", boolean, "The service is paused."),
            key("resume", boolean, "The end of a pause or a freeze."),
            lasting("silence", 1s, longest, "The service is silenced for so long."),
            key("release", text, "The quarantine of this version ends."),
            key("reason", text, "What the person says."),
            one_of("references", {"answer", "fail"}, "Whether they answer from then on."),
            key("schema", text, "The database's schema from then on."),
            key("step", text, "This step, by name or type, from then on:"),
            key("check", text, "This `run` entry of verify, by its program, from then on:"),
            one_of("ends", {"done", "failed", "unknown"}, "Of step and check: how it ends."),
            one_of("settles", {"done", "failed", "unknown"}, "Of step: what its check says."),
            lasting("takes", 0s, 168h, "Of step: how long it takes."),
        }
    };
    return section;
}

Section const& trigger_expectation() {
    static Section const section{
        "an expected verdict",
        "Entries of `trigger_test`.",
        {
            moment("eval_time", "When, from the beginning of the test."),
            of_service(),
            needed(key("trigger", text, "The trigger's name.")),
            needed(one_of("exp_verdict", {"true", "false", "unknown"}, "What is expected.")),
            key("exp_why", text, "A part of what explains it: \"4 > 3\"."),
        }
    };
    return section;
}

Section const& incident_expectation() {
    static Section const section{
        "expected incidents",
        "Entries of `incident_test`. Without exp_incidents none is expected.",
        {
            moment("eval_time", "When, from the beginning of the test."),
            of_service(),
            key("trigger", text, "Only incidents of this trigger."),
            key("exp_incidents", any_map,
                "Every incident since the beginning, in order; of each, what is written is looked "
                "at."),
        }
    };
    return section;
}

Section const& version_expectation() {
    static Section const section{
        "an expected standing",
        "Entries of `version_test`.",
        {
            moment("eval_time", "When, from the beginning of the test."),
            of_service(),
            needed(key("version", text, "The version.")),
            needed(one_of("exp_standing", enum_names<Standing>(), "How it stands.")),
        }
    };
    return section;
}

Section const& incident() {
    static Section const section{
        "an expected incident",
        "Entries of `exp_incidents`.",
        {
            key("trigger", text, "One of its triggers."),
            one_of("severity", enum_names<Severity>(), "Its severity."),
            one_of("state", enum_names<IncidentState>(), "Its state."),
            key("alert_only", boolean, "Whether nothing but messages answers it."),
            key("blamed", text, "The version that is blamed."),
            key("runs", any_map, "Its runs, in order; [] for none."),
            key("refusals", any_map, "Why what was not run was not; [] for none."),
            key("duties", text_list, "What people owe, by name."),
        }
    };
    return section;
}

Section const& run() {
    static Section const section{
        "an expected run",
        "Entries of `runs`.",
        {
            key("playbook", text, "The playbook."),
            key("target", text, "The version it goes back to."),
            one_of("state", enum_names<RunState>(), "Its state."),
        }
    };
    return section;
}

Section const& refusal() {
    static Section const section{
        "an expected refusal",
        "Entries of `refusals`.",
        {
            one_of("guard", enum_names<Guard>(), "The guard that held it."),
            one_of("letter", {"a", "b", "c", "d", "e", "f"}, "Its letter."),
            key("playbook", text, "The rung that was not run."),
            key("text", text, "A part of what explains it."),
        }
    };
    return section;
}

std::vector<Section const*> all() {
    return {
        &file(),
        &test(),
        &series(),
        &event(),
        &trigger_expectation(),
        &incident_expectation(),
        &version_expectation(),
        &incident(),
        &run(),
        &refusal()
    };
}

}  // namespace rollbackd::cli::keys
