"""The rollback that cannot work is known before it is needed: in conditions, in a metric, and by a message."""

from harness import wait_for


def playbook(world, name: str = "code-rollback") -> dict:
    found = world.api("read").read("/v1/services/shop")
    return next(one for one in found["playbooks"] if one["name"] == name)


def told(world, event: str) -> list[str]:
    return [one["text"] for one in world.sink.messages if one["event"] == event]


def test_a_rollback_that_could_not_run_is_told_before_it_is_needed_and_when_it_could_again(world):
    world.policy["daemon"]["readiness_every"] = "1s"
    world.triggers(**{"cannot-undo": {"when": "not ready(code-rollback)", "severity": "P2", "response": "alert"}})
    world.start()
    world.two_releases()
    world.repository.checkout("v2")
    world.deploy("v2", known_good=True)
    wait_for(lambda: playbook(world)["ready"] is True, what="a first look")
    metric = 'rollbackd_playbook_ready{playbook="code-rollback",service="shop"}'
    assert f"{metric} 1" in world.api(None).get("/metrics").text
    moved = world.repository.path.rename(world.folder / "moved")
    wait_for(lambda: told(world, "playbook.not_ready"), 20, "the message")
    assert "P2 shop: code-rollback could not be run now: step" in told(world, "playbook.not_ready")[0]
    assert playbook(world)["ready"] is False and str(world.repository.path) in playbook(world)["ready_why"]
    assert f"{metric} 0" in world.api(None).get("/metrics").text
    incident = world.opened("cannot-undo")
    moved.rename(world.repository.path)
    wait_for(lambda: told(world, "playbook.ready"), 20, "the good news")
    world.until(incident["id"], "resolved")
    assert len(told(world, "playbook.not_ready")) == 1 and world.incident(incident["id"])["runs"] == []


def test_without_a_version_to_go_back_to_nothing_is_ready(world):
    world.policy["daemon"]["readiness_every"] = "1s"
    world.start()
    wait_for(lambda: told(world, "playbook.not_ready"), 20, "the message")
    assert "no other version is known-good" in playbook(world)["ready_why"]
    world.deploy("v1", known_good=True)
    world.repository.release("v2", "ok")
    world.deploy("v2")
    wait_for(lambda: playbook(world)["ready"] is True, 20, "it to be ready")
