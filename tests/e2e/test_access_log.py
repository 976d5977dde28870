"""Access logs as nginx and Apache write and rotate them: several by one pattern, every form of line, and each
line counted once whatever is killed."""

import signal
import subprocess
import time
import urllib.parse

import pytest
from harness import BINARIES, settled, wait_for
from harness.faults import checkpoint
from harness.sites import TIMED_PATTERN, ApacheSite, NginxSite

ALERT = {"severity": "P2", "response": "alert"}


@pytest.fixture
def nginx(world):
    made: list[NginxSite] = []

    def start(**formats: str) -> NginxSite:
        made.append(NginxSite(world.folder / "nginx", **formats).start())
        return made[-1]

    yield start
    for site in made:
        site.stop()


@pytest.fixture
def apache(world):
    made: list[ApacheSite] = []

    def start(**formats: str) -> ApacheSite:
        made.append(ApacheSite(world.folder / "apache", **formats).start())
        return made[-1]

    yield start
    for site in made:
        site.stop()


def watch(world, form: dict, when: str = "failures(it, 1h) >= 1000", **beside) -> None:
    world.shop["signals"]["it"] = {"access_log": form, **beside}
    world.shop["signals"]["all"] = {"access_log": {k: v for k, v in form.items() if k != "measure"}}
    world.triggers(bad={"when": when, **ALERT}, every={"when": "count(all, 1h) >= 100000", **ALERT})
    world.start()


def count(world, trigger: str = "bad") -> float:
    return world.trigger(trigger)["count"] or 0


def counted(world, failures: int, lines: int) -> None:
    """So many, and it stays so."""
    wait_for(lambda: (count(world), count(world, "every")) == (failures, lines), 20,
             f"{failures} failures of {lines} lines")
    assert settled(lambda: (count(world), count(world, "every"))) == (failures, lines)


def test_every_log_of_a_pattern_counts_and_one_that_appears_does_from_its_first_line(world, nginx):
    site = nginx(a="combined", b="combined")
    site.many("a", bad=3)                               # from before: not ours to judge
    watch(world, {"path": f"{site.folder}/*.access.log"})
    site.many("a", ok=5, bad=1)
    site.many("b", ok=5, gone=1, bad=2)
    counted(world, 3, 14)
    site.add("c", "combined")                           # which has asked it once at least
    site.many("c", bad=2)
    lines = len(site.log("c").read_text().splitlines())
    counted(world, 5, 14 + lines)
    site.log("b").unlink()                              # a site that is gone, its log too
    site.many("a", bad=1)
    counted(world, 6, 15 + lines)
    assert world.signal("it")["state"] != "unknown"


def test_each_log_is_rotated_by_itself_and_no_line_is_lost_or_repeated_over_kills(world, nginx):
    site = nginx(a="combined", b="combined")
    watch(world, {"path": f"{site.folder}/*.access.log"})
    site.many("a", ok=4, bad=1)
    site.many("b", ok=4, bad=1)
    counted(world, 2, 10)
    world.daemon.kill()                                 # perhaps before the first checkpoint
    site.many("a", ok=1, bad=1)
    site.rotate("a")
    site.many("a", ok=1, bad=1)
    site.many("b", bad=1)
    site.add("c", "combined")
    lines = len(site.log("c").read_text().splitlines())
    world.daemon.start()
    counted(world, 5, 15 + lines)
    wait_for(lambda: "a.access.log" in checkpoint(world), 20)
    for _ in range(3):
        site.many("b", bad=1)
        world.daemon.kill()
        site.many("c", bad=1)
        site.rotate("b")
        world.daemon.start()
    counted(world, 11, 21 + lines)


def test_a_json_log_gives_what_its_keys_name_and_its_latency_is_a_gauge(world, nginx):
    site = nginx(a="json_line")
    keys = {"time": "at", "status": "code", "path": "target", "latency": "took", "id": "/event/id"}
    form = {"path": str(site.log("a")), "format": "json", "keys": keys, "match": {"path": "^/(ok|bad)$"}}
    world.shop["signals"]["took"] = {"access_log": {**form, "measure": "latency"}}
    watch(world, form, "consecutive_failures(it) > 2", by="/event/by")
    for event in ("evt_1", "evt_1", "evt_1", "evt_2"):
        site.ask("a", "/bad?x=1", X_Event=event, X_Provider="stripe")
    site.ask("a", "/bad", X_Event="evt_1", X_Provider="adyen")
    wait_for(lambda: count(world) == 2, what="two events of one provider")
    assert settled(world.incidents) == []
    site.ask("a", "/bad", X_Event="evt_3", X_Provider="stripe")
    world.opened("bad")
    assert "by stripe" in world.trigger("bad")["why"]
    wait_for(lambda: world.signal("took")["last_value"] is not None)
    assert world.signal("took")["kind"] == "gauge" and world.signal("took")["last_value"] < 5


def test_a_pattern_of_ones_own_is_read_and_slow_requests_are_told_by_their_seconds(world, nginx):
    site = nginx(a="timed")
    form = {"path": str(site.log("a")), "pattern": TIMED_PATTERN}
    watch(world, {**form, "measure": "latency"}, "max(it, 5m) >= 0.4")
    site.many("a", ok=2)
    wait_for(lambda: world.trigger("bad")["verdict"] == "false")
    slow(site, "a", 0.5)
    world.opened("bad")
    assert 0.4 <= world.signal("it")["last_value"] < 10
    wait_for(lambda: count(world, "every") == 3)


def slow(site, name: str, seconds: float) -> None:
    """A request whose second half takes its time."""
    import socket

    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(f"GET /ok HTTP/1.1\r\nHost: {name}.example.com\r\n".encode())
        begun = time.monotonic()
        wait_for(lambda: time.monotonic() - begun >= seconds)
        connection.sendall(b"Connection: close\r\n\r\n")
        assert b"200" in connection.recv(100)


@pytest.mark.parametrize("form", ["common", "combined", "vhost_combined"])
def test_every_form_of_apache_is_read_by_its_name_and_by_its_look(world, apache, form):
    site = apache(a=form, b=form)
    named = {"path": f"{site.folder}/*.access.log", "format": form}
    if form == "vhost_combined":
        named["match"] = {"host": ["a.example.com", "b.example.com"]}
    world.shop["signals"]["look"] = {"access_log": {**named, "format": "auto"}}
    watch(world, named)
    world.policy["services"]["shop"]["triggers"]["looked"] = {"when": "failures(look, 1h) >= 1000", **ALERT}
    world.write_policy()
    world.daemon.reload()
    wait_for(lambda: world.trigger("looked"))
    site.many("a", ok=3, bad=2, gone=1)
    site.many("b", ok=1, bad=1)
    counted(world, 3, 8)
    wait_for(lambda: count(world, "looked") == 3)
    site.many("b", bad=1)       # alone: of lines of one second the last is whichever was written last
    counted(world, 4, 9)
    assert "502 GET /bad" in world.signal("it")["last_reason"]
    before = site.workers()
    site.process.send_signal(signal.SIGUSR1)    # a graceful restart: the log is opened again
    wait_for(lambda: not before & site.workers(), what="the workers of before to end")
    wait_for(lambda: site.ask("a", "/ok") == 204)
    site.many("a", bad=1)
    wait_for(lambda: count(world) == 5)


def test_two_logs_caught_up_with_are_judged_in_the_order_of_their_times(world, nginx):
    """A streak is by event time: read one after the other, the second log's failures would all be late."""
    site = nginx(a="combined", b="combined")
    watch(world, {"path": f"{site.folder}/*.access.log"}, "consecutive_failures(it) >= 4")

    def line(at: float, status: int) -> str:
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
        return f'192.0.2.7 - - [{stamp}] "GET / HTTP/1.1" {status} 1 "-" "-"\n'

    for name in ("a", "b"):
        with site.log(name).open("a") as log:
            log.write(line(time.time() - 3300, 200))
    wait_for(lambda: count(world, "every") == 2)
    world.daemon.stop()
    end = time.time() - 5
    site.stop()
    with site.log("a").open("a") as log:
        log.writelines(line(end - 3000 + n, 200) for n in range(2990))
        log.writelines(line(end - 8 + n, 500) for n in range(2))
    with site.log("b").open("a") as log:
        log.writelines(line(end - 3000 + n, 200) for n in range(2990))
        log.writelines(line(end - 6 + n, 500) for n in range(2))
    world.daemon.start()
    world.opened("bad")
    assert count(world) == 4


def test_a_log_of_a_pattern_that_may_not_be_read_is_told_and_the_others_go_on(world, nginx):
    site = nginx(a="combined")
    watch(world, {"path": f"{site.folder}/*.access.log"}, "failed(it)")
    site.many("a", ok=1)
    wait_for(lambda: world.trigger("bad")["verdict"] == "false")
    (site.folder / "trap.access.log").symlink_to("/proc/self/mem/nothing")
    pipe = site.folder / "pipe.access.log"
    subprocess.run(["mkfifo", str(pipe)], check=True)
    wait_for(lambda: "not a regular file" in (world.signal("it")["last_reason"] or ""), 20)
    pipe.unlink()
    site.many("a", bad=1)
    world.opened("bad")


def test_the_share_of_endpoints_that_fail_is_told_beside_that_of_clients(world, nginx):
    """Two of four endpoints fail for one client, who is all clients there are."""
    site = nginx(a="combined")
    log = str(site.log("a"))
    world.shop["signals"]["it"] = {"access_log": {"path": log, "affected": "path"}}
    world.shop["signals"]["named"] = {"access_log": {"path": log, "match": {"path": "^/(?P<part>[a-z]+)"}, "affected": "part"}}
    world.shop["signals"]["clients"] = {"access_log": {"path": log}}
    when = {name: f"affected({name}, 1h) >= 100%" for name in ("it", "named", "clients")}
    world.triggers(**{name: {"when": text, "min_count": 1, **ALERT} for name, text in when.items()})
    world.start()
    site.many("a", ok=3, fine=1, bad=2)
    site.ask("a", "/bad/17")
    world.opened("clients")
    wait_for(lambda: "50 %" in world.trigger("it")["why"] and "2 of 4" in world.trigger("it")["why"])
    wait_for(lambda: "1 of 3" in world.trigger("named")["why"])
    assert world.trigger("it")["verdict"] == "false"


BAD = {
    "no group (?P<status>": {"pattern": "(?P<path>.*)"},
    'did you mean \\"latency\\"': {"pattern": r"(?P<status>\d+) (?P<latensy>\S+)"},
    "not an RE2 expression": {"pattern": "(?P<status>"},
    "no named groups": {"pattern": r"(\d+)"},
    "for match.host": {"pattern": r"(?P<status>\d+) (?P<path>\S+)", "match": {"host": ["a.example.com"]}},
    "to be measured": {"pattern": r"(?P<status>\d+)", "measure": "latency"},
    "holds no latency": {"format": "combined", "measure": "latency"},
    "without format and keys": {"pattern": r"(?P<status>\d+)", "format": "json"},
    "expected one of": {"format": "xml"},
}


@pytest.mark.parametrize("said", BAD, ids=lambda said: urllib.parse.quote(said)[:20])
def test_a_pattern_that_cannot_work_is_refused_at_load_with_its_place(world, said):
    world.shop["signals"]["it"] = {"access_log": {"path": "/var/log/nginx/access.log", **BAD[said]}}
    world.write_policy()
    done = subprocess.run([str(BINARIES / "rollbackctl"), "check", str(world.daemon.config)], text=True,
                          capture_output=True)
    assert done.returncode == 1
    told = [line for line in (done.stdout + done.stderr).splitlines() if said.replace("\\", "") in line]
    assert told and ".yaml:" in told[0] and "error:" in told[0], done.stdout + done.stderr
