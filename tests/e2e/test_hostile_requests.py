"""Requests as bad as they come: each has one answer, nothing of it is taken for another request, and the
daemon stays what it was."""

import os
import re
import socket

import pytest
from harness import wait_for
from harness.faults import MEMORY_FACTOR
from test_hostile import resident_kib

LONG = os.environ.get("ROLLBACKD_TEST_LONG") == "1"
BODY = b'{"ok":true}'
CHUNKED = b"b\r\n" + BODY + b"\r\n0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def head(world, *fields: bytes, line: bytes = b"POST /v1/services/shop/signals/payments HTTP/1.1") -> bytes:
    usual = (f"Host: 127.0.0.1:{world.daemon.port}\r\nAuthorization: Bearer {world.tokens['ingest']}\r\n"
             "Content-Type: application/json").encode()
    return b"\r\n".join([line, usual, *fields]) + b"\r\n\r\n"


def answers(world, data: bytes) -> list[int]:
    """The statuses of everything that is answered until the daemon hangs up or waits for more."""
    answer = b""
    with socket.create_connection(("127.0.0.1", world.daemon.port), timeout=10) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                answer += more
        except OSError:
            pass    # it hung up in the middle, as it may
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.fixture
def started(world):
    world.start()
    world.healthy_first()
    yield world
    assert world.daemon.running, world.daemon.tail()
    assert world.api(None).get("/healthz").status == 200


LENGTH = b"Content-Length: %d" % len(BODY)
TE = b"Transfer-Encoding: chunked"
# Two ways to read where the request ends, or none: refused, and the connection ends with it.
AMBIGUOUS = {
    "length and chunked": ((b"Content-Length: 3", TE), CHUNKED),
    "chunked and length": ((TE, b"Content-Length: 3"), CHUNKED),
    "two lengths": ((b"Content-Length: 3", LENGTH), BODY),
    "a list of lengths": ((b"Content-Length: 3, 11",), BODY),
    "a length with a sign": ((b"Content-Length: +11",), BODY),
    "a negative length": ((b"Content-Length: -1",), BODY),
    "a hexadecimal length": ((b"Content-Length: 0xb",), BODY),
    "an endless length": ((b"Content-Length: 99999999999999999999999",), BODY),
    "a space before the colon": ((b"Content-Length : 11",), BODY),
    "chunked that is not": ((b"Transfer-Encoding: xchunked",), CHUNKED),
    "chunked not last": ((b"Transfer-Encoding: chunked, identity",), CHUNKED),
    "chunked after another": ((b"Transfer-Encoding: gzip, chunked",), CHUNKED),
    "chunked twice": ((TE, TE), CHUNKED),
    "identity": ((b"Transfer-Encoding: identity", LENGTH), BODY),
    "a folded other coding": ((b"Transfer-Encoding:\r\n x, chunked",), CHUNKED),
    "a bare line feed": ((b"X: y\nContent-Length: 3", LENGTH), BODY),
    "a bare carriage return": ((b"X: y\rContent-Length: 3", LENGTH), BODY),
    "a zero byte": ((b"X: y\0z", LENGTH), BODY),
    "a trailer with a length": ((TE,), b"b\r\n" + BODY + b"\r\n0\r\nContent-Length: 5\r\n\r\n"),
    "a chunk size that wraps": ((TE,), b"1000000000000000b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk size with 0x": ((TE,), b"0xb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk longer than said": ((TE,), b"3\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk size that ends bare": ((TE,), b"b\n" + BODY + b"\r\n0\r\n\r\n"),
    "an extension that ends bare": ((TE,), b"b;a=\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("shape", AMBIGUOUS)
def test_a_request_whose_end_is_doubtful_is_refused_and_nothing_after_it_is_read(started, shape):
    fields, body = AMBIGUOUS[shape]
    statuses = answers(started, head(started, *fields) + body + SMUGGLED)
    assert len(statuses) == 1 and statuses[0] in (400, 501), statuses
    assert started.signal("payments")["last_value"] is None


def test_chunks_in_http_1_0_are_refused(started):
    line = b"POST /v1/services/shop/signals/payments HTTP/1.0"
    assert answers(started, head(started, TE, line=line) + CHUNKED + SMUGGLED) == [400]


def test_what_http_allows_though_it_is_odd_means_one_thing_only(started):
    """The same length twice, a folded field, an extension of a chunk: one request, then the next."""
    for fields, body in (((LENGTH, LENGTH), BODY), ((b"X: y\r\n z", LENGTH), BODY),
                         ((TE,), b"b;a=b\r\n" + BODY + b"\r\n0\r\n\r\n")):
        assert answers(started, head(started, *fields) + body + SMUGGLED) == [202, 401]


BOMBS = {
    "one field of a megabyte": b"X: " + b"a" * 1_000_000,
    "a hundred thousand fields": b"\r\n".join(b"X-%d: y" % n for n in range(100_000)),
    "a fold without end": b"X: y" + b"\r\n y" * 300_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_head_that_is_too_large_is_431_and_costs_nothing(started, bomb):
    before = resident_kib(started)
    assert answers(started, head(started, BOMBS[bomb], line=b"GET /v1/status HTTP/1.1")) in ([431], [])
    assert answers(started, head(started, line=b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1")) in ([431], [])
    assert resident_kib(started) - before < MEMORY_FACTOR * (8 << 10)


@pytest.mark.parametrize("begun", [b"b;a=", b"0\r\nX: ", b"0" * 64 + b"b;"])
def test_an_extension_or_a_trailer_without_end_is_refused_and_costs_nothing(started, begun):
    """Beast keeps a chunk's head until it is whole: hundreds of megabytes, once."""
    before = resident_kib(started)
    statuses = answers(started, head(started, TE) + begun + b"x" * 50_000_000)
    assert statuses in ([400], [413], [431], []), statuses
    assert resident_kib(started) - before < MEMORY_FACTOR * (8 << 10)


PATHS = [b"/v1/services/../../etc/passwd", b"/v1/services/%2e%2e/%2e%2e/etc/passwd", b"//v1/status",
         b"/v1//status", b"/v1/status/", b"/v1/./status", b"/v1/services/shop/../shop", b"/v1/status;x=y",
         b"/v1/status%20", b"/%2e%2e/healthz", b"/..%5c..%5cetc/passwd", b"/dashboard/../../etc/passwd",
         b"/v1/services/%c0%ae%c0%ae", b"/v1/services/\xff\xfe", b"/v1/services/shop%2fx",
         b"/v1/incidents/..%2f..%2fetc", b"/v1/services/shop%00", b"/v1/services/%zz", b"/v1/services/%",
         b"\\v1\\status", b"http://elsewhere.example.com/v1/status", b"*", b"elsewhere.example.com:443"]


def test_no_path_leads_anywhere_but_to_what_it_names(started):
    for path in PATHS:
        statuses = answers(started, head(started, line=b"GET " + path + b" HTTP/1.1"))
        assert statuses in ([400], [404]), (path, statuses)


def open_slowly(world, count: int) -> list[socket.socket]:
    """Connections that have sent half a head and send no more."""
    connections = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", world.daemon.port), timeout=10)
        connection.sendall(b"GET /v1/status HTTP/1.1\r\nHost: ")
        connections.append(connection)
    return connections


def test_slow_heads_do_not_keep_others_out_and_are_hung_up(started):
    held = open_slowly(started, 100)
    assert started.api().get("/v1/status").status == 200
    assert not hung_up(held[-1]), "answered before their time was over"
    for connection in held:     # one byte of a head now and then buys no more time
        connection.sendall(b"1")
    wait_for(lambda: all(hung_up(connection) for connection in held), 20, "all of them to be hung up")
    for connection in held:
        connection.close()


def hung_up(connection: socket.socket) -> bool:
    connection.settimeout(0.01)
    try:
        return connection.recv(65536) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_flood_of_connections_is_bounded_and_passes(started):
    """An idle connection makes room for a new one; what is begun is hung up in time."""
    pid = started.daemon.process.pid
    idle = [socket.create_connection(("127.0.0.1", started.daemon.port), timeout=10) for _ in range(500)]
    assert started.api().get("/v1/status").status == 200
    assert len(os.listdir(f"/proc/{pid}/fd")) < 400
    for connection in idle:
        connection.close()
    for connection in open_slowly(started, 500):
        connection.close()
    wait_for(lambda: started.api().get("/v1/status").status == 200, 20, "room")


def test_wrong_tokens_are_throttled_told_once_and_keep_nobody_else_out(started):
    asked = 1_000_000 if LONG else 2_000
    seen: dict[int, int] = {}
    good = started.api("read")
    for number in range(asked):
        status = started.api(None).request(
            "GET", "/v1/status", headers={"Authorization": f"Bearer wrong-{number}"}).status
        seen[status] = seen.get(status, 0) + 1
        if number % 1000 == 0:
            assert good.get("/v1/status").status == 200
    assert set(seen) == {401, 429} and seen[401] < seen[429], seen
    told = started.daemon.log.read_text()
    lines = [line for line in told.splitlines() if "tokens.throttled" in line]
    assert len(lines) == 1, lines[:5]
    assert "wrong-" not in told
