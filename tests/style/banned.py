"""Calls that must not appear, where they may after all, and what to use instead."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    pattern: str
    instead: str
    allowed_in: tuple[str, ...] = ()
    language: str = "cpp"


TESTS = r"tests/"
SUPERVISOR = r"actions/steps/supervisor/"
CLOCK = r"core/io/(clock|deadline|process)\.(cpp|hpp)"

CALLS = (
    Call(r"\b\w*(?:io|ioc|ctx|context|loop)_?(?:\.|->)stop\s*\(\s*\)",
         "stopping the loop drops work; cancel the TaskGroup and let the loop run dry", (TESTS,)),
    Call(r"\bdetached\b(?!\s*=)", "only TaskGroup::spawn starts a coroutine, so that all can be stopped and awaited",
         (r"core/io/task_group\.", TESTS)),
    Call(r"(?<![\w.>])(?:std::)?system\s*\(", "argv lists through core/io/process, never a shell"),
    Call(r"\bpopen\s*\(", "argv lists through core/io/process, never a shell"),
    Call(r"\bstd::(?:jthread|thread|async)\b(?!::)", "blocking work goes through core/io/blocking",
         (r"core/io/(blocking\w*|start_aside)\.", TESTS)),
    Call(r"\bpthread_create\b", "blocking work goes through core/io/blocking", (r"core/io/blocking\w*\.",)),
    Call(r"\bthis_thread::sleep_(?:for|until)\b|(?<![\w.])(?:::)?(?:u|nano)?sleep\s*\(",
         "wait for a condition with a deadline (a timer, a pidfd, a readable descriptor)"),
    Call(r"\b(?:steady_clock|system_clock|high_resolution_clock)::now\b|\bclock_gettime\s*\(|"
         r"\bgettimeofday\s*\(|\bstd::time\s*\(|(?<![\w.:>])time\s*\(\s*(?:nullptr|NULL|0|&)",
         "Now is a parameter in pure code and comes from the clock (core/io/clock) in the shell",
         (CLOCK, SUPERVISOR, TESTS)),
    Call(r"(?<![\w.:>])(?:::)?(?:v?fork|posix_spawnp?|execvp?e?|execl[pe]?)\s*\(",
         "one place spawns processes: core/io/spawn",
         (r"core/io/(process|spawn)\.", SUPERVISOR, TESTS)),
    Call(r"\bstd::(?:cout|cerr|clog)\b|(?<![\w.:>])(?:std::)?(?:v?f?printf|puts|fputs)\s*\(",
         "library code returns; only daemon/ logs, only cli/ and main print",
         (r"cli/", r"daemon/\w+\.", SUPERVISOR, TESTS, r"core/ensure\.hpp")),
    Call(r"\bspdlog::", "library code returns; only daemon/ logs", (r"daemon/\w+\.", TESTS)),
    Call(r"\bstd::regex\b", "RE2: bounded time on any input"),
    Call(r"(?<![\w.:>])assert\s*\(", "ensure(condition, \"…\"): it stays on in release"),
    Call(r"(?m)^using namespace (?!std::(?:chrono_|string_|string_view_)?literals)(?!\w*::?literals)",
         "write the names out, or alias the namespace", (TESTS,)),
    Call(r"\btime\.sleep\s*\(", "wait_for(condition, timeout) from the harness",
         (r"tests/e2e/harness/waiting\.py", r"tests/style/", r"tests/bench/", r"scripts/"), "py"),
    Call(r"\bshell\s*=\s*True\b|\bos\.system\s*\(|\bos\.popen\s*\(", "an argv list", (r"tests/style/",), "py"),
)
