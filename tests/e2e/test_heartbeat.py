"""heartbeat, a dead-man switch: what it is when beats come, stay away, tell of a failure, and come back."""

from harness import settled, wait_for

ALERT = {"severity": "P2", "response": "alert"}


def start(world, within: str, **triggers: str) -> None:
    world.shop["signals"]["nightly"] = {"heartbeat": {"within": within}}
    world.triggers(**{name: {"when": when, **ALERT} for name, when in triggers.items()})
    world.start()


def beats(world) -> bool:
    """One more beat is a beat in time."""
    world.push("nightly", {"ok": True})
    return world.trigger("silent")["verdict"] == "false" and not world.signal("nightly")["stale"]


def test_a_beat_that_stays_away_is_told_and_one_that_comes_back_ends_it(world):
    start(world, "1s", silent="stale(nightly)")
    wait_for(lambda: beats(world))
    incident = world.opened("silent")
    wait_for(lambda: world.signal("nightly")["stale"] and world.trigger("silent")["verdict"] == "true")
    wait_for(lambda: beats(world))
    assert incident["id"]


def test_a_job_that_never_ran_is_told_too(world):
    start(world, "500ms", silent="stale(nightly)")
    world.opened("silent")


def test_a_beat_that_tells_of_a_failure_fails(world):
    start(world, "1h", broken="failed(nightly)")
    world.push("nightly", {"ok": True})
    wait_for(lambda: world.trigger("broken")["verdict"] == "false")
    world.push("nightly", {"ok": False, "reason": "pg_dump: exit 1"})
    world.opened("broken")
    assert world.signal("nightly")["last_reason"] == "pg_dump: exit 1"


def test_garbage_is_refused_and_is_no_beat(world):
    start(world, "1h", silent="stale(nightly)")
    for body in ({"beat": 1}, {"ok": "yes"}, {"value": 1}):
        assert world.api("ingest").post("/v1/services/shop/signals/nightly", body).status == 422
    assert world.api(None).post("/v1/services/shop/signals/nightly", {"ok": True}).status == 401
    assert settled(lambda: world.signal("nightly")["last_at"]) is None


def test_beats_are_remembered_over_a_restart(world):
    start(world, "1h", silent="stale(nightly)")
    world.push("nightly", {"ok": True})
    wait_for(lambda: world.signal("nightly")["last_at"])
    before = world.signal("nightly")["last_at"]
    world.daemon.restart()
    assert world.signal("nightly")["last_at"][:22] == before[:22]
    assert world.trigger("silent")["verdict"] == "false"
