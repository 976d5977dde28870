"""Signals out of a real Redis: its lists, counters and streams; gone, slow, and back; and no event of a stream
lost or counted twice, whatever is killed."""

import json
import re
import time

import pytest
from harness import settled, wait_for
from harness.faults import checkpoint
from harness.servers import Redis


@pytest.fixture
def redis(world):
    server = Redis(world.folder / "redis").start()
    yield server
    server.stop()


def watch(world, redis, when: str, by: str | None = None, **form) -> None:
    form = {"address": f"127.0.0.1:{redis.port}", "password_file": str(redis.password_file), **form}
    world.shop["signals"]["redis"] = {"redis": form}
    if "stream" not in form:
        world.shop["signals"]["redis"].update(every="200ms", timeout="2s")
    if by:
        world.shop["signals"]["redis"]["by"] = by
    world.triggers(broken={"when": when, "severity": "P2", "response": "alert"})
    world.start()


def signal(world) -> dict:
    return world.signal("redis")


def reason(world) -> str:
    return signal(world)["last_reason"] or ""


def count(world) -> int:
    """Of failures(redis, 1h), as the trigger's sentence says it."""
    found = re.search(r"= (\d+)", world.trigger("broken")["why"])
    return int(found[1]) if found else 0


def test_a_redis_that_hangs_dies_and_comes_back_is_failed_meanwhile(world, redis):
    watch(world, redis, "consecutive_failures(redis) >= 3")
    wait_for(lambda: signal(world)["state"] == "ok")
    redis.hang()
    wait_for(lambda: reason(world).startswith("timeout: "))
    incident = world.opened("broken")
    redis.go_on()
    wait_for(lambda: signal(world)["state"] == "ok")
    redis.stop()
    wait_for(lambda: reason(world).startswith("refused: "))
    redis.start()
    world.until(incident["id"], "resolved")


def test_a_wrong_password_is_our_own_trouble_and_shown_nowhere(world, redis):
    redis.password_file.write_text("hunter22-hunter22")
    watch(world, redis, "consecutive_failures(redis) >= 1")
    wait_for(lambda: reason(world).startswith("auth: ") and signal(world)["state"] is None and
             world.trigger("broken")["verdict"] == "unknown")
    shown = str(signal(world)) + world.daemon.tail(500)
    assert "hunter22-hunter22" not in shown and "s3cret-of-redis" not in shown
    redis.password_file.write_text("s3cret-of-redis")
    wait_for(lambda: signal(world)["state"] == "ok")


def test_the_length_of_a_list_and_the_age_of_its_oldest_member(world, redis):
    age = {"address": f"127.0.0.1:{redis.port}", "password_file": str(redis.password_file), "list": "jobs"}
    world.shop["signals"]["age"] = {"redis": {**age, "oldest": "/at"}, "every": "200ms", "timeout": "2s"}
    watch(world, redis, "value(redis) > 2", list="jobs")
    wait_for(lambda: signal(world)["last_value"] == 0 and world.signal("age")["last_value"] == 0)
    for seconds in (300, 200, 100):
        redis.ask("LPUSH", "jobs", json.dumps({"at": time.time() - seconds}))
    world.opened("broken")
    wait_for(lambda: 295 < (world.signal("age")["last_value"] or 0) < 360)
    redis.ask("RPUSH", "jobs", "no JSON")
    wait_for(lambda: (world.signal("age")["last_reason"] or "").startswith("content: "))


def test_a_counter_that_is_missing_or_no_number_is_unknown(world, redis):
    watch(world, redis, "value(redis) > 5", counter="failed_jobs")
    wait_for(lambda: reason(world).startswith("missing: "))
    redis.ask("SET", "failed_jobs", "many")
    wait_for(lambda: reason(world).startswith("content: "))
    redis.ask("RPUSH", "list", "x")
    assert world.trigger("broken")["verdict"] == "unknown"
    redis.ask("SET", "failed_jobs", "6")
    world.opened("broken")


def add(redis, ok: bool, **fields: str) -> None:
    pairs = [part for item in {"ok": str(ok).lower(), **fields}.items() for part in item]
    assert redis.ask("XADD", "events", "*", *pairs)


def group_ready(redis) -> bool:
    return "rollbackd-shop-redis" in redis.ask("XINFO", "GROUPS", "events")


def test_events_of_a_stream_are_counted_by_provider_each_once(world, redis):
    watch(world, redis, "consecutive_failures(redis) > 2", stream="events", by="provider")
    wait_for(lambda: group_ready(redis))
    for provider in ("a", "b", "a", "b"):
        add(redis, False, provider=provider, reason="declined")
    wait_for(lambda: world.trigger("broken")["count"] == 2)
    add(redis, False, provider="a", id="evt_1")
    world.opened("broken")
    assert "a" in world.trigger("broken")["why"]
    add(redis, False, provider="b", id="evt_2")
    add(redis, False, provider="b", id="evt_2")
    add(redis, True, provider="a")
    wait_for(lambda: world.trigger("broken")["count"] == 3 and world.trigger("broken")["verdict"] == "true")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_over_a_restart_no_event_is_lost_or_counted_twice(world, redis, how):
    watch(world, redis, "failures(redis, 1h) > 100", stream="events")
    wait_for(lambda: group_ready(redis))
    for _ in range(5):
        add(redis, False)
    wait_for(lambda: count(world) == 5)
    if how == "kill":
        # What was read since the last checkpoint has not been acknowledged: it comes again.
        world.daemon.kill()
    else:
        world.daemon.stop()
    for _ in range(4):
        add(redis, False)
    world.daemon.start()
    wait_for(lambda: count(world) == 9, what="what came before and meanwhile")
    assert settled(lambda: count(world), quiet=1.0) == 9
    # Everything is acknowledged once a checkpoint has it.
    wait_for(lambda: redis.ask("XPENDING", "events", "rollbackd-shop-redis").split("\n")[0] == "0", 20)


def test_killed_again_and_again_every_event_is_counted_once(world, redis):
    watch(world, redis, "failures(redis, 1h) > 1000", stream="events")
    wait_for(lambda: group_ready(redis))
    sent = 0
    for round_ in range(4):
        for _ in range(10):
            add(redis, False)
        sent += 10
        if round_ == 2:
            wait_for(lambda: "events" in checkpoint(world))
        world.daemon.kill()
        world.daemon.start()
    wait_for(lambda: count(world) == sent, 20, f"{sent} events")
    assert settled(lambda: count(world), quiet=1.0) == sent


def test_a_stream_whose_server_is_gone_is_unknown_and_goes_on_where_it_was(world, redis):
    watch(world, redis, "failures(redis, 1h) > 100", stream="events")
    wait_for(lambda: group_ready(redis))
    add(redis, False)
    wait_for(lambda: count(world) == 1)
    redis.stop()
    wait_for(lambda: reason(world).startswith("refused: "), 20)
    assert signal(world)["last_value"] is None
    redis.start()
    add(redis, False)
    wait_for(lambda: count(world) == 2, 20)


def test_a_group_that_was_deleted_goes_on_where_we_were_and_nonsense_is_left_out(world, redis):
    watch(world, redis, "failures(redis, 1h) > 100", stream="events")
    wait_for(lambda: group_ready(redis))
    add(redis, False)
    wait_for(lambda: count(world) == 1)
    redis.ask("XGROUP", "DESTROY", "events", "rollbackd-shop-redis")
    redis.ask("XADD", "events", "*", "what", "nonsense")
    add(redis, False)
    wait_for(lambda: count(world) == 2, 20)
    assert settled(lambda: count(world)) == 2
