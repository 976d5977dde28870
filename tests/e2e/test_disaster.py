"""A full disk and a jumping clock: no action without its record, no action out of a wrong time."""

import json
import os
import subprocess

import pytest
from harness import settled, wait_for
from harness.policy import failing_payments

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
    world.step = lambda seconds: by.write_text(str(seconds))
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
