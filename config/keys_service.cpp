// The keys below `services`.
#include "config/keys.hpp"

#include "config/keys_build.hpp"
#include "engine/policy.hpp"

#include <chrono>

namespace rollbackd::keys {

namespace {

using enum FieldType;
using namespace std::chrono_literals;

}  // namespace

Section const& service() {
    static Section const section{
        "a service",
        "Entries of `services`.",
        {
            otherwise(
                lasting("watch_window", 1s, 168h, "How long a deployment may be blamed."),
                Duration(30min)
            ),
            lasting(
                "bake", 1s, 168h,
                "How long until a deployment is known-good; default: watch_window."
            ),
            otherwise(
                lasting(
                    "start_period", 0s, 1h,
                    "Failures this soon after a deployment or a boot wait until its end."
                ),
                Duration(20s)
            ),
            key("depends_on", text_list, "Services whose failure is not this one's fault."),
            key("release", object, "What a release consists of: recorded, and restored as one."),
            key("references", object, "Further probes of things that are not ours."),
            key("locks", text_list, "Locks shared with other services: one run at a time."),
            key("limits", object, "As of the daemon, whose values are the default."),
            one_of(
                "autonomy", enum_names<Autonomy>(),
                "Lowers what the daemon may do here; default: as the daemon."
            ),
            key("notify", text_list, "Channels told about this service; default: every channel."),
            key("vars", text_map, "Values for templates: {{ name }}."),
            key("signals", object, "What is observed, by name."),
            key("triggers", object, "When to act, by name; file order decides ties."),
            key("playbooks", object, "How to act, by name."),
            key("gate", object, "What CI must ask before a deployment."),
            key("duties", object, "What people owe after every acting incident."),
        }
    };
    return section;
}

Section const& release() {
    static Section const section{
        "release",
        "Keys of a service's `release`.",
        {
            key("version", object, "Where the version in effect is read."),
            key("keep", text_list, "Files whose content belongs to the release."),
            key("schema", object,
                "Where the database schema's version is read: moved, the release is not undone."),
        }
    };
    return section;
}

Section const& signal() {
    static Section const section{
        "a signal",
        "Keys of every signal, beside its type.",
        {
            otherwise(lasting("every", 10ms, 24h, "How often a probe asks."), Duration(10s)),
            lasting(
                "timeout", 10ms, 10min,
                "How long one question may take; default: 5s, but at most `every`."
            ),
            lasting(
                "confirm_every", 10ms, 1h,
                "Pace after a failure and while verifying; default: 1s, but at most `every`."
            ),
            lasting(
                "stale_after", 10ms, 744h,
                "Without a sample for so long its value is unknown; default of a probe: "
                "3 × every + timeout, of the others: never."
            ),
            key("by", text, "A field of each event whose value keeps streaks apart (a provider)."),
            key("from", text, "Of a probe: the host that asks, over ssh; default: here."),
        }
    };
    return section;
}

Section const& reference() {
    static Section const section{
        "a reference",
        "Entries of `references`: a probe's type, and beside it:",
        {lasting("timeout", 10ms, 10s, "How long the question may take; default 2s.")}
    };
    return section;
}

Section const& trigger() {
    static Section const section{
        "a trigger",
        "Entries of `triggers`.",
        {
            needed(key("when", condition, "The condition on signals.")),
            otherwise(
                lasting("for", 0s, 744h, "It must hold for so long; 0s: at once."), Duration(0s)
            ),
            otherwise(
                key("resolve_after", text, "Good samples, or a duration, until it is over."), 3
            ),
            bounded(
                key("min_count", integer,
                    "Outcomes its windows must hold; default: 20 for ratios and quantiles, "
                    "else 1."),
                1, 1e9
            ),
            key("confidence", number,
                "A share like 95%: the Wilson bound of a ratio must pass the threshold too."),
            one_of("severity", enum_names<Severity>(), "Default: what the matrix says."),
            key("classify", object, "What is known about the breach, for the matrix."),
            key("response", object,
                "alert, propose, a playbook, or a ladder of playbooks; default: what the matrix "
                "says."),
            lasting(
                "within", 1s, 168h,
                "For each rung without its own: not recovered by then, the next is tried."
            ),
            otherwise(key("approval", boolean, "A person must approve every run."), false),
            one_of(
                "autonomy", enum_names<Autonomy>(),
                "Lowers what the daemon may do for it; default: as the service."
            ),
            key("notify", text_list, "Channels that are told; default: those of the service."),
            otherwise(
                key("only_after_deploy", boolean,
                    "Judged only while a deployment lies in the watch window."),
                false
            ),
            otherwise(
                one_of(
                    "blame", enum_names<Blame>(),
                    "release: undoes a release only if that may be at fault; any: that is not "
                    "asked."
                ),
                "release"
            ),
            lasting("deadline", 1s, 744h, "Not resolved by then: escalated."),
        }
    };
    return section;
}

Section const& rung() {
    static Section const section{
        "a rung",
        "A ladder's entry, where it is more than a name.",
        {
            needed(key("run", text, "The playbook.")),
            lasting("within", 1s, 168h, "Not recovered by then: the next rung."),
        }
    };
    return section;
}

Section const& playbook() {
    static Section const section{
        "a playbook",
        "Entries of `playbooks`.",
        {
            otherwise(
                one_of(
                    "undoes", enum_names<Undoes>(),
                    "What it takes back; schema and data the release too, where it names "
                    "{{ known_good.version }}."
                ),
                "nothing"
            ),
            otherwise(one_of("risk", enum_names<Risk>(), "Of running it; for people."), "low"),
            otherwise(
                one_of(
                    "data_loss", enum_names<DataLoss>(),
                    "What may be lost; anything but none needs an approval."
                ),
                "none"
            ),
            otherwise(key("approval", boolean, "A person must approve every run."), false),
            lasting("budget", 1s, 168h, "Past it no further step starts."),
            key("locks", text_list, "Locks held from the first step to the end of verify."),
            key("inputs", text_map, "What a person may give, with its default; empty: required."),
            needed(key("steps", object, "What is done, in order.")),
            key("always", object, "Steps that run at the end whatever happened."),
            key("verify", object, "What must pass within settle for the service to be recovered."),
            key("success", object, "What must hold later for the rollback to be successful."),
            key("follow_up", object,
                "What people should watch or do afterwards; they may be reminded."),
            key("duties", object, "What people owe afterwards, with deadlines."),
            key("on_failure", text_list, "Playbooks appended to the ladder if it fails."),
        }
    };
    return section;
}

Section const& step() {
    static Section const section{
        "a step",
        "Keys of every step, beside its type.",
        {
            key("name", text, "Default: type and number, git_checkout-2."),
            otherwise(lasting("timeout", 10ms, 168h, "How long it may take."), Duration(60s)),
            otherwise(
                bounded(
                    key("retries", integer,
                        "Further attempts after a failure; needs idempotent or check."),
                    0, 10
                ),
                0
            ),
            key("idempotent", boolean,
                "Running it twice equals running it once; default: as its type."),
            key("check", argv, "Asked when nobody knows: exit 0 done, 1 not done."),
            key("host", text, "Where it runs; default: here."),
            key("when", condition,
                "Must hold when it is the step's turn, else the step is skipped. Nobody can tell "
                "within timeout: the step has failed."),
            key("save", text,
                "Keeps its output as {{ steps.NAME }} for later steps; of one that restores a "
                "backup "
                "also {{ steps.NAME.as_of }}, of what moment that is, and {{ steps.NAME.version "
                "}}, "
                "the version in effect then."),
            otherwise(key("approval", boolean, "A person must approve it."), false),
        }
    };
    return section;
}

Section const& check() {
    static Section const section{
        "a check",
        "Entries of `verify` and `success`: exactly one of until, hold, run and manual.",
        {
            key("until", condition, "Must become true."),
            lasting("within", 1ms, 168h, "Of until: by then; default in verify: settle."),
            key("hold", condition, "Must be true, and stay so."),
            lasting("for", 1ms, 168h, "Of hold: for so long."),
            key("run", argv, "A command; exit 0 passes."),
            key("manual", text, "A question a person answers."),
            key("from", text, "Host that asks; default: here."),
        }
    };
    return section;
}

}  // namespace rollbackd::keys
