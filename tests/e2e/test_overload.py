"""Too much of everything: what a step, a receiver, a flood of breaches or a long pause can do to the daemon."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from harness import settled, wait_for
from harness.faults import HELD_SECONDS_MAX, MEMORY_FACTOR, Shim
from harness.policy import failing_payments, gated_step, script
from test_faults import LOOKS, OFF, acted, answers, breach, come_at_once
from test_hostile import resident_kib

LONG = os.environ.get("ROLLBACKD_TEST_LONG") == "1"    # the sizes of docs/reliability.md, minutes instead of seconds
RUNS = "/v1/services/shop/playbooks/by-hand/runs"


def by_hand(world, *steps: dict) -> str:
    """Starts a run of these steps; answers its incident."""
    world.shop["playbooks"]["by-hand"] = {"undoes": "nothing", "risk": "low", "data_loss": "none",
                                          "steps": list(steps), "verify": [{"until": "ok(health)", "within": "4s"}]}
    world.start()
    world.healthy_first()
    world.api("operate").must(201, RUNS, {"reason": "a test"})
    return wait_for(world.incidents)[0]["id"]


def step_of(world, id_: str) -> dict:
    return world.incident(id_)["runs"][-1]["steps"][0]


def ended(world, id_: str) -> dict:
    def find() -> dict | None:
        step = step_of(world, id_)
        return step if step["state"] not in ("pending", "running", "waiting") else None

    return wait_for(find, 60, "the step to end")


# Steps that do not behave

STUBBORN = """\
trap '' TERM INT HUP
setsid sh -c 'trap "" TERM HUP; echo $$ >> "{pids}"; while :; do sleep 0.1; done' &
(setsid sh -c 'trap "" TERM; (setsid sh -c "trap \\"\\" TERM; echo \\$\\$ >> {pids}; while :; do sleep 0.1; done" &)' &)
nohup sh -c 'echo $$ >> "{pids}"; while :; do sleep 0.1; done' > /dev/null 2>&1 &
echo $$ >> "{pids}"
while :; do sleep 0.1; done
"""


def alive(pids: Path) -> list[int]:
    return [int(pid) for pid in pids.read_text().split() if is_alive(pid)]


def is_alive(pid: str) -> bool:
    """One that has ended is nothing but a number until its parent has asked for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


@pytest.mark.parametrize("by", ["timeout", "abort"])
def test_a_step_that_ignores_sigterm_and_hides_in_sessions_of_its_own_is_ended_whole(world, by):
    pids = world.folder / "pids"
    pids.touch()
    stubborn = script(world, "stubborn", STUBBORN.format(pids=pids))
    id_ = by_hand(world, {"exec": {"argv": [stubborn]}, "timeout": "10s" if by == "timeout" else "60s"})
    wait_for(lambda: len(pids.read_text().split()) == 4, what="everything it starts")
    if by == "abort":
        world.api("operate").must(200, f"/v1/incidents/{id_}/abort")
    assert ended(world, id_)["state"] == ("unknown" if by == "timeout" else "aborted")
    assert alive(pids) == []


def test_two_hundred_processes_of_one_step_are_ended_with_it(world):
    pids = world.folder / "pids"
    pids.touch()
    many = script(world, "many", "for n in $(seq 200); do\n"
                                 f'    sh -c \'echo $$ >> "{pids}"; exec sleep 600\' &\ndone\nwait\n')
    id_ = by_hand(world, {"exec": {"argv": [many]}, "timeout": "60s"})
    wait_for(lambda: len(alive(pids)) == 200, 30, "200 sleepers")
    assert come_at_once(answers(world, *LOOKS))
    world.api("operate").must(200, f"/v1/incidents/{id_}/abort")
    assert ended(world, id_)["state"] == "aborted"
    wait_for(lambda: alive(pids) == [])


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0    # written under another name first, and renamed


def stored(world) -> int:
    """Bytes of the journal and of what steps have written; a folder may go while it is looked at."""
    beside = [Path(folder, name) for top in world.folder.glob("rollbackd.db*") for folder, _, names in os.walk(top) for name in names]
    return sum(size_of(path) for path in beside)


def test_a_flood_of_output_costs_neither_memory_nor_disk_nor_an_answer(world):
    size = "10G" if LONG else "400M"
    flood = script(world, "flood", f"head -c {size} /dev/zero\necho the end >&2\n")
    id_ = by_hand(world, {"exec": {"argv": [flood]}, "timeout": "10m"})
    took, disk, supervisor = answers(world, "/healthz"), 0, 0
    while step_of(world, id_)["state"] == "running":
        took += answers(world, "/healthz")
        disk = max(disk, stored(world))
        for pid in world.running("rollbackd-step"):
            supervisor = max(supervisor, peak_kib(pid))
    assert ended(world, id_)["state"] == "done"
    assert "the end" in step_of(world, id_)["text"]
    assert come_at_once(took) and disk < 2 << 20, (max(took), disk)
    assert supervisor < MEMORY_FACTOR * (8 << 10) and resident_kib(world) < MEMORY_FACTOR * (80 << 10)


def peak_kib(pid: int) -> int:
    try:
        rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(row.split()[1]) for row in rows if row.startswith("VmHWM:")), 0)


# Receivers and clocks

def test_a_receiver_that_hangs_holds_its_own_messages_and_nothing_else(world):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = world.folder / "hang.url"
        hook.write_text(f"http://127.0.0.1:{silent.getsockname()[1]}/hook")
        world.policy["notify"]["hanging"] = {"webhook": {"url_file": str(hook), "format": "generic"}}
        world.triggers(payments=failing_payments(**OFF))
        world.start()
        world.healthy_first()
        breach(world)
        wait_for(lambda: acted(world), what="the run")
        wait_for(lambda: world.sink.messages, what="the other channel")
        assert come_at_once(answers(world, *LOOKS))
        assert world.daemon.stop(timeout=15) == 0
    hook.write_text(world.sink.url)
    told = len(world.sink.messages)
    world.daemon.start()
    wait_for(lambda: len(world.sink.messages) > told, what="what the hanging one was owed")


def test_a_minute_of_sigstop_neither_fires_nor_blinds_and_the_watch_goes_on(world):
    shim = Shim(world)
    world.triggers(payments=failing_payments(**OFF), down={
        "when": "consecutive_failures(health) >= 3", "severity": "P0", "response": ["code-rollback"]})
    world.start()
    world.two_releases()
    world.push("payments", {"ok": True}, *[{"ok": False}] * 3)
    wait_for(lambda: world.trigger("payments")["count"] == 3)
    asked = len(world.app.requests)
    world.daemon.process.send_signal(signal.SIGSTOP)
    shim.later(60)
    world.daemon.process.send_signal(signal.SIGCONT)
    wait_for(lambda: len(world.app.requests) > asked + 5, what="the probe to go on")
    assert settled(world.incidents) == []
    assert world.trigger("payments")["count"] == 3
    world.deploy("v2")
    wait_for(lambda: world.repository.head == world.repository.versions["v1"], what="the rollback")


def test_a_step_that_was_running_during_a_minute_of_sigstop_ends_as_it_ended(world):
    shim = Shim(world)
    step, lines, gate = gated_step(world)
    id_ = by_hand(world, {**step, "timeout": "30s"})
    wait_for(lines.exists)
    world.daemon.process.send_signal(signal.SIGSTOP)
    gate.touch()
    wait_for(lambda: not world.running("gated"))
    shim.later(60)
    world.daemon.process.send_signal(signal.SIGCONT)
    assert ended(world, id_)["state"] == "done"
    assert lines.read_text() == "ran\n"


# Much at once

def test_thousands_of_breaches_at_once_are_all_recorded_and_told_and_answers_go_on(world):
    services, each = (200, 50) if LONG else (20, 25)
    triggers = {f"t{n}": {"when": f"consecutive_failures(p) > {n % 5}", "severity": "P2", "response": "alert"}
                for n in range(each)}
    more = world.folder / "conf.d"
    more.mkdir()
    service = {"signals": {"p": {"push": {"kind": "outcomes"}}}, "triggers": triggers}
    for first in range(0, services, 20):    # a file may hold 1 MiB
        some = {f"s{number}": service for number in range(first, first + 20)}
        (more / f"{first}.yaml").write_text(json.dumps({"services": some}))
    world.start()
    began = time.monotonic()
    for number in range(services):
        world.push("p", {"failure": 9, "success": 0}, service=f"s{number}")
    took = []

    def opened() -> bool:
        took.extend(answers(world, "/healthz"))
        state = world.api().read("/v1/status")
        return count_opened(world) == services * each and bool(state)

    wait_for(opened, 600 if LONG else 60, "every incident")
    print(f"{services * each} breaches recorded after {time.monotonic() - began:.1f} s, "
          f"slowest answer {max(took) * 1000:.0f} ms")
    assert max(took) < HELD_SECONDS_MAX
    assert world.daemon.stop() == 0
    assert world.ctl("journal", "verify", "--store", f"sqlite:{world.folder}/rollbackd.db").returncode == 0


def count_opened(world) -> int:
    metrics = world.api(None).get("/metrics").text
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in metrics.splitlines()
               if line.startswith("rollbackd_incidents_opened_total"))
