"""Signals that only a machine with systemd has: units and timers as the service manager tells them, seen by
the shipped unit under its own user."""

import hashlib
import json

import pytest
from harness.api import Api
from harness.net import free_port
from harness.waiting import settled, wait_for

TOKEN = "drill-token-" + "x" * 32
UNITS = {
    "steady.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "looper.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'exit 3'\n"
                      "Restart=on-failure\nRestartSec=200ms\n",
    "tick.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit $$(cat /run/tick-exit)'\n",
    "tick.timer": "[Timer]\nOnActiveSec=100ms\nOnUnitActiveSec=1h\nAccuracySec=100ms\n",
    "say.service": "[Service]\nType=oneshot\nExecStart=/bin/cat /run/say-text\nLogRateLimitIntervalSec=0\n",
    "job.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit $$(cat /run/job-exit)'\n",
}
FAST = {"every": "300ms", "confirm_every": "100ms", "timeout": "2s"}
SIGNALS = {
    "steady": {"systemd": {"unit": "steady.service"}},
    "looper": {"systemd": {"unit": "looper.service"}},
    "restarts": {"systemd": {"unit": "looper.service", "measure": "restarts"}},
    "uptime": {"systemd": {"unit": "steady.service", "measure": "uptime"}},
    "job": {"systemd": {"unit": "job.service", "expect": "not_failed"}},
    "timer": {"crontab": {"timer": "tick.timer", "within": "1h"}},
    "lines": {"log": {"unit": "say.service"}},
    "nobody": {"systemd": {"unit": "nobody.service"}},
}


class Signals:
    def __init__(self, machine):
        self.machine = machine
        self.api = Api(free_port(), TOKEN)

    def put(self, path: str, text: str, mode: str = "0644") -> None:
        self.machine.run("/bin/sh", "-euc", 'cat > "$1"; chmod "$2" "$1"; [ "$2" = 0644 ] || chown :rollbackd "$1"',
                         "put", path, mode, text=text)

    def start(self) -> None:
        for name, text in UNITS.items():
            self.put(f"/etc/systemd/system/{name}", text)
        self.put("/run/job-exit", "0\n")
        self.put("/run/tick-exit", "0\n")
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        policy = {
            "version": 1,
            "daemon": {"listen": [f"127.0.0.1:{self.api.port}"], "autonomy": "observe",
                       "store": "sqlite:/var/lib/rollbackd/rollbackd.db",
                       "tokens": [{"name": "drill", "role": "admin", "sha256": digest}]},
            "services": {"shop": {
                "signals": {name: {**form, **({} if "log" in form else FAST)} for name, form in SIGNALS.items()},
                "triggers": {"loops": {"when": "delta(restarts, 5s) >= 3", "severity": "P2", "response": "alert"},
                             "log-errors": {"when": "failures(lines, 1h) >= 1000", "severity": "P3",
                                            "response": "alert"}},
            }},
        }
        self.put("/etc/rollbackd/rollbackd.yaml", json.dumps(policy), "0640")
        for argv in (["daemon-reload"], ["start", "steady", "looper", "tick.timer", "rollbackd"], ["start", "job"]):
            self.machine.run("systemctl", *argv, check=argv[0] != "start")
        wait_for(lambda: self.api.get("/readyz").status == 200, 30, "the unit to be ready")

    def get(self, name: str) -> dict:
        listed = self.api.read("/v1/services/shop")["signals"]
        return next(signal for signal in listed if signal["name"] == name)

    def trigger(self, name: str) -> dict:
        listed = self.api.read("/v1/services/shop")["triggers"]
        return next(trigger for trigger in listed if trigger["name"] == name)

    def until(self, name: str, state: str | None, slug: str = "") -> None:
        def seen() -> bool:
            signal = self.get(name)
            assert signal["state"] == state and (signal["last_reason"] or "").startswith(slug), signal
            return True

        wait_for(seen, 20, f"{name}: {state} {slug}")


@pytest.fixture(scope="module")
def signals(machine):
    made = Signals(machine)
    made.start()
    return made


def test_a_unit_that_runs_is_well_and_one_that_was_stopped_or_killed_is_not(signals):
    signals.until("steady", "ok", "running")
    wait_for(lambda: signals.get("uptime")["last_value"] is not None)
    signals.machine.run("systemctl", "stop", "steady")
    signals.until("steady", "failed", "inactive: success")
    signals.machine.run("systemctl", "start", "steady")
    signals.until("steady", "ok")
    signals.machine.run("systemctl", "kill", "-s", "KILL", "steady")
    signals.until("steady", "failed", "failed: signal, status 9")
    signals.machine.run("systemctl", "reset-failed", "steady")
    signals.machine.run("systemctl", "start", "steady")
    signals.until("steady", "ok")


def test_a_crash_loop_is_a_failure_whose_restarts_are_counted(signals):
    signals.until("looper", "failed", "restarting: exit-code, status 3")
    wait_for(lambda: (signals.get("restarts")["last_value"] or 0) >= 3, 20)
    wait_for(lambda: signals.trigger("loops")["verdict"] == "true", 20, "the trigger")
    signals.machine.run("systemctl", "stop", "looper")


def test_a_job_is_judged_by_its_last_run(signals):
    signals.until("job", "ok")
    signals.put("/run/job-exit", "4\n")
    signals.machine.run("systemctl", "start", "job", check=False)
    signals.until("job", "failed", "failed: exit-code, status 4")
    signals.put("/run/job-exit", "0\n")
    signals.machine.run("systemctl", "start", "job")
    signals.until("job", "ok")


def test_a_unit_that_does_not_exist_has_failed_by_name(signals):
    signals.until("nobody", "failed", "missing: ")


def test_a_service_manager_that_cannot_be_asked_is_unknown_and_then_back(signals):
    place, away = "/usr/bin/systemctl", "/usr/bin/systemctl.away"
    signals.machine.run("mv", place, away)
    signals.until("steady", None, "missing: ")
    signals.put(place, "#!/bin/sh\necho rubbish\n", "0755")
    signals.until("steady", None, "garbage: ")
    signals.put(place, "#!/bin/sh\nexec sleep 60\n", "0755")
    signals.until("steady", None, "timeout: ")
    signals.machine.run("mv", away, place)
    signals.until("steady", "ok")


def test_a_timer_that_ran_in_time_that_is_late_and_that_fails(signals):
    """Its last run and its service's result, as the service manager remembers them."""
    signals.until("timer", "ok", "last run ")
    signals.put("/run/tick-exit", "5\n")
    signals.machine.run("systemctl", "start", "tick", check=False)
    signals.until("timer", "failed", "failed: exit-code, status 5")
    signals.put("/run/tick-exit", "0\n")
    signals.machine.run("systemctl", "start", "tick")
    signals.until("timer", "ok")
    signals.machine.run("systemctl", "stop", "tick.timer")
    signals.until("timer", "failed", "inactive: ")
    signals.machine.run("systemctl", "start", "tick.timer")
    signals.until("timer", "ok")


def test_lines_of_a_unit_in_the_journal_are_read_once_over_a_restart(signals):
    def failures() -> float | None:
        return signals.trigger("log-errors")["count"]

    def say(text: str) -> None:
        signals.put("/run/say-text", text + "\n")
        signals.machine.run("systemctl", "start", "say")

    say("all is well")
    wait_for(lambda: signals.get("lines")["last_at"], 20, "the first line")
    say("ERROR: disk /srv: No space left on device")
    wait_for(lambda: failures() == 1, 20)
    signals.machine.run("systemctl", "stop", "rollbackd")
    say("FATAL: while nobody looked")
    signals.machine.run("systemctl", "start", "rollbackd")
    wait_for(lambda: failures() == 2, 20)
    say("FATAL: in mid-stream")
    signals.machine.run("systemctl", "kill", "-s", "KILL", "rollbackd")
    say("FATAL: after the kill")
    signals.machine.run("systemctl", "start", "rollbackd")
    wait_for(lambda: failures() == 4, 20)
    assert settled(failures, quiet=2.5) == 4
    signals.machine.run("systemctl", "stop", "rollbackd")   # more than is taken at once
    flood = "for n in 1 2 3; do echo FATAL: $n; yes \"$(printf '%400s' x)\" | head -n 8000; done; echo FATAL: its end"
    signals.machine.run("/bin/sh", "-euc", f"({flood}) > /run/say-text")
    signals.machine.run("systemctl", "start", "say", "rollbackd")
    wait_for(lambda: failures() == 8, 60)
    assert settled(failures, quiet=2.5) == 8
    place, away = "/usr/bin/journalctl", "/usr/bin/journalctl.away"
    signals.machine.run("mv", place, away)
    wait_for(lambda: "journalctl" in (signals.get("lines")["last_reason"] or ""), 30)
    say("ERROR: unseen for a while")
    signals.machine.run("mv", away, place)
    wait_for(lambda: failures() == 9, 20)
