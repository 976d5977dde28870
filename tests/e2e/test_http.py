"""HTTP/1.1 as clients use it: connections that are kept, requests sent ahead, a stop in the middle, pages elsewhere."""

import http.client
import re
import socket

import pytest
from harness import wait_for

AHEAD = 200


def connected(world) -> socket.socket:
    return socket.create_connection(("127.0.0.1", world.daemon.port), timeout=20)


def head(world, line: str, *fields: str, role: str = "admin") -> bytes:
    return "\r\n".join([line, f"Host: 127.0.0.1:{world.daemon.port}", f"Authorization: Bearer {world.tokens[role]}",
                        *fields, "", ""]).encode()


def everything(connection: socket.socket) -> bytes:
    got = b""
    while more := connection.recv(65536):
        got += more
    return got


def test_requests_sent_ahead_are_answered_in_their_order_each_once(world):
    world.start()
    sent = [head(world, "GET /v1/services HTTP/1.1", f"X-Request-Id: ahead-{n}") if n % 3 else
            head(world, "POST /v1/services/shop/signals/payments HTTP/1.1", f"X-Request-Id: ahead-{n}",
                 "Content-Type: application/json", "Content-Length: 11") + b'{"ok":true}' for n in range(AHEAD)]
    with connected(world) as connection:
        connection.sendall(b"".join(sent) + head(world, "GET /healthz HTTP/1.1", "Connection: close"))
        got = everything(connection)
    assert re.findall(rb"X-Request-Id: ahead-(\d+)", got) == [str(n).encode() for n in range(AHEAD)]
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", got)] == \
        [200 if n % 3 else 202 for n in range(AHEAD)] + [200]


def test_a_connection_is_kept_through_refusals(world):
    world.start()
    connection = http.client.HTTPConnection("127.0.0.1", world.daemon.port, timeout=20)
    connection.connect()
    kept = connection.sock
    token = {"Authorization": f"Bearer {world.tokens['admin']}"}
    for path, status in (("/v1/status", 200), ("/v1/services/nope", 404), ("/v1/incidents", 200), ("/v1/services", 200)):
        connection.request("GET", path, headers=token)
        answer = connection.getresponse()
        assert answer.status == status and answer.read()
        assert connection.sock is kept, path


def test_a_stop_lets_a_request_under_way_finish_and_takes_no_new_one(world):
    world.start()
    with connected(world) as connection:
        connection.sendall(head(world, "POST /v1/config/check HTTP/1.1", "Content-Type: application/json",
                                "Content-Length: 21"))
        connection.sendall(b'{"text":')
        world.daemon.process.terminate()
        wait_for(lambda: refused(world), 10, "new connections to be refused")
        connection.sendall(b'"version: 7"}')
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 200 ") and b"Connection: close" in answer
    assert world.daemon.process.wait(20) == 0


def refused(world) -> bool:
    try:
        connected(world).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("role", ["admin", None])
def test_no_page_elsewhere_may_read_or_ask(world, role):
    """There is no CORS: a preflight is refused, and no answer names an origin that may read it."""
    world.start()
    elsewhere = {"Origin": "https://page.example.com", "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "authorization"}
    for method, path in (("OPTIONS", "/v1/pause"), ("OPTIONS", "/"), ("GET", "/v1/status"), ("GET", "/healthz"), ("GET", "/")):
        answer = world.api(role).request(method, path, headers=elsewhere)
        assert answer.status == (403 if role is None else 405 if method == "OPTIONS" else 200), (method, path)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_pages_neither_repeat_nor_lose_what_was_there_when_more_comes(world):
    world.triggers()
    world.start()
    for n in range(6):
        world.record(f"old-{n}")
    page = world.api().read("/v1/services/shop/deployments?limit=2")
    seen = [item["version"] for item in page["items"]]
    while page["next"]:
        world.record(f"new-{len(seen)}")
        page = world.api().read(f"/v1/services/shop/deployments?limit=2&cursor={page['next']}")
        seen += [item["version"] for item in page["items"]]
    assert seen == [f"old-{n}" for n in reversed(range(6))]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=-1", "limit=x", "cursor=nowhere", "limit=1&nope=1"])
def test_a_page_that_makes_no_sense_is_422(world, query):
    world.start()
    assert world.api().get(f"/v1/services?{query}").status == 422


def test_a_quiet_stream_is_heard_from(world):
    """So that whoever listens, and every proxy between, knows that it is there."""
    world.triggers()
    world.start()
    with world.api("read").events() as stream:
        lines = iter(lambda: stream.answer.readline().decode().strip(), None)
        assert next(line for line in lines if line == ": alive")
