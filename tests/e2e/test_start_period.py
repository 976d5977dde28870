"""A normal restart must not roll a release back: failures soon after a deployment wait."""

from datetime import datetime, timezone

from harness import settled, wait_for


def seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_a_good_deployment_that_is_down_while_it_restarts_is_not_rolled_back(world):
    world.shop["start_period"] = "8s"
    world.start()
    world.repository.release("v2", "ok")
    world.deploy("v1", known_good=True)
    world.healthy_first()
    deployed = seconds(world.deploy("v2")["started_at"])
    world.app.mode = "fail"     # it restarts
    trigger = wait_for(lambda: (lambda t: t if t["why"] and "start_period" in t["why"] else None)(
        world.trigger("down")))
    assert trigger["verdict"] == "unknown"
    assert world.incidents() == []
    world.app.mode = "ok"
    wait_for(lambda: seconds(world.signal("health")["last_at"]) > deployed + 8.5, what="the period to be over")
    assert settled(world.incidents) == []
    assert world.repository.head == world.repository.versions["v2"]


def test_a_release_that_stays_down_is_rolled_back_at_the_end_of_the_period_and_not_before(world):
    world.shop["start_period"] = "2s"
    world.start()
    world.two_releases()
    wait_for(lambda: len(world.app.requests) > 3)      # good often enough to be known to have been good
    deployed = seconds(world.deploy("v2")["started_at"])
    incident = world.opened("down")
    incident = world.until(incident["id"], "resolved")
    assert seconds(incident["acted_at"]) >= deployed + 2
    assert world.repository.head == world.repository.versions["v1"]


def test_a_repeated_record_of_the_same_version_does_not_restart_the_period(world):
    world.shop["start_period"] = "10s"
    world.start()
    world.two_releases()
    first = world.deploy("v2")["started_at"]
    wait_for(lambda: seconds(world.signal("health")["last_at"]) > seconds(first) + 6)
    assert world.deploy("v2")["started_at"] == first
    incident = world.until(world.opened("down")["id"], "resolved")
    assert seconds(incident["acted_at"]) < seconds(first) + 16      # a new period would end later


def test_a_failure_outside_any_start_period_acts_at_once(world):
    world.shop.update(start_period="60s")
    world.triggers(down={"when": "consecutive_failures(health) >= 3", "severity": "P0", "blame": "any",
                         "response": ["payments-off"]})
    world.start()
    world.healthy_first()
    world.app.mode = "fail"
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text())


def test_a_deployment_recorded_late_has_its_period_too_and_a_normal_restart_ends_well(world):
    world.shop["start_period"] = "10s"
    world.start()
    first = seconds(world.deploy("v1", known_good=True)["started_at"])
    wait_for(lambda: seconds(world.signal("health")["last_at"]) > first + 10, what="the first one's own period to be over")
    world.repository.release("v2", "ok")
    began = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    world.app.mode = "fail"     # it restarts, and nobody has recorded it yet
    id_ = world.opened("down")["id"]
    world.record(world.repository.checkout("v2"), started_at=began)
    world.app.mode = "ok"
    incident = world.until(id_, "resolved")
    assert incident["runs"] == []
    assert world.repository.head == world.repository.versions["v2"]


def test_a_deployment_recorded_late_that_stays_down_is_rolled_back_at_the_end_of_its_period(world):
    world.shop["start_period"] = "4s"
    world.start()
    world.two_releases()
    began = datetime.now(timezone.utc)
    version = world.repository.checkout("v2")
    id_ = world.opened("down")["id"]
    world.record(version, started_at=began.isoformat().replace("+00:00", "Z"))
    incident = world.until(id_, "resolved", timeout=30)
    assert seconds(incident["acted_at"]) >= began.timestamp() + 4
    assert world.repository.head == world.repository.versions["v1"]
