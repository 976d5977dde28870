"""Streaks: failures since the last success, each event once."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from harness import settled, wait_for
from harness.world import names
from test_boundaries import line, write

STREAK = {"when": "consecutive_failures(webhooks) > 3", "severity": "P1", "response": "alert"}


@pytest.fixture
def pushed(world):
    world.shop["signals"]["webhooks"] = {"push": {"kind": "outcomes"}}
    world.triggers(webhooks=STREAK)
    world.start()
    return world


@pytest.fixture
def logged(world):
    world.shop["signals"]["webhooks"] = {
        "access_log": {"path": str(world.access_log), "match": {"path": "^/webhooks/"}}}
    world.triggers(webhooks=STREAK)
    world.start()
    return world


def failures(count: int, start: int = 0) -> list[dict]:
    return [{"ok": False, "reason": "timeout", "id": f"evt_{start + n}"} for n in range(count)]


def ago(seconds: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def streak_is(world, count: int) -> None:
    wait_for(lambda: world.trigger("webhooks")["count"] == count, what=f"a streak of {count}")


def test_three_consecutive_failures_do_not_fire_and_the_fourth_does(pushed):
    pushed.push("webhooks", {"ok": True}, *failures(3))
    streak_is(pushed, 3)
    assert pushed.trigger("webhooks")["threshold"] == 3
    assert settled(pushed.incidents) == []
    pushed.push("webhooks", *failures(1, start=3))
    incident = pushed.opened("webhooks")
    assert names(incident["triggers"]) == ["webhooks"]
    assert "4 > 3" in json.dumps(pushed.api().read(f"/v1/incidents/{incident['id']}/explain"))


def test_a_success_between_failures_starts_the_streak_anew(pushed):
    pushed.push("webhooks", *failures(3), {"ok": True}, *failures(3, start=3))
    streak_is(pushed, 3)
    assert settled(pushed.incidents) == []


def test_the_same_event_retried_four_times_counts_once(pushed):
    pushed.push("webhooks", *[{"ok": False, "reason": "500", "id": "evt_1"}] * 4)
    streak_is(pushed, 1)
    assert settled(pushed.incidents) == []


def test_an_event_that_failed_and_then_succeeded_counts_as_both(pushed):
    pushed.push("webhooks", *failures(3), {"ok": True, "id": "evt_0"}, *failures(1, start=9))
    streak_is(pushed, 1)


def test_an_aggregate_of_failures_alone_adds_them_and_one_with_a_success_ends_the_streak(pushed):
    pushed.push("webhooks", {"success": 0, "failure": 2}, {"ok": False})
    streak_is(pushed, 3)
    pushed.push("webhooks", {"success": 1, "failure": 5})
    streak_is(pushed, 0)


def test_a_late_sample_never_rewrites_a_judged_streak(pushed):
    pushed.push("webhooks", {"ok": True, "at": ago(9)}, *failures(3))
    streak_is(pushed, 3)
    pushed.push("webhooks", {"ok": True, "at": ago(8)})
    pushed.push("webhooks", *failures(1, start=7))
    pushed.opened("webhooks")


def test_a_scanners_404_on_the_webhook_path_neither_extends_nor_ends_the_streak(logged):
    scan = [line(404, "/webhooks/wp-login.php", "203.0.113.9")] * 3
    write(logged, line(200, "/webhooks/pay"), *[line(500, "/webhooks/pay")] * 3, *scan)
    streak_is(logged, 3)
    assert settled(logged.incidents) == []
    write(logged, *scan, line(500, "/webhooks/pay"))
    logged.opened("webhooks")


def test_only_matching_lines_count_and_the_query_is_not_part_of_the_path(logged):
    write(logged, line(500, "/"), line(500, "/x/webhooks/pay"), line(500, "/?next=", query="/webhooks/"),
          line(500, "/webhooks/pay", query="?id=1"))
    streak_is(logged, 1)


def test_by_keeps_one_streak_per_value(world):
    world.shop["signals"]["webhooks"] = {"push": {"kind": "outcomes"}, "by": "provider"}
    world.triggers(webhooks=STREAK)
    world.start()
    world.push("webhooks", *[{"ok": False, "provider": name} for name in ("a", "b") * 3])
    streak_is(world, 3)
    world.push("webhooks", {"ok": True, "provider": "b"}, {"ok": False, "provider": "b"})
    assert settled(world.incidents) == []
    world.push("webhooks", {"ok": False, "provider": "a"})
    world.opened("webhooks")


def test_the_lines_of_one_body_are_ordered_by_their_time(pushed):
    body = "\n".join(json.dumps(v) for v in (
        {"ok": False, "at": ago(2)}, {"ok": True, "at": ago(3)}, *[{"ok": False, "at": ago(4)}] * 3,
    ))
    answer = pushed.api("ingest").request("POST", "/v1/services/shop/signals/webhooks", body.encode(),
                                          {"Content-Type": "application/x-ndjson"})
    assert answer.status == 202, answer.text
    streak_is(pushed, 1)
    assert settled(pushed.incidents) == []
