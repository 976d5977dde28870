"""scripts/test: builds what the chosen parts need, runs them, adds everything up. The last line is
"N passed, N failed, N skipped"."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

from leftovers import Leftovers

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
PARTS = ("style", "unit", "simulation", "situations", "fuzz", "e2e", "policies", "policies-long", "crash", "drills", "tsan",
         "asan-e2e")
# Fuzzing goes on beside what comes after it.
USUAL = ("style", "unit", "simulation", "situations", "e2e", "fuzz", "policies", "crash", "drills")
STAGE_SECONDS_MAX = 40 * 60
# Of the simulation: all that a change owes in CI, fewer while somebody works on it.
SEEDS = 20000 if os.environ.get("CI") == "true" else 2000
FUZZ_SECONDS = 30    # of each target; the long form is scripts/fuzz
FUZZ_SEED = 1        # a run that failed can be repeated
# End-to-end tests wait more than they work: so many at once for each processor.
WAITING = 2
# The shipped policies, drilled on a machine of their own: half a minute each.
POLICY_DRILLS = "tests/e2e/test_drills*.py"
# Those of a minute and more each are not usual.
LONG_DRILLS = "tests/e2e/test_long_drills*.py"
SITUATION_SEEDS = 5     # of each situation; the long form is scripts/situations
# What runs on several threads; the other rooms are pure or have one.
THREADED = ("io_test", "sensing_test", "hands_test", "store_test", "api_test", "daemon_test")


@dataclass
class Sum:
    """What was run so far."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, name: str, ok: bool) -> None:
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)

    def add_junit(self, part: str, file: Path) -> bool:
        """Adds every case of a JUnit file; False where there is none."""
        if not file.is_file():
            return False
        for case in xml.parse(file).getroot().iter("testcase"):
            name = f"{part}: {case.get('classname', '')}::{case.get('name', '')}".replace("::::", "::")
            skip = case.find("skipped")
            if skip is not None or case.get("status") in {"notrun", "disabled"}:
                reason = (skip.get("message") if skip is not None else None) or "not run"
                self.skipped.append(f"{name}: {reason}")
            else:
                self.add(name, case.find("failure") is None and case.find("error") is None)
        return True


class Suite:
    def __init__(self, temporary: Path):
        self.temporary = temporary
        self.scratch = temporary / "scratch"   # TMPDIR of everything that runs: empty at the end
        self.scratch.mkdir()
        self.sum = Sum()
        self.fuzzing: subprocess.Popen | None = None
        self.fuzz_log = temporary / "fuzz.log"
        self.environment = dict(os.environ, TMPDIR=str(self.scratch), PYTHONDONTWRITEBYTECODE="1",
                                LC_ALL="C.UTF-8", TZ="UTC")

    def say(self, text: str) -> None:
        print(f"== {text}", flush=True)

    def run(self, argv: list[str], **more) -> int:
        """Runs a stage in its own process group and shows what it runs."""
        print("+ " + " ".join(argv), flush=True)
        process = subprocess.Popen(argv, cwd=ROOT, env=self.environment, start_new_session=True, **more)
        try:
            return process.wait(timeout=STAGE_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            print(f"took longer than {STAGE_SECONDS_MAX} s: ended", flush=True)
            return 124
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def build(self, preset: str, *targets: str) -> bool:
        began = time.monotonic()
        code = self.run(["./scripts/build", preset, *targets])
        self.say(f"build {preset}: {'done' if code == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s")
        if code != 0:
            self.sum.add(f"build {preset}", False)
        return code == 0

    def style(self) -> None:
        self.say("style: the checks' own tests, then the checks")
        folder = ROOT / "tests/style"
        done = subprocess.run([PYTHON, "-B", str(folder / "self_test.py")], capture_output=True, text=True,
                              env=self.environment)
        ran = re.search(r"^Ran (\d+) tests?", done.stderr, re.M)
        count = int(ran.group(1)) if ran else 0
        bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", done.stderr))
        self.sum.passed += max(0, count - bad)
        if done.returncode != 0 or not count:
            print(done.stderr, flush=True)
            self.sum.failed += ["style: self_test"] * max(1, bad)
        for check in ("check_includes", "check_coroutines", "check_tree", "check_names", "check_promises"):
            self.sum.add(f"style: {check}", self.run([PYTHON, "-B", str(folder / f"{check}.py")]) == 0)

    def ctest(self, preset: str, *targets: str) -> None:
        """The unit tests, or only those of the targets."""
        if not self.build(preset, *targets):
            return
        self.say(f"unit tests, built as {preset}")
        report = self.temporary / f"{preset}.xml"
        some = ["-R", f"^({'|'.join(targets)}):"] if targets else []
        code = self.run(["ctest", "--test-dir", f"build/{preset}", "-LE", "style", *some, "--output-on-failure",
                         "--progress", "-j", str(os.cpu_count() or 2), "--output-junit", str(report)])
        before = len(self.sum.failed)
        if not self.sum.add_junit(preset, report) or code != 0 and len(self.sum.failed) == before:
            self.sum.add(f"ctest {preset}", False)

    def pytest(self, part: str, folder: str, binaries: str, at_once: int = 1, only: str = "") -> None:
        """All tests of the folder but the policies' drills, or `only` the files of a pattern."""
        self.say(f"{part}: {folder} with the binaries of {binaries}")
        if not any((ROOT / folder).glob("test_*.py")):
            self.sum.add(f"{part}: no test in {folder}", False)
            return
        self.environment["ROLLBACKD_BIN_DIR"] = str(ROOT / binaries)
        report = self.temporary / f"{part}.xml"
        several = ["-n", str(at_once)] if at_once > 1 else []
        chosen = [str(file) for file in sorted(ROOT.glob(only))] if only else \
            [folder, *(f"--ignore-glob={ROOT / drills}" for drills in (POLICY_DRILLS, LONG_DRILLS))]
        code = self.run([PYTHON, "-B", "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", *several,
                         f"--basetemp={self.temporary / ('pytest-' + part)}", f"--junitxml={report}",
                         "-o", f"junit_suite_name={part}", *chosen])
        before = len(self.sum.failed)
        if not self.sum.add_junit(part, report) or code not in (0, 5) and len(self.sum.failed) == before:
            self.sum.add(f"pytest {part}", False)

    def simulation(self) -> None:
        """The short form: each seed that breaks a promise is a failure of its own."""
        if not self.build("release", "simulation"):
            return
        self.say(f"simulation: {SEEDS} seeds")
        argv = ["./build/bin/simulation", "--seeds", str(SEEDS), "--jobs", str(os.cpu_count() or 2)]
        print("+ " + " ".join(argv), flush=True)
        done = subprocess.run(argv, cwd=ROOT, env=self.environment, capture_output=True, text=True,
                              timeout=STAGE_SECONDS_MAX)
        print(done.stdout + done.stderr, flush=True)
        broken = re.findall(r"^FAILED (seed .*)", done.stdout, re.M)
        for what in broken:
            self.sum.add(f"simulation: {what}; again: scripts/simulate --seed {what.split()[1][:-1]}", False)
        if not broken:
            self.sum.add("simulation", done.returncode == 0)

    def fuzz(self) -> None:
        """The short form, from what the unit tests were built from. It begins here and has whatever
        processor time the parts after it leave; end_fuzzing() counts what came of it."""
        names = self.fuzz_targets()
        if not self.build("dev", *(f"fuzz_{name}" for name in names)):
            return
        self.say(f"fuzz: every target for {FUZZ_SECONDS} s, beside what follows")
        argv = ["chrt", "--idle", "0", "./scripts/fuzz", "--build", "dev", "--seconds", str(FUZZ_SECONDS),
                "--seed", str(FUZZ_SEED)]
        print("+ " + " ".join(argv), flush=True)
        with self.fuzz_log.open("wb") as log:
            self.fuzzing = subprocess.Popen(argv, cwd=ROOT, env=self.environment, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)

    def fuzz_targets(self) -> list[str]:
        return sorted(path.stem.removesuffix("_fuzz") for path in (ROOT / "tests/fuzz").glob("*_fuzz.cpp"))

    def end_fuzzing(self) -> None:
        """Every target is a test of its own."""
        if self.fuzzing is None:
            return
        try:
            self.fuzzing.wait(timeout=STAGE_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            print(f"fuzz: took longer than {STAGE_SECONDS_MAX} s: ended", flush=True)
        finally:
            if self.fuzzing.poll() is None:
                os.killpg(self.fuzzing.pid, signal.SIGKILL)
                self.fuzzing.wait()
        self.fuzzing = None
        said = self.fuzz_log.read_text(errors="replace")
        print("\n".join(line for line in said.splitlines() if not line.startswith("[")), flush=True)
        for name in self.fuzz_targets():
            again = re.search(rf"^fuzz: {name} found something; (.*)", said, re.M)
            self.sum.add(f"fuzz: {name}; {again[1] if again else f'its log: build/fuzz/{name}.log'}",
                         f"fuzz: {name}: " in said)

    def situations(self) -> None:
        """The short form: a few seeds each, the main ones on the real stack once."""
        if not self.build("release") or not self.build("release", "situations"):
            return
        self.pytest("situations", "tests/situations", "build/bin")
        argv = [PYTHON, "-B", "tests/situations/run.py", "--seeds", str(SITUATION_SEEDS), "--real", "--why"]
        self.sum.add("situations: the goals", self.run(argv) == 0)

    def part(self, name: str) -> None:
        if name == "style":
            self.style()
        elif name == "unit":
            self.ctest("dev")
        elif name == "simulation":
            self.simulation()
        elif name == "fuzz":
            self.fuzz()
        elif name == "situations":
            self.situations()
        elif name == "tsan":
            self.ctest("tsan", *THREADED)
        elif name == "e2e" and self.build("release"):
            self.pytest(name, "tests/e2e", "build/bin", WAITING * (os.cpu_count() or 2))
        elif name == "policies" and self.build("release"):
            self.pytest(name, "tests/e2e", "build/bin", at_once=2, only=POLICY_DRILLS)
        elif name == "policies-long" and self.build("release"):
            self.pytest(name, "tests/e2e", "build/bin", at_once=2, only=LONG_DRILLS)
        elif name in ("crash", "drills") and self.build("release"):
            self.pytest(name, f"tests/{name}", "build/bin")
        elif name == "asan-e2e" and self.build("dev"):
            self.pytest(name, "tests/e2e", "build/dev/bin", WAITING * (os.cpu_count() or 2))


def chosen(arguments: list[str]) -> list[str]:
    wrong = [name for name in arguments if name not in PARTS]
    if wrong:
        print(f"scripts/test: no part {wrong[0]!r}; parts are {' '.join(PARTS)}", file=sys.stderr)
        sys.exit(2)
    return arguments or list(USUAL)


def finish(suite: Suite, leftovers: Leftovers) -> int:
    for what in leftovers.end_all():
        suite.sum.failed.append(f"left behind: process {what}")
    for path in sorted(suite.scratch.iterdir()):
        suite.sum.failed.append(f"left behind: file {path.name}")
    strict = os.environ.get("CI") == "true"
    for name in suite.sum.skipped:
        print(f"skipped: {name}")
    for name in suite.sum.failed:
        print(f"FAILED: {name}")
    if strict and suite.sum.skipped:
        print("CI=true: a skipped test is a failure")
    print(f"{suite.sum.passed} passed, {len(suite.sum.failed)} failed, {len(suite.sum.skipped)} skipped",
          flush=True)
    return 1 if suite.sum.failed or strict and suite.sum.skipped or not suite.sum.passed else 0


def main() -> int:
    parts = chosen(sys.argv[1:])
    leftovers = Leftovers()
    temporary = Path(tempfile.mkdtemp(prefix="rollbackd-test-"))
    temporary.chmod(0o755)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))
    suite = Suite(temporary)
    try:
        subprocess.run(["./scripts/setup", "tests"], cwd=ROOT, check=True)
        for name in parts:
            began = time.monotonic()
            suite.part(name)
            suite.say(f"{name}: took {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        suite.end_fuzzing()
        suite.say(f"waited {time.monotonic() - began:.0f} s for the end of fuzzing")
        return finish(suite, leftovers)
    except subprocess.CalledProcessError as error:
        print(f"scripts/test: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        leftovers.end_all()
        shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
