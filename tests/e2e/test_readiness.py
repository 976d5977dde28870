"""The rollback that cannot work is known before it is needed: in conditions, in a metric, and by a message."""

from harness import wait_for
from harness.policy import script


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


def test_a_plan_of_many_slow_looks_is_looked_at_whole(world):
    """Each of its steps answers in time; all of them one after the other would not."""
    slow = script(world, "compose", "sleep 0.7; echo docker-compose version 1.29.2\n")
    (world.folder / "compose.yaml").write_text("services: {}\n")
    down = {"compose": {"command": [slow], "cwd": str(world.folder), "do": "stop"}}
    last = {"file_edit": {"file": str(world.folder / "not-there"), "key": "A", "value": "b"}}
    world.policy["daemon"]["readiness_every"] = "1s"
    world.shop["playbooks"]["by-hand"] = {
        "undoes": "nothing", "risk": "low", "data_loss": "none",
        "steps": [{**down, "name": f"stop-{n}"} for n in range(4)] + [{**last, "name": "last"}],
        "verify": [{"until": "ok(health)", "within": "4s"}]}
    world.start()
    wait_for(lambda: "step last: " in playbook(world, "by-hand")["ready_why"], 20, "the objection")
    assert playbook(world, "by-hand")["ready"] is False
