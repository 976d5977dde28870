"""from: a signal asked from another machine, over a real sshd: with the same reasons as here, and unknown while
that machine cannot be reached."""

import pytest
from harness import settled, wait_for
from harness.sshd import Sshd, why_no_sshd

FAST = {"every": "1s", "confirm_every": "500ms", "timeout": "5s", "from": "far"}
ALERT = {"severity": "P2", "response": "alert"}


@pytest.fixture
def far(world, tmp_path):
    if reason := why_no_sshd():
        pytest.skip(reason)
    folder = tmp_path / "sshd"
    folder.mkdir()
    made = Sshd(folder)
    try:
        made.start()
        world.policy["hosts"] = {"far": made.host}
        yield made
    finally:
        made.stop()


def reason(world, signal: str) -> str:
    return world.signal(signal)["last_reason"] or ""


def test_probes_of_every_kind_are_asked_from_there(world, far):
    mark = world.folder / "mark"
    mark.write_text("12345")
    forms = {"page": {"http": {"url": "{{ url }}/health", "expect": {"json": {"/status": "ok"}}}},
             "port": {"tcp": {"address": world.database.address}},
             "size": {"file": {"path": str(mark), "measure": "size"}},
             "check": {"exec": {"argv": ["/bin/sh", "-c", "echo fine; exit 0"]}}}
    for name, form in forms.items():
        world.shop["signals"][name] = {**form, **FAST}
    world.triggers(bad={"when": "failed(page)", **ALERT})
    world.start()
    for name in ("page", "port", "check"):
        wait_for(lambda: world.signal(name)["state"] == "ok", 20, name)  # noqa: B023
    wait_for(lambda: world.signal("size")["last_value"] == 5.0)
    world.app.mode = "fail"
    world.database.down()
    world.opened("bad", 20)
    wait_for(lambda: reason(world, "page").startswith("status: "))
    wait_for(lambda: reason(world, "port").startswith("refused: "))


def test_a_machine_that_cannot_be_reached_is_unknown_and_then_back(world, far):
    world.shop["signals"]["page"] = {"http": {"url": "{{ url }}/health"}, **FAST}
    world.triggers(bad={"when": "failed(page)", **ALERT})
    world.start()
    wait_for(lambda: world.signal("page")["state"] == "ok", 20)
    far.stop()
    wait_for(lambda: reason(world, "page").startswith("unreachable: "), 20)
    assert world.trigger("bad")["verdict"] == "unknown"
    assert settled(world.incidents) == []
    far.start()
    wait_for(lambda: world.signal("page")["state"] == "ok", 20)


def test_a_machine_that_is_another_than_it_was_is_not_believed(world, far):
    """Its key has changed: nobody knows who answers there."""
    known = far.folder / "known"
    other = far.folder / "other"
    other.write_text(known.read_text().replace("ssh-ed25519 ", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI")[:120] + "\n")
    world.policy["hosts"]["far"]["known_hosts"] = str(other)
    world.shop["signals"]["page"] = {"http": {"url": "{{ url }}/health"}, **FAST}
    world.triggers(bad={"when": "failed(page)", **ALERT})
    world.start()
    wait_for(lambda: reason(world, "page").startswith("unreachable: "), 20)
    assert world.signal("page")["state"] is None


def test_a_host_that_is_not_named_is_refused(world):
    world.shop["signals"]["page"] = {"http": {"url": "{{ url }}/health"}, "from": "nowhere"}
    world.write_policy()
    said = world.ctl("check", str(world.daemon.config))
    assert said.returncode == 1 and "nowhere" in said.stdout
