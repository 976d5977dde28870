"""release: a deployment nobody announced still opens a watch window."""

from harness import settled, wait_for

FAST = {"every": "100ms", "timeout": "2s"}


def start(world, **form) -> None:
    world.shop["signals"]["running"] = {"release": form or {"git": str(world.repository.path)}, **FAST}
    world.start()


def deployments(world) -> list[dict]:
    return world.api("read").read("/v1/services/shop/deployments")["items"]


def text(world) -> str | None:
    return world.signal("running")["last_value"]


def test_an_unannounced_release_that_fails_is_rolled_back(world):
    start(world)
    good = world.deploy("v1", known_good=True)["version"]
    world.healthy_first()
    wait_for(lambda: text(world) == good)
    assert settled(lambda: text(world)) == good
    world.repository.prepare("v2", "fail")
    bad = world.repository.checkout("v2")       # and nobody says so
    wait_for(lambda: deployments(world)[0]["version"] == bad, what="the deployment to be recorded")
    assert deployments(world)[0]["by"] == "signal running"
    incident = world.opened("down")
    world.until(incident["id"], "resolved")
    assert world.standing(bad) == "bad" and world.standing(good) == "known-good"
    wait_for(lambda: text(world) == good)
    assert [d["version"] for d in settled(lambda: deployments(world))] == [bad, good]


def test_an_announced_release_is_recorded_once(world):
    start(world)
    world.deploy("v1", known_good=True)
    world.healthy_first()
    wait_for(lambda: text(world) is not None)
    world.repository.prepare("v2")
    version = world.record(world.repository.checkout("v2"))["version"]
    wait_for(lambda: text(world) == version)
    assert len(settled(lambda: deployments(world), quiet=1.5)) == 2


def test_a_version_that_only_flickers_is_no_deployment(world):
    mark = world.folder / "VERSION"

    def say(version: str) -> None:
        fresh = world.folder / "VERSION.new"
        fresh.write_text(version + "\n")
        fresh.rename(mark)

    say("v1")
    world.shop["signals"]["running"] = {"release": {"file": str(mark)}, "every": "2s", "timeout": "1s"}
    world.start()
    wait_for(lambda: text(world) == "v1")
    say("v2")
    wait_for(lambda: text(world) == "v2")
    say("v1")
    wait_for(lambda: text(world) == "v1")
    assert settled(lambda: deployments(world), quiet=4) == []
    say("v2")
    wait_for(lambda: [d["version"] for d in deployments(world)] == ["v2"])


def test_a_version_that_cannot_be_read_is_unknown_and_no_deployment(world):
    mark = world.folder / "VERSION"
    mark.write_text("v1\n")
    start(world, file=str(mark))
    wait_for(lambda: text(world) == "v1")
    mark.unlink()
    wait_for(lambda: (world.signal("running")["last_reason"] or "").startswith("missing: "))
    mark.write_text("\n")
    wait_for(lambda: "empty" in (world.signal("running")["last_reason"] or ""))
    mark.write_text("v1\n")
    wait_for(lambda: text(world) == "v1" and not world.signal("running")["last_reason"])
    assert settled(lambda: deployments(world)) == []


def test_a_release_while_the_daemon_was_down_is_seen_at_its_start(world):
    mark = world.folder / "VERSION"
    mark.write_text("v1\n")
    start(world, file=str(mark))
    wait_for(lambda: text(world) == "v1")
    world.daemon.stop()
    mark.write_text("v2\n")
    world.daemon.start()
    wait_for(lambda: [d["version"] for d in deployments(world)] == ["v2"])
