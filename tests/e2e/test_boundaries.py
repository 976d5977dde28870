"""Where a condition begins to be true: the sample that completes a breach is the one that fires."""

from datetime import datetime, timedelta, timezone

from harness import settled, wait_for
from harness.world import names

RATIO = {"when": "failure_ratio(requests, 5m) > 1%", "min_count": 100, "severity": "P1", "response": "alert"}


def line(status: int, path: str = "/", address: str = "192.0.2.7", query: str = "") -> str:
    """One line of nginx's combined format, stamped now."""
    stamp = datetime.now(timezone.utc).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{address} - - [{stamp}] "GET {path}{query} HTTP/1.1" {status} 12 "-" "client/1.0"\n'


def write(world, *lines: str) -> None:
    with world.access_log.open("a") as log:
        log.writelines(lines)


def watch_log(world, **trigger) -> None:
    world.shop["signals"]["requests"] = {"access_log": {"path": str(world.access_log)}}
    world.triggers(errors={**RATIO, **trigger})
    world.start()


def watch_pushes(world, **trigger) -> None:
    world.shop["signals"]["requests"] = {"push": {"kind": "outcomes"}}
    world.triggers(errors={**RATIO, **trigger})
    world.start()


def test_exactly_one_percent_of_5xx_in_an_access_log_does_not_fire_and_the_next_one_does(world):
    watch_log(world)
    write(world, *[line(200)] * 99, line(502))
    wait_for(lambda: world.trigger("errors")["count"] == 0.01, what="100 lines to be counted")
    assert world.trigger("errors")["verdict"] == "false"
    assert settled(world.incidents) == []
    write(world, line(500))
    incident = world.opened("errors")
    assert "errors" in names(incident["triggers"])


def test_exactly_one_percent_pushed_does_not_fire_and_the_next_failure_does(world):
    watch_pushes(world)
    world.push("requests", {"success": 99, "failure": 1})
    wait_for(lambda: world.trigger("errors")["verdict"] == "false")
    assert world.trigger("errors")["count"] == 0.01
    assert settled(world.incidents) == []
    world.push("requests", {"ok": False, "reason": "502"})
    world.opened("errors")


def test_a_ratio_above_the_threshold_is_unknown_until_there_is_enough_data(world):
    watch_pushes(world)
    world.push("requests", {"success": 60, "failure": 39})
    wait_for(lambda: world.trigger("errors")["verdict"] == "unknown" and world.trigger("errors")["count"])
    assert settled(world.incidents) == []
    world.push("requests", {"ok": True})
    world.opened("errors")


def test_a_ratio_below_the_threshold_is_false_even_with_little_data(world):
    watch_pushes(world)
    world.push("requests", {"success": 5, "failure": 0})
    wait_for(lambda: world.trigger("errors")["verdict"] == "false")


def test_missing_data_is_unknown_and_neither_breach_nor_health(world):
    watch_pushes(world)
    assert world.trigger("errors")["verdict"] == "unknown"


def test_4xx_count_in_the_total_of_a_ratio(world):
    watch_log(world)
    write(world, *[line(404)] * 99, line(502))
    wait_for(lambda: world.trigger("errors")["count"] == 0.01)
    assert world.trigger("errors")["verdict"] == "false"


def test_for_delays_a_breach_until_it_has_lasted(world):
    watch_pushes(world, **{"for": "1s"})
    began = datetime.now(timezone.utc)
    world.push("requests", {"success": 10, "failure": 90})
    wait_for(lambda: world.trigger("errors")["verdict"] == "true")
    opened = datetime.fromisoformat(world.opened("errors")["opened_at"].replace("Z", "+00:00"))
    assert opened - began >= timedelta(seconds=1)


def test_a_confidence_bound_must_pass_beside_the_ratio_itself(world):
    watch_pushes(world, confidence="95%")
    # 2 of 100: the ratio is above 1 %, the Wilson bound (0.55 %) is not.
    world.push("requests", {"success": 98, "failure": 2})
    wait_for(lambda: world.trigger("errors")["count"] is not None)
    assert settled(world.incidents) == []
    # 5 of 103: the bound is 2.1 %.
    world.push("requests", {"success": 0, "failure": 3})
    world.opened("errors")


def test_lines_of_a_rotated_log_are_counted_once_and_none_is_lost(world):
    watch_log(world, min_count=10)
    write(world, *[line(200)] * 50)
    world.access_log.rename(world.access_log.with_suffix(".log.1"))
    with world.access_log.with_suffix(".log.1").open("a") as old:
        old.writelines([line(200)] * 49)        # nginx writes on until it is told to reopen
    world.access_log.write_text(line(500))
    wait_for(lambda: world.trigger("errors")["count"] == 0.01, what="1 failure of exactly 100 lines")


def test_lines_written_while_the_daemon_was_stopped_are_read_once_after_the_start(world):
    watch_log(world)
    write(world, *[line(200)] * 60)
    wait_for(lambda: world.trigger("errors")["count"] == 0)
    world.daemon.stop()
    write(world, *[line(200)] * 39, line(500))
    world.daemon.start()
    wait_for(lambda: world.trigger("errors")["count"] == 0.01, what="1 of 100, over a restart")


def test_a_truncated_log_is_read_from_its_new_start(world):
    watch_log(world)
    write(world, *[line(200)] * 98)
    wait_for(lambda: world.trigger("errors")["count"] == 0)
    world.access_log.write_text("")
    write(world, line(500), line(200))
    wait_for(lambda: world.trigger("errors")["count"] == 0.01)
