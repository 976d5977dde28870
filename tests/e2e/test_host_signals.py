"""Signals about the machine and its programs: each well, with its source gone, slow, talking garbage, and
back again. What is our own trouble is unknown; only the target's is a failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import settled, wait_for
from harness.policy import script

PLUGINS = Path("/usr/lib/nagios/plugins")
ALERT = {"severity": "P2", "response": "alert"}
FAST = {"every": "200ms", "confirm_every": "50ms", "timeout": "2s"}


def watch(world, form: dict, when: str = "failed(it)", **beside) -> None:
    world.shop["signals"]["it"] = {**form, **FAST, **beside}
    world.triggers(bad={"when": when, **ALERT})
    world.start()


def it(world) -> dict:
    return world.signal("it")


def until_state(world, state: str | None, slug: str = "") -> dict:
    def seen() -> dict | None:
        signal = it(world)
        known = signal["last_at"] is not None and signal["state"] == state
        return signal if known and (signal["last_reason"] or "").startswith(slug) else None

    return wait_for(seen, what=f"{state} {slug}")


def until_number(world, right) -> float:
    def seen():
        value = it(world)["last_value"]
        return value is not None and not isinstance(value, str) and right(value)

    wait_for(seen, what="the number")
    return it(world)["last_value"]


def between(least: float, value, most: float) -> bool:
    return value is not None and least <= value <= most


def until_unknown(world, slug: str) -> None:
    wait_for(lambda: (it(world)["last_reason"] or "").startswith(slug) and world.trigger("bad")["verdict"] == "unknown",
             what=slug)


def test_a_plugins_critical_is_a_failure_and_its_own_troubles_are_not(world):
    says = world.folder / "says"
    says.write_text("echo 'SHOP OK | orders=5'\n")
    check = script(world, "check_shop", f'. "{says}"\n')
    watch(world, {"exec": {"argv": [check]}})
    until_state(world, "ok", "SHOP OK")
    for broken, slug in (("exit 3", "unknown: exit 3"), ("kill -9 $$", "signal: "), ("exec sleep 60", "timeout: "),
                         ("exit 64", "unknown: exit 64")):
        says.write_text(f"{broken}\n")
        until_unknown(world, slug)
    away = Path(check).rename(world.folder / "away")
    until_unknown(world, "missing: ")
    assert settled(world.incidents) == []
    away.rename(check)
    says.write_text("echo 'SHOP CRITICAL'; exit 2\n")
    world.opened("bad")
    until_state(world, "failed", "critical: SHOP CRITICAL")
    says.write_text("echo 'SHOP OK'\n")
    until_state(world, "ok")
    wait_for(lambda: world.incidents()[0]["state"] == "resolved", what="the end of the incident")


@pytest.mark.skipif(not (PLUGINS / "check_disk").exists(), reason="monitoring-plugins-basic is not installed")
def test_a_real_plugin_gives_its_state_and_its_numbers(world):
    page = world.folder / "page"
    page.write_text("x")
    argv = [str(PLUGINS / "check_file_age"), "-w", "3600", "-c", "7200", "-f", str(page)]
    world.shop["signals"]["age"] = {"exec": {"argv": argv, "measure": "age"}, **FAST}
    watch(world, {"exec": {"argv": argv}})
    until_state(world, "ok")
    wait_for(lambda: between(0, world.signal("age")["last_value"], 3600))
    os.utime(page, (1, 1))
    world.opened("bad")
    wait_for(lambda: (world.signal("age")["last_value"] or 0) > 7200)


def test_a_disks_share_is_a_number_and_one_that_is_gone_is_unknown(world):
    place = world.folder / "disk"
    place.mkdir()
    watch(world, {"disk": {"path": str(place)}}, when="value(it) >= 0%")
    share = until_number(world, lambda value: 0 <= value <= 1)
    usage = shutil.disk_usage(place)
    assert abs(share - usage.used / (usage.used + usage.free)) < 0.2
    world.opened("bad")
    place.rmdir()
    until_unknown(world, "missing: ")
    place.mkdir()
    until_number(world, lambda value: 0 <= value <= 1)


def test_memory_and_load_are_numbers_of_this_machine(world):
    for name, form in {"used": {"memory": {}}, "load": {"load": {"measure": "load1"}},
                       "cpu": {"load": {"measure": "cpu"}}}.items():
        world.shop["signals"][name] = {**form, **FAST}
    watch(world, {"memory": {"measure": "available"}}, when="value(it) < 1kB")
    for name, most in (("used", 1), ("load", 10000), ("cpu", 1)):
        wait_for(lambda: between(0, world.signal(name)["last_value"], most), what=name)  # noqa: B023
    assert until_number(world, lambda value: value > 1e6)
    wait_for(lambda: world.trigger("bad")["verdict"] == "false")


def test_a_file_that_changes_hands_or_goes_fails_by_name(world):
    env = world.folder / "app.env"
    env.write_text("KEY=very-secret-value\n")
    env.chmod(0o600)
    watch(world, {"file": {"path": str(env), "expect": {"mode": "0600", "min_size": 5}}})
    until_state(world, "ok")
    env.chmod(0o644)
    world.opened("bad")
    until_state(world, "failed", "mode: 0644, expected 0600")
    env.unlink()
    until_state(world, "failed", "missing: ")
    env.write_text("")
    env.chmod(0o600)
    until_state(world, "failed", "small: ")
    env.write_text("KEY=other\n")
    until_state(world, "ok")
    assert "very-secret" not in world.daemon.log.read_text()


def test_a_folders_growth_is_seen(world):
    uploads = world.folder / "uploads"
    uploads.mkdir()
    watch(world, {"file": {"path": str(uploads), "measure": "bytes"}}, when="delta(it, 2s) > 1kB")
    until_number(world, lambda value: value == 0)
    wait_for(lambda: world.trigger("bad")["verdict"] == "false", what="the window to be covered")
    (uploads / "big").write_bytes(b"x" * 5000)
    world.opened("bad")
    until_number(world, lambda value: value == 5000)


def test_a_process_that_ends_fails_and_one_that_is_back_is_good(world):
    def start() -> subprocess.Popen:
        return subprocess.Popen(["sleep", "86399"], start_new_session=True)

    pid = world.folder / "worker.pid"
    first = start()
    try:
        pid.write_text(f"{first.pid}\n")
        watch(world, {"process": {"pidfile": str(pid)}})
        until_state(world, "ok", "1 process")
        first.kill()
        first.wait()
        world.opened("bad")
        until_state(world, "failed", "absent: ")
        pid.write_text("nonsense\n")
        until_unknown(world, "garbage: ")
        second = start()
        pid.write_text(f"{second.pid}\n")
        until_state(world, "ok")
        second.kill()
        second.wait()
    finally:
        first.kill()


FREEZER = Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def freezer():
    """A control group whose processes the kernel keeps: they are deaf to every signal, SIGKILL too."""
    if os.geteuid() != 0 or not (FREEZER / "cgroup.procs").exists():
        pytest.skip("needs root and the freezer of control groups' first version")
    group = FREEZER / f"rollbackd-test-{os.getpid()}"
    group.mkdir()
    (group / "freezer.state").write_text("FROZEN")
    try:
        yield group
    finally:
        (group / "freezer.state").write_text("THAWED")
        wait_for(lambda: not (group / "cgroup.procs").read_text(), what="frozen processes to end")
        group.rmdir()


def test_a_check_that_hangs_in_the_kernel_holds_up_nothing(world, freezer):
    """It is asked no second time while the first one hangs, a reload goes through, and the daemon stops."""
    check = script(world, "hangs", f'echo $$ > {freezer}/cgroup.procs\necho fine\n')
    watch(world, {"exec": {"argv": [check]}})
    wait_for(lambda: "still hangs" in (it(world)["last_reason"] or ""), what="the next question")
    until_unknown(world, "timeout: ")
    assert len((freezer / "cgroup.procs").read_text().split()) == 1
    del world.shop["triggers"]["bad"]
    world.write_policy()
    assert world.api("admin").post("/v1/config/reload").status == 200
    world.daemon.restart()
    wait_for(lambda: len((freezer / "cgroup.procs").read_text().split()) == 2, what="the next daemon's question")
    (freezer / "freezer.state").write_text("THAWED")
    until_state(world, "ok", "fine")
