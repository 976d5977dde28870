"""Flapping and storms: what comes and goes by itself, and what breaks all at once, is for people."""

import pytest
from harness import settled, wait_for
from harness.policy import failing_payments
from harness.world import guards

BAD, GOOD = {"ok": False, "reason": "declined"}, {"ok": True}


def over(world) -> bool:
    return all(incident["state"] == "resolved" for incident in world.incidents(None))


@pytest.fixture
def flapping(world):
    """Three times bad and good again by itself, while a pause keeps rollbackd's hands off."""
    world.triggers(payments=failing_payments(response=["payments-off"], blame="any", resolve_after=1))
    world.start()
    world.healthy_first()
    world.push("payments", GOOD)
    world.api("operate").must(200, "/v1/pause", {"service": "shop"})
    for episode in range(3):
        world.push("payments", *[BAD] * 4)
        # Held, not only noticed: while the world is being asked nothing counts.
        wait_for(lambda: len(world.incidents()) == episode + 1 and "paused" in guards(newest(world)))
        world.push("payments", GOOD)
        wait_for(lambda: over(world))
    world.api("operate").must(200, "/v1/resume", {"service": "shop"})
    return world


def newest(world) -> dict:
    return world.incident(world.incidents()[0]["id"])


def held_as_unstable(world) -> dict:
    world.push("payments", *[BAD] * 4)
    wait_for(lambda: newest(world)["state"] == "waiting")
    return newest(world)


def test_a_service_that_flaps_is_told_of_and_left_alone(flapping):
    world = flapping
    incident = held_as_unstable(world)
    assert guards(incident)["unstable"] == "f"
    assert "7 > 6 changes in 10m" in str(incident["refusals"])
    assert world.trigger("payments")["unstable"] is True
    assert settled(world.env_file.read_text).count("PAYMENTS=on") == 1
    wait_for(lambda: "7 > 6 changes in 10m" in world.sink.texts(), what="people to be told")
    explained = world.ctl("explain", incident["id"]).stdout
    assert "changed 7 times in 10m" in world.ctl("explain", "shop/payments").stdout
    assert "unstable" in explained and "no more than 3 in 10m" in explained


def test_a_person_may_let_the_plan_of_a_flapping_service_go(flapping):
    incident = held_as_unstable(flapping)
    assert flapping.ctl("approve", incident["id"], "--yes", role="approve").returncode == 0
    wait_for(lambda: "PAYMENTS=off" in flapping.env_file.read_text())


def test_a_restart_does_not_forget_that_a_service_flaps(flapping):
    flapping.daemon.restart()
    assert "unstable" in guards(held_as_unstable(flapping))


NAMES = ("one", "two", "three", "four")


@pytest.fixture
def storm(world):
    """Four services with a new release each, whose webhooks fail within a second of each other."""
    for name in NAMES:
        flag = world.folder / f"{name}.env"
        flag.write_text("VERSION=v2\n")
        world.policy["services"][name] = {
            "vars": {"env": str(flag)},
            "start_period": "0s",
            "signals": {"payments": {"push": {"kind": "outcomes"}}},
            "triggers": {"payments": failing_payments(response=["back"])},
            "playbooks": {"back": {
                "undoes": "release", "data_loss": "none",
                "steps": [{"file_edit": {"file": "{{ env }}", "key": "VERSION",
                                         "value": "{{ known_good.version }}"}}]}},
        }
    del world.policy["services"]["shop"]
    world.start()
    for name in NAMES:
        deployments = f"/v1/services/{name}/deployments"
        world.api("ingest").must(201, deployments, {"version": "v1", "known_good": True})
        world.push("payments", GOOD, service=name)
        world.api("ingest").must(201, deployments, {"version": "v2"})
    for name in NAMES:
        world.push("payments", *[BAD] * 4, service=name)
    for name in NAMES[2:]:
        wait_for(lambda: of(world, name)["state"] == "waiting", what=f"{name} to be held")
    return world


def of(world, name: str) -> dict:
    return world.incident(world.incidents(name)[0]["id"])


def is_back(world, name: str) -> bool:
    return "v1" in (world.folder / f"{name}.env").read_text()


def test_what_breaks_together_is_held_and_people_are_told_of_a_shared_cause(storm):
    for name in NAMES[2:]:
        incident = of(storm, name)
        assert guards(incident)["dependency_failing"] == "c"
        assert "shared cause" in incident["did"] and "rollbackctl approve" in incident["must"]
    wait_for(lambda: "services broke within 1m" in storm.sink.texts(), what="the alert")
    assert settled(lambda: [is_back(storm, name) for name in NAMES])[2:] == [False, False]


def test_one_approval_lets_the_plans_of_a_storm_go(storm):
    held = of(storm, NAMES[2])
    assert storm.ctl("approve", held["id"], "--yes", role="approve").returncode == 0
    for name in NAMES[2:]:
        wait_for(lambda: is_back(storm, name), what=f"the plan of {name}")
    assert "test-approve approved" in str(storm.api().read(f"/v1/incidents/{of(storm, NAMES[3])['id']}/timeline"))
