"""Applications and logs as bad as they come: each is a failure with a reason, none stops the daemon."""

import pytest
from harness import settled, wait_for
from harness.policy import down
from test_boundaries import line, write

BAD_MODES = ["hang", "garbage", "close", "redirect", "endless", "html", "fail"]


@pytest.mark.parametrize("mode", BAD_MODES)
def test_an_application_that_misbehaves_is_failed_with_a_reason(world, mode):
    world.triggers(down=down(response="alert"))
    world.start()
    world.healthy_first()
    world.app.mode = mode
    world.opened("down", timeout=20)
    value = str(world.signal("health")["last_value"])
    assert "false" in value.lower() or "fail" in value.lower() or ":" in value, value
    world.app.mode = "ok"
    wait_for(lambda: world.trigger("down")["verdict"] == "false")


def test_a_refused_connection_and_a_timeout_are_told_apart(world):
    world.triggers(down=down(response="alert"))
    world.start()
    world.healthy_first()
    world.app.mode = "hang"
    wait_for(lambda: "timeout" in str(world.signal("health")), what="a timeout")
    world.app.stop()
    wait_for(lambda: "refused" in str(world.signal("health")), what="a refused connection")


def test_a_missing_json_member_is_unknown_and_neither_good_nor_failed(world):
    world.app.mode = "missing"
    world.triggers(down=down(response="alert"))
    world.start()
    wait_for(lambda: len(world.app.requests) > 5)
    assert world.trigger("down")["verdict"] == "unknown"
    assert settled(world.incidents) == []


def test_a_slow_application_within_its_timeout_is_good(world):
    world.app.mode = "slow"
    world.start()
    wait_for(lambda: world.trigger("down")["verdict"] == "false")


def watch(world) -> None:
    world.shop["signals"]["requests"] = {"access_log": {"path": str(world.access_log)}}
    world.triggers(errors={"when": "failures(requests, 5m) > 100", "severity": "P2", "response": "alert"})
    world.start()


def test_a_line_of_a_megabyte_and_binary_rubbish_are_skipped_and_the_next_line_counts(world):
    watch(world)
    with world.access_log.open("ab") as log:
        log.write(b"A" * 1_000_000 + b"\n" + bytes(range(256)) * 100 + b"\n\n\0\0\0\n")
    write(world, line(500), line(500))
    wait_for(lambda: world.trigger("errors")["count"] == 2)


def test_a_half_written_line_counts_once_it_is_whole(world):
    watch(world)
    whole = line(500)
    write(world, line(500), whole[:40])
    wait_for(lambda: world.trigger("errors")["count"] == 1)
    assert settled(lambda: world.trigger("errors")["count"]) == 1
    write(world, whole[40:])
    wait_for(lambda: world.trigger("errors")["count"] == 2)


def test_a_log_that_does_not_exist_yet_is_followed_once_it_does(world):
    world.access_log.unlink()
    watch(world)
    write(world, line(500))
    wait_for(lambda: world.trigger("errors")["count"] == 1)
