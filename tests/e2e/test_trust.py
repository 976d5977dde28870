"""How far a signal is trusted: stale is not healthy and can be alerted on, one voice is no quorum, and what cannot
look does not vote."""

from pathlib import Path

from harness import settled, wait_for
from harness.policy import script

FAST = {"every": "200ms", "confirm_every": "100ms", "timeout": "5s"}
ALERT = {"severity": "P2", "response": "alert"}


def verdict(world, trigger: str) -> str:
    return world.trigger(trigger)["verdict"]


def watch_three(world) -> list[Path]:
    """Three views of one thing, each a check of its own: a file says what it answers."""
    views = [world.folder / f"view-{n}" for n in range(3)]
    for n, view in enumerate(views):
        view.write_text("exit 0\n")
        check = script(world, f"check-{n}", f'. "{view}"\n')
        world.shop["signals"][f"v{n}"] = {"exec": {"argv": [check]}, **FAST, "stale_after": "5s"}
    return views


def test_two_of_three_make_a_quorum_and_one_does_not(world):
    views = watch_three(world)
    world.triggers(most={"when": "quorum(2, failed(v0), failed(v1), failed(v2))", **ALERT})
    world.start()
    wait_for(lambda: verdict(world, "most") == "false")
    views[0].write_text("exit 2\n")
    wait_for(lambda: world.signal("v0")["state"] == "failed")
    assert settled(world.incidents) == []
    assert verdict(world, "most") == "false"
    # One that cannot look is no second voice: nobody knows.
    views[1].write_text("exit 3\n")
    wait_for(lambda: verdict(world, "most") == "unknown")
    assert settled(world.incidents) == []
    views[2].write_text("exit 2\n")
    incident = world.opened("most")
    views[0].write_text("exit 0\n")
    views[1].write_text("exit 0\n")
    wait_for(lambda: world.incident(incident["id"])["state"] == "resolved", what="two good voices")


def test_a_signal_that_cannot_be_read_is_unknown_and_then_stale_which_alerts(world):
    view = world.folder / "view"
    view.write_text("exit 0\n")
    check = script(world, "check", f'. "{view}"\n')
    world.shop["signals"]["it"] = {"exec": {"argv": [check]}, **FAST, "stale_after": "3s"}
    world.triggers(bad={"when": "failed(it)", **ALERT}, silent={"when": "stale(it)", **ALERT})
    world.start()
    wait_for(lambda: verdict(world, "bad") == "false" and verdict(world, "silent") == "false")
    view.write_text("exit 3\n")
    wait_for(lambda: verdict(world, "bad") == "unknown", what="nobody knows")
    silent = world.opened("silent")
    assert [t["name"] for t in silent["triggers"]] == ["silent"]
    assert world.signal("it")["stale"] is True and verdict(world, "bad") == "unknown"
    view.write_text("exit 0\n")
    wait_for(lambda: world.incident(silent["id"])["state"] == "resolved", what="a fresh sample")
    assert verdict(world, "bad") == "false"
