"""Who watches the watcher: heartbeats outwards, deadlines of the daemon's own."""

import re

from harness import wait_for


def counted(world, name: str, **labels: str) -> float:
    wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"^{name}{{{wanted}}} (\S+)$", world.api(None).get("/metrics").text, re.M)
    return float(found.group(1)) if found else 0


def test_a_heartbeat_goes_out_at_its_interval_and_is_counted(world):
    world.policy["daemon"]["heartbeat"] = {"url": world.sink.url, "every": "200ms"}
    world.start()
    wait_for(lambda: world.sink.beats >= 3, what="three heartbeats")
    wait_for(lambda: counted(world, "rollbackd_heartbeats_total", result="heard") >= 3, what="the count")
    world.daemon.stop()
    beats = world.sink.beats
    assert beats < 200, "it follows its interval"


def test_a_reload_begins_and_ends_the_heartbeat(world):
    world.start()
    world.policy["daemon"]["heartbeat"] = {"url": world.sink.url, "every": "200ms"}
    world.write_policy()
    world.api().must(200, "/v1/config/reload", {})
    wait_for(lambda: world.sink.beats, what="a heartbeat")
    del world.policy["daemon"]["heartbeat"]
    world.write_policy()
    world.api().must(200, "/v1/config/reload", {})
    health = len(world.app.requests)
    beats = world.sink.beats
    wait_for(lambda: len(world.app.requests) > health + 3, what="probes, which go on")
    assert world.sink.beats <= beats + 1, "one may have been under way"


def test_an_unheard_heartbeat_is_said_once_and_does_not_show_its_secret_url(world):
    secret = world.folder / "heartbeat.url"
    secret.write_text(f"{world.sink.url}/s3cret-path-of-the-receiver\n")
    secret.chmod(0o600)
    world.sink.status = 500
    world.policy["daemon"]["heartbeat"] = {"url_file": str(secret), "every": "200ms"}
    world.start()
    wait_for(lambda: counted(world, "rollbackd_heartbeats_total", result="unheard") >= 3, what="three unheard ones")
    world.sink.status = 200
    wait_for(lambda: "heartbeat.heard" in world.daemon.tail(2000), what="the line that it is heard again")
    log = world.daemon.tail(2000)
    assert log.count("heartbeat.unheard") == 1
    assert "status 500" in log and "s3cret-path" not in log
