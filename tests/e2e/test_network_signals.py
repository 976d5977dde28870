"""Signals that ask a server: the real one hangs, is gone, is somebody else, and comes back; and what was counted
until then is known after a restart."""

import json
import socket
import threading
import time

import pytest
from harness import free_port, settled, wait_for
from harness.faults import checkpoint
from harness.netns import WEB, TwoMachines, run, why_no_namespaces
from harness.page import Page
from harness.servers import Alertmanager, NameServer, Nginx, Prometheus, Redis

ALERT = {"severity": "P2", "response": "alert"}
FAST = {"every": "200ms", "confirm_every": "100ms", "timeout": "2s"}


def watch(world, form: dict, when: str, **beside) -> None:
    world.shop["signals"]["it"] = {**form, **FAST, **beside}
    world.triggers(bad={"when": when, "min_count": 1, **ALERT})
    world.start()


def reason(world) -> str:
    return world.signal("it")["last_reason"] or ""


def until(world, slugs: tuple[str, ...] | str, verdict: str) -> None:
    wait_for(lambda: reason(world).startswith(slugs), what=f"{slugs}, after {reason(world)}")
    wait_for(lambda: world.trigger("bad")["verdict"] == verdict, what=f"{slugs} to be {verdict}")


class Stranger:
    """Whoever has got the port meanwhile: says something else to everybody."""

    def __init__(self, port: int):
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                with self.listener.accept()[0] as peer:
                    peer.sendall(b"\x00\x01 nobody you know\r\n\r\n")
            except OSError:
                return

    def leave(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def through_all(world, server, good, bad: str) -> None:
    """The server hangs, goes, is another, and is back; `bad` is the verdict meanwhile."""
    wait_for(good)
    server.hang()
    until(world, "timeout: ", bad)
    server.go_on()
    wait_for(good)
    server.stop()
    until(world, "refused: ", bad)
    stranger = Stranger(server.port)
    until(world, ("garbage: ", "content: ", "tls: ", "closed: "), bad)
    stranger.leave()
    server.start()
    wait_for(good, 20)
    wait_for(lambda: world.trigger("bad")["verdict"] == "false")


@pytest.fixture
def nginx(world):
    page = Prometheus(world.folder / "behind").start()
    made = Nginx(world.folder / "nginx", page.url, one_process=True).start()
    yield made
    made.stop()
    page.stop()


def is_ok(world):
    return lambda: world.signal("it")["state"] == "ok"


def test_http(world, nginx):
    watch(world, {"http": {"url": nginx.url + "/-/ready", "expect": {"body": "Ready"}}}, "failed(it)")
    through_all(world, nginx, is_ok(world), "true")


def test_tcp(world):
    server = Redis(world.folder / "redis").start()
    try:
        form = {"address": f"127.0.0.1:{server.port}", "send": "PING\\r\\n", "expect": "NOAUTH"}
        watch(world, {"tcp": form}, "failed(it)")
        through_all(world, server, is_ok(world), "true")
    finally:
        server.stop()


@pytest.mark.parametrize("form", [{"counter": "prometheus_http_requests_total"}, {"gauge": "go_goroutines"}],
                         ids=["counter", "gauge"])
def test_scrape(world, form):
    server = Prometheus(world.folder / "prometheus").start()
    try:
        when = "failures(it, 1h) > 1000000" if "counter" in form else "value(it) > 1000000"
        watch(world, {"scrape": {"url": server.url + "/metrics", **form}}, when)
        through_all(world, server, lambda: world.signal("it")["last_value"] is not None and not reason(world), "unknown")
        assert settled(world.incidents) == []
    finally:
        server.stop()


def test_http_json(world):
    token = world.folder / "token"
    token.write_text("nobody asks")
    server = Alertmanager(world.folder / "alertmanager", "http://127.0.0.1:1/", token).start()
    try:
        watch(world, {"http_json": {"url": server.url + "/api/v2/alerts", "items": ""}}, "value(it) > 1000")
        through_all(world, server, lambda: world.signal("it")["last_value"] == 0 and not reason(world), "unknown")
        assert settled(world.incidents) == []
    finally:
        server.stop()


def test_redis(world):
    server = Redis(world.folder / "redis").start()
    try:
        form = {"address": f"127.0.0.1:{server.port}", "password_file": str(server.password_file)}
        watch(world, {"redis": form}, "failed(it)")
        through_all(world, server, is_ok(world), "true")
    finally:
        server.stop()


def test_dns(world):
    server = NameServer(world.folder / "names").start()
    try:
        server.name("shop.example.com", "192.0.2.1")
        form = {"name": "shop.example.com", "server": server.address, "expect": ["192.0.2.1"]}
        watch(world, {"dns": form}, "failed(it)")
        wait_for(is_ok(world))
        server.name("shop.example.com", "192.0.2.9")
        until(world, "content: shop.example.com is 192.0.2.9", "true")
        server.name("shop.example.com", "192.0.2.1")
        wait_for(is_ok(world))
        server.hang()
        until(world, "timeout: ", "true")
        server.go_on()
        wait_for(is_ok(world))
        server.stop()
        until(world, "refused: ", "true")
        server.start()
        server.name("shop.example.com", "192.0.2.1")
        wait_for(is_ok(world))
    finally:
        server.stop()


def test_icmp(world, tmp_path):
    """Two machines on a cable, which is pulled out and put in again."""
    if why := why_no_namespaces():
        pytest.skip(why)
    machines = TwoMachines(tmp_path / "machines")
    try:
        machines.start()
        world.policy["hosts"] = machines.hosts
        watch(world, {"icmp": {"host": WEB[0]}}, "failed(it)", **{"from": "other", "every": "1s", "timeout": "20s"})
        wait_for(is_ok(world), 30)
        run("ip", "-n", machines.names["web"], "link", "set", "cable", "down")
        wait_for(lambda: reason(world).startswith(("timeout: ", "unreachable: ")) and
                 world.signal("it")["state"] == "failed", 40)
        world.opened("bad")
        run("ip", "-n", machines.names["web"], "link", "set", "cable", "up")
        wait_for(is_ok(world), 40)
    finally:
        machines.stop()


def test_tls_with_a_server_that_hangs_or_speaks_no_tls(world):
    port = free_port()
    silent = socket.create_server(("127.0.0.1", port))    # the kernel accepts, nobody speaks
    watch(world, {"tls": {"address": f"127.0.0.1:{port}"}}, "days_left(it) < 30")
    until(world, "timeout: ", "unknown")
    silent.close()
    stranger = Stranger(port)
    until(world, ("tls: ", "garbage: "), "unknown")
    stranger.leave()
    until(world, "refused: ", "unknown")
    assert settled(world.incidents) == []


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_streak_of_failures_goes_on_over_a_restart(world, how):
    watch(world, {"tcp": {"address": f"127.0.0.1:{free_port()}"}}, "consecutive_failures(it) >= 10000")

    def count() -> int:
        return int(world.trigger("bad")["count"] or 0)

    wait_for(lambda: count() >= 8)
    if how == "kill":
        known = checkpoint(world)
        wait_for(lambda: checkpoint(world) != known, 20, "a checkpoint")
        world.daemon.kill()
    else:
        world.daemon.stop()
    world.daemon.start()
    assert count() >= 8, "what was seen before is known from the first answer on"


@pytest.fixture
def page():
    made = Page()
    yield made
    made.stop()


def test_the_pages_of_a_providers_list_are_one_list(world, page):
    """The oldest of a list that begins with the newest stands on its last page."""
    def listed(more: bool, **ages: int) -> str:
        data = [{"id": name, "created": time.time() - age} for name, age in ages.items()]
        return json.dumps({"data": data, "has_more": more, "next": "http://127.0.0.1:9/elsewhere"})

    page.answers = {"/metrics": listed(True, e4=10, e3=20), "/metrics?after=e3": listed(True, e2=400),
                    "/metrics?after=e2": listed(False, e1=5000)}
    cursor = {"parameter": "after", "item": "/id", "more": "/has_more"}
    form = {"url": page.url, "items": "/data"}
    world.shop["signals"]["many"] = {"http_json": {**form, "cursor": cursor}, **FAST}
    world.shop["signals"]["first"] = {"http_json": {**form, "next": "/next"}, **FAST}
    watch(world, {"http_json": {**form, "oldest": "/created", "cursor": cursor}}, "value(it) > 600")
    world.opened("bad")
    wait_for(lambda: 4990 < (world.signal("it")["last_value"] or 0) < 5100)
    wait_for(lambda: world.signal("many")["last_value"] == 4)
    wait_for(lambda: "leads to another server" in (world.signal("first")["last_reason"] or ""))
    page.answers["/metrics?after=e2"] = "<html>"
    wait_for(lambda: reason(world).startswith("garbage: "))
    page.answers["/metrics?after=e2"] = listed(False)
    wait_for(lambda: 390 < (world.signal("it")["last_value"] or 0) < 600)
