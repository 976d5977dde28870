"""Applications and logs as bad as they come: each is a failure with a reason, none stops the daemon."""

import json
import os
import socket
import sqlite3
import subprocess

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


def test_a_log_that_may_not_be_read_is_told_and_its_signal_is_unknown_until_it_can_be(world):
    """What was read before is no health: nobody knows how it is now."""
    from test_start import as_nobody
    as_nobody(world)
    (world.folder / "store").mkdir(mode=0o777)
    (world.folder / "store").chmod(0o777)
    world.policy["daemon"]["store"] = f"sqlite:{world.folder}/store/rollbackd.db"
    world.access_log.chmod(0)
    watch(world)
    wait_for(lambda: "may not be read" in world.signal("requests")["last_reason"], what="the reason at the signal")
    assert "adm" in world.signal("requests")["last_reason"]
    assert world.trigger("errors")["verdict"] == "unknown"
    wait_for(lambda: "source.unread" in world.daemon.tail())
    world.access_log.chmod(0o644)
    wait_for(lambda: "source.reading" in world.daemon.tail())
    write(world, line(500))
    wait_for(lambda: world.trigger("errors")["verdict"] == "false")


def test_a_log_that_is_a_folder_is_told(world):
    world.access_log.unlink()
    world.access_log.mkdir()
    watch(world)
    wait_for(lambda: "regular file" in world.signal("requests")["last_reason"])
    assert world.trigger("errors")["verdict"] == "unknown"


def rotate(world, how: str, more: str) -> None:
    """As logrotate and the server do; `more` goes to the old file after its name has changed."""
    log, old = world.access_log, world.access_log.with_name("access.log.1")
    for n in range(8, 0, -1):
        if (before := log.with_name(f"access.log.{n}")).exists():
            before.rename(log.with_name(f"access.log.{n + 1}"))
    if how == "copytruncate":
        write(world, more)
        old.write_bytes(log.read_bytes())
        os.truncate(log, 0)
        return
    writer = log.open("a")
    log.rename(old)
    writer.write(more)      # the server has not opened the new one yet
    writer.close()
    if how != "delayed":
        log.touch()
    if how == "compressed":
        subprocess.run(["gzip", "-kf", str(old)], check=True)
        counted(world)
        wait_for(lambda: is_kept(world, old), what="the place in the rotated log to be kept")
        old.unlink()


def is_kept(world, path) -> bool:
    """Whether a crash from here on reads nothing of the file again."""
    files = checkpoint(world)["offsets"]["shop/requests"]["position"]["files"]
    at, size = path.stat().st_ino, path.stat().st_size
    return any(file["inode"] == at and file["offset"] == size for file in files)


def counted(world) -> None:
    def all_of_them() -> bool:
        assert world.trigger("errors")["count"] == world.written
        return True

    wait_for(all_of_them, what=f"{world.written} lines")


@pytest.mark.parametrize("how", ["rename", "copytruncate", "delayed", "compressed"])
@pytest.mark.parametrize("between", ["nothing", "restart", "kill"])
def test_no_rotation_loses_or_repeats_a_line(world, how, between):
    watch(world)
    world.written = 0

    def lines(count: int) -> str:
        world.written += count
        return "".join(line(500, path=f"/{world.written}-{n}") for n in range(count))

    for _ in range(3):
        write(world, lines(5))
        rotate(world, how, lines(2))
        if between == "restart":
            world.daemon.restart()
        elif between == "kill":
            world.daemon.kill()
            world.daemon.start()
        write(world, lines(3))
    whole = lines(1)
    write(world, whole[:30])
    if between != "nothing":
        world.daemon.restart()
    write(world, whole[30:])
    counted(world)
    assert settled(lambda: world.trigger("errors")["count"], quiet=1.5) == world.written


def test_a_crash_before_anything_was_read_does_not_begin_at_the_end_again(world):
    watch(world)
    world.daemon.kill()
    write(world, line(500))
    world.daemon.start()
    write(world, line(500))
    wait_for(lambda: world.trigger("errors")["count"] == 2)


def test_a_log_that_a_reload_adds_is_not_begun_at_its_end_again_after_a_crash(world):
    other = world.folder / "other.log"
    other.write_text(line(500))
    world.triggers(errors={"when": "failures(health, 5m) > 100", "severity": "P2", "response": "alert"})
    world.start()
    world.shop["signals"]["requests"] = {"access_log": {"path": str(other)}}
    world.triggers(errors={"when": "failures(requests, 5m) > 100", "severity": "P2", "response": "alert"})
    world.write_policy()
    world.api("admin").must(200, "/v1/config/reload")
    saved = lambda: checkpoint(world).get("offsets", {}).get("shop/requests")   # noqa: E731
    wait_for(saved, what="its place to be kept")
    world.daemon.kill()
    with other.open("a") as log:
        log.write(line(500))
    world.daemon.start()
    wait_for(lambda: world.trigger("errors")["count"] == 1)


def checkpoint(world) -> dict:
    """What the daemon keeps of its perception."""
    with sqlite3.connect(f"file:{world.folder}/rollbackd.db?mode=ro", uri=True, timeout=60) as database:
        row = database.execute("SELECT text FROM checkpoint WHERE name = 'windows'").fetchone()
    database.close()
    return json.loads(row[0]) if row else {}


def test_rotations_while_the_daemon_is_down_lose_and_repeat_nothing(world):
    watch(world)
    world.written = 4
    write(world, *[line(500)] * 4)
    wait_for(lambda: world.trigger("errors")["count"] == 4)
    world.daemon.stop()
    for n in range(3):
        write(world, line(500, path=f"/{n}"))
        rotate(world, "rename", line(500, path=f"/late-{n}"))
        world.written += 2
    half = line(500, path="/half")
    write(world, half[:20])
    world.daemon.start()
    write(world, half[20:])
    world.written += 1
    counted(world)
    assert settled(lambda: world.trigger("errors")["count"], quiet=1.5) == world.written


def resident_kib(world) -> int:
    with open(f"/proc/{world.daemon.process.pid}/status") as status:
        return next(int(row.split()[1]) for row in status if row.startswith("VmHWM:"))


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_a_hundred_megabytes_without_a_length_are_refused_and_cost_no_memory(world, kind):
    world.start()
    before = resident_kib(world)
    answered = b""
    with socket.create_connection(("127.0.0.1", world.daemon.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/services/shop/signals/payments HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " +
            world.tokens["ingest"].encode() + b"\r\nContent-Type: " + kind.encode() +
            b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + (b'{"ok":true}\n' * 100_000)[:0x100000] + b"\r\n"
        try:
            for _ in range(100):
                connection.sendall(chunk)
        except OSError:
            pass    # it hung up, as it may
        try:
            answered = connection.recv(4096)
        except OSError:
            pass
    assert b" 413 " in answered.split(b"\r\n")[0] or not answered
    assert resident_kib(world) - before < 80 * 1024
    assert world.api(None).get("/healthz").status == 200
    assert world.api().read("/v1/services/shop")["signals"][1]["last_value"] is None


def test_a_body_whose_last_chunk_comes_byte_by_byte_is_an_answer_and_no_abort(world):
    """Beast asserted five bytes of a last chunk where three had come: anybody could stop the daemon."""
    world.start()
    head = (f"POST /v1/services/shop/signals/payments HTTP/1.1\r\nHost: 127.0.0.1:{world.daemon.port}\r\n"
            f"Authorization: Bearer {world.tokens['ingest']}\r\nContent-Type: application/json\r\n"
            "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    for body in (b"0\r\n\r\n", b"b\r\n{\"ok\":true}\r\n0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", world.daemon.port), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(head.encode())
            for byte in body:
                # An answered request between two bytes: the daemon has read the one before.
                connection.sendall(bytes([byte]))
                assert world.api().get("/healthz").status == 200
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 202" if b"true" in body else b"HTTP/1.1 4"), answer
    assert world.daemon.running
