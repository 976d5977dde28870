// systemd: one verb on one unit, and a look at its effect.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo systemd_info() {
    TypeInfo info;
    info.name = "systemd";
    info.doc =
        "Restarts, starts, stops or reloads a unit and checks the state it is in afterwards.";
    info.fields = {
        {.name = "unit",
         .type = FieldType::text,
         .doc = "The unit, with its ending: shop.service.",
         .required = true},
        {.name = "do",
         .type = FieldType::choice,
         .doc = "What to do with it.",
         .required = true,
         .choices = {"restart", "start", "stop", "reload"}},
    };
    info.idempotent = true;
    info.restarts = true;
    info.runs_process = true;
    return info;
}

/// $1 unit, $2 verb. Exit 0: the unit is in the state the verb is meant to bring about. A unit that
/// runs to its end and is not to remain has done its work when it is gone.
constexpr char const* act_script = R"sh(
unit=$1 verb=$2
ctl() { systemctl --no-ask-password "$@"; }
show() { ctl show --property="$1" --value -- "$unit"; }
tell() { ctl --no-pager --lines=15 status -- "$unit" >&2; }
load=$(show LoadState) || { echo "systemd does not answer" >&2; exit 10; }
[ "$load" = loaded ] || { echo "$unit: no such unit here ($load)" >&2; exit 10; }
before=$(show InvocationID)
ctl "$verb" -- "$unit" || { code=$?; tell; exit "$code"; }
while :; do
    state=$(show ActiveState)
    [ "$(show SubState)" = auto-restart ] && break
    case $state in activating|deactivating|reloading|maintenance) sleep 0.1 ;; *) break ;; esac
done
after=$(show InvocationID)
case $verb:$state in
    stop:inactive|stop:failed) echo "$unit is $state"; exit 0 ;;
    restart:active)
        [ "$after" != "$before" ] && { echo "$unit is active, started anew"; exit 0; }
        echo "$unit was not started anew" >&2 ;;
    start:active|reload:active) echo "$unit is active"; exit 0 ;;
    restart:inactive|start:inactive)
        if [ "$(show Type)" = oneshot ] && [ "$(show Result)" = success ]; then
            echo "$unit has run"
            exit 0
        fi ;;
esac
echo "$unit is $state after $verb" >&2
tell
exit 11
)sh";

constexpr char const* loaded_script = R"sh(
load=$(systemctl show --property=LoadState --value -- "$1") || {
    echo "systemd does not answer" >&2
    exit 10
}
[ "$load" = loaded ] || { echo "$1: no such unit here ($load)" >&2; exit 10; }
)sh";

/// $1 unit, $2 verb. 0: in the state it is meant to be in; 1: it is not; else nobody knows.
constexpr char const* settle_script = R"sh(
state=$(systemctl show --property=ActiveState --value -- "$1") || exit 2
case $2:$state in
    start:active|stop:inactive|stop:failed) exit 0 ;;
    start:*|stop:*) exit 1 ;;
esac
exit 2
)sh";

asio::awaitable<StepOutcome> run(StepJob& job) {
    Command command;
    command.argv = script_argv("systemd", act_script, {job.text("unit"), job.text("do")});
    auto const end = co_await job.process("systemd", std::move(command));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<std::string>> preflight(StepJob& job) {
    Command command;
    command.argv = script_argv("systemd", loaded_script, {job.text("unit")});
    auto const end = co_await job.ask(std::move(command));
    co_return objection(job, end);
}

/// A restart or reload leaves no trace that tells it from another; both may be done again.
asio::awaitable<StepOutcome> settle(StepJob& job) {
    Command command;
    command.argv = script_argv("systemd", settle_script, {job.text("unit"), job.text("do")});
    auto const end = co_await job.ask(std::move(command));
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    return text_of(params, "do") + " the unit " + text_of(params, "unit");
}

}  // namespace

StepType systemd_step() {
    return {
        .info = systemd_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
    };
}

}  // namespace rollbackd
