"""A full disk and a jumping clock: no action without its record, no action out of a wrong time."""

import json
import os
import subprocess

import pytest
from harness import settled, wait_for
from harness.policy import failing_payments, gated_step

CLOCK_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
/* Moves CLOCK_REALTIME by the seconds written in the file that CLOCK_STEP_FILE names. */
static long step(void) {
    long by = 0;
    FILE* file = fopen(getenv("CLOCK_STEP_FILE"), "r");
    if (file) { if (fscanf(file, "%ld", &by) != 1) by = 0; fclose(file); }
    return by;
}
int clock_gettime(clockid_t id, struct timespec* ts) {
    static int (*real)(clockid_t, struct timespec*);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int const result = real(id, ts);
    if (result == 0 && id == CLOCK_REALTIME) ts->tv_sec += step();
    return result;
}
"""


@pytest.fixture
def stepping(world):
    """A daemon whose wall clock the test can move: world.step(seconds)."""
    source, shim, by = (world.folder / name for name in ("shim.c", "shim.so", "step"))
    source.write_text(CLOCK_SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
    by.write_text("0")
    world.daemon.environment = {"LD_PRELOAD": str(shim), "CLOCK_STEP_FILE": str(by)}

    def step(seconds: int) -> None:
        new = world.folder / "step.new"
        new.write_text(str(seconds))
        new.rename(by)      # never read half

    world.step = step
    if "build/dev" in os.environ.get("ROLLBACKD_BIN_DIR", ""):
        world.daemon.environment["ASAN_OPTIONS"] = "verify_asan_link_order=0"
    return world


@pytest.mark.parametrize("hours", [5, -5])
def test_a_clock_that_steps_by_hours_neither_fires_nor_blinds_nor_forgets(stepping, hours):
    world = stepping
    world.triggers(payments=failing_payments(response=["payments-off"], blame="any"))
    world.start()
    world.healthy_first()
    world.push("payments", {"ok": True}, *[{"ok": False}] * 3)
    wait_for(lambda: world.trigger("payments")["count"] == 3)
    world.step(hours * 3600)
    assert settled(world.incidents, quiet=1.5) == []
    assert world.trigger("payments")["count"] == 3
    world.push("payments", {"ok": False})
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text())


def test_a_rollback_works_after_the_clock_went_back(stepping):
    world = stepping
    world.start()
    world.two_releases()
    world.step(-3 * 3600)
    world.deploy("v2")
    world.until(world.opened("down")["id"], "resolved")
    assert world.repository.head == world.repository.versions["v1"]


@pytest.fixture
def small_disk(world):
    """The store on a file system of its own that the test can fill."""
    disk = world.folder / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small file system: {done.stderr.decode().strip()}")
    world.policy["daemon"]["store"] = f"sqlite:{disk}/rollbackd.db"
    world.disk = disk
    yield world
    if world.daemon.running:
        world.daemon.stop()
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                pass


def test_on_a_full_disk_nothing_is_done_that_cannot_be_recorded_and_alerts_still_go_out(small_disk):
    world = small_disk
    world.triggers(payments=failing_payments(response=["payments-off"], blame="any"))
    world.start()
    world.healthy_first()
    fill(world.disk)
    world.push("payments", *[{"ok": False, "reason": "declined " * 50}] * 4)
    wait_for(lambda: world.sink.messages, timeout=30, what="an alert from memory")
    assert "not recorded" in json.dumps(world.sink.messages)
    assert settled(world.env_file.read_text).count("PAYMENTS=on") == 1
    answer = world.api("operate").post("/v1/pause", {})
    assert answer.status == 503, answer.text
    assert world.api(None).get("/readyz").status == 503
    assert world.api(None).get("/healthz").status == 200
    (world.disk / "filler").unlink()
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text(), timeout=30, what="the run, once it can be recorded")
    world.daemon.stop()
    assert world.ctl("journal", "verify", "--store", f"sqlite:{world.disk}/rollbackd.db").returncode == 0


def full(world, **more) -> None:
    world.triggers(payments=failing_payments(response="alert"), **more)
    world.start()
    world.healthy_first()


def breach(world, signal: str = "payments") -> None:
    world.push(signal, *[{"ok": False, "reason": "declined " * 50}] * 4)


def test_on_a_full_disk_a_second_breach_is_told_too_and_people_are_answered_at_once(small_disk):
    world = small_disk
    world.shop["signals"]["orders"] = {"push": {"kind": "outcomes"}}
    full(world, orders=failing_payments(when="consecutive_failures(orders) > 3", response="alert"))
    fill(world.disk)
    breach(world)
    wait_for(lambda: "payments" in world.sink.texts(), what="the first alert")
    breach(world, "orders")
    wait_for(lambda: "orders" in world.sink.texts(), what="the second alert")
    assert all("not recorded" in message["text"] for message in world.sink.messages)
    assert len({message["id"] for message in world.sink.messages}) == len(world.sink.messages)
    answer = world.api("ingest").post("/v1/services/shop/deployments", {"version": "x"})
    assert answer.status == 503 and "json" in answer.headers["content-type"]
    (world.disk / "filler").unlink()
    for name in ("payments", "orders"):
        world.opened(name, timeout=30)


def test_on_a_full_disk_a_message_that_was_recorded_goes_out_once(small_disk):
    world = small_disk
    world.sink.status = 500
    full(world)
    breach(world)
    id_ = world.opened("payments")["id"]
    fill(world.disk)
    # Nothing can be noted any more, the first message's delivery neither.
    wait_for(lambda: world.api(None).get("/readyz").status == 503, timeout=30)
    world.sink.status = 200
    wait_for(lambda: world.sink.events(id_), timeout=60, what="the message")
    assert len(settled(lambda: list(world.sink.messages), quiet=2.5)) == 1
    (world.disk / "filler").unlink()
    wait_for(lambda: world.api(None).get("/readyz").status == 200, timeout=30)
    assert len(settled(lambda: list(world.sink.messages), quiet=2.5)) == 1


def test_a_stop_on_a_full_disk_is_as_quick_as_any(small_disk):
    world = small_disk
    full(world)
    fill(world.disk)
    breach(world)
    wait_for(lambda: world.sink.messages, timeout=30)
    assert world.daemon.stop(timeout=15) == 0


def test_on_a_full_disk_a_running_step_finishes_and_abort_still_kills(small_disk):
    world = small_disk
    for name in ("finishes", "aborted"):
        step, lines, gate = gated_step(world)
        world.shop["playbooks"][name] = {"undoes": "nothing", "data_loss": "none", "steps": [step]}
    full(world)

    def begin(playbook: str) -> str:
        world.api("operate").must(201, f"/v1/services/shop/playbooks/{playbook}/runs", {"reason": "a test"})
        wait_for(lambda: lines.exists() and lines.read_text())
        fill(world.disk)
        wait_for(lambda: world.api("operate").post("/v1/pause", {}).status == 503, timeout=30)
        return world.incidents()[0]["id"]

    id_ = begin("finishes")
    gate.touch()
    wait_for(lambda: not world.running("gated"), what="the step to end")
    # What the supervisor removes at the step's end may be room enough to write it down.
    assert world.incident(id_)["runs"][0]["steps"][0]["state"] in ("running", "done")
    (world.disk / "filler").unlink()
    wait_for(lambda: world.incident(id_)["runs"][0]["steps"][0]["state"] == "done", timeout=30)
    world.until(id_, "resolved", "unverified", timeout=30)
    if world.incident(id_)["state"] != "resolved":
        world.api("operate").post(f"/v1/incidents/{id_}/resolve", {"reason": "a test"})
    gate.unlink()
    lines.unlink()
    id_ = begin("aborted")
    world.api("operate").post(f"/v1/incidents/{id_}/abort")
    wait_for(lambda: not world.running("gated"), what="the abort to kill")
    (world.disk / "filler").unlink()
    wait_for(lambda: world.incident(id_)["runs"][0]["state"] == "aborted", timeout=30)


def test_an_abort_on_a_full_disk_is_one_after_a_crash_too_and_the_ladder_goes_no_further(small_disk):
    world = small_disk
    step, lines, _ = gated_step(world)
    world.shop["playbooks"]["stuck"] = {"undoes": "nothing", "data_loss": "none", "steps": [step]}
    world.triggers(payments=failing_payments(response=["stuck", "payments-off"], blame="any"))
    world.start()
    world.healthy_first()
    world.push("payments", *[{"ok": False}] * 4)
    id_ = world.opened("payments")["id"]
    wait_for(lambda: lines.exists() and lines.read_text(), what="the step to run")
    fill(world.disk)
    wait_for(lambda: world.api("operate").post("/v1/pause", {}).status == 503, timeout=30)
    assert world.api("operate").post(f"/v1/incidents/{id_}/abort").status == 503
    wait_for(lambda: not world.running("gated"), what="the abort to kill")
    world.daemon.kill()
    (world.disk / "filler").unlink()
    world.daemon.start()
    world.until(id_, "frozen", timeout=30)
    runs = world.incident(id_)["runs"]
    assert [run["state"] for run in runs] == ["aborted"]
    assert "aborted by " in runs[0]["why"]      # by whom, where the disk had room for that record after all
    assert lines.read_text() == "ran\n"
    assert settled(world.env_file.read_text).count("PAYMENTS=on") == 1


def test_a_start_on_a_full_disk_is_refused_and_works_once_there_is_space(small_disk):
    world = small_disk
    full(world)
    world.record("a")
    world.daemon.kill()
    fill(world.disk)
    said = world.daemon.refuses_to_start()
    assert "full" in said and "free some space" in said
    (world.disk / "filler").unlink()
    world.daemon.start()
    assert [d["version"] for d in world.api().read("/v1/services/shop/deployments")["items"]] == ["a"]


@pytest.mark.parametrize("hours", [5, -5])
def test_a_release_is_watched_and_rolled_back_across_a_stepping_clock(stepping, hours):
    """Stepped after the deployment, between its record and its breach, and over a restart."""
    world = stepping
    world.start()
    world.two_releases()
    world.step(hours * 3600)
    world.daemon.restart()
    world.healthy_first()
    world.deploy("v2")
    world.step(0)
    world.until(world.opened("down")["id"], "resolved")
    assert world.repository.head == world.repository.versions["v1"]


def test_on_a_full_disk_a_new_policy_is_not_taken_and_the_status_says_so(small_disk):
    world = small_disk
    full(world)
    fill(world.disk)
    breach(world)
    wait_for(lambda: world.api(None).get("/readyz").status == 503, timeout=30)
    world.triggers(other=failing_payments(response="alert"))
    world.write_policy()
    world.daemon.reload()
    wait_for(lambda: "not taken" in json.dumps(world.api().read("/v1/status")), what="the status to tell")
    assert [t["name"] for t in world.api().read("/v1/services/shop")["triggers"]] == ["payments"]
    (world.disk / "filler").unlink()
    wait_for(lambda: world.api(None).get("/readyz").status == 200, timeout=30)
    world.daemon.reload()
    wait_for(lambda: world.api().read("/v1/services/shop")["triggers"][0]["name"] == "other")


def test_on_a_full_disk_the_heartbeat_stops_and_goes_on_once_there_is_space(small_disk):
    """Whoever misses it calls a person: a daemon that may not act is not well."""
    world = small_disk
    world.policy["daemon"]["heartbeat"] = {"url": world.sink.url, "every": "100ms"}
    full(world)
    wait_for(lambda: world.sink.beats, what="a heartbeat")
    fill(world.disk)
    breach(world)
    wait_for(lambda: world.api(None).get("/readyz").status == 503, what="it to know that it cannot write")
    beats, health = world.sink.beats, len(world.app.requests)
    wait_for(lambda: len(world.app.requests) > health + 3, what="probes, which go on")
    assert world.sink.beats <= beats + 1, "one may have been under way"
    (world.disk / "filler").unlink()
    wait_for(lambda: world.sink.beats > beats + 2, timeout=30, what="heartbeats again")
