"""Log lines as signals: a file over rotation and restarts, a container's log through a real engine. The journal
is in tests/drills."""

import socketserver
import threading
import time
import urllib.parse

import pytest
from harness import settled, wait_for
from harness.engine import Engine, why_no_engine

ALERT = {"severity": "P2", "response": "alert"}


def watch(world, form: dict, when: str = "failures(it, 1h) >= 1", **beside) -> None:
    world.shop["signals"]["it"] = {"log": form, **beside}
    world.triggers(bad={"when": when, **ALERT})
    world.start()


def failures(world) -> int:
    return int(world.trigger("bad")["count"] or 0)


def append(path, *lines: str) -> None:
    with path.open("a") as log:
        log.writelines(line + "\n" for line in lines)


def test_a_symptom_of_the_runbooks_in_a_log_is_a_failure_with_its_name(world):
    log = world.folder / "app.log"
    append(log, 'ERROR:  relation "old" does not exist')       # from before: not ours to judge
    watch(world, {"path": str(log), "patterns": ["missing_relation", "no_space"]})
    append(log, "started", "ERROR of another kind")
    wait_for(lambda: world.signal("it")["last_at"])
    assert failures(world) == 0
    append(log, 'ERROR:  relation "orders" does not exist at character 15')
    world.opened("bad")
    assert world.signal("it")["last_reason"].startswith('missing_relation: ERROR:  relation "orders"')
    append(log, "write failed: No space left on device")
    wait_for(lambda: world.signal("it")["last_reason"].startswith("no_space: "))
    wait_for(lambda: failures(world) == 2)


def test_a_log_is_read_once_over_rotation_and_a_restart(world):
    log = world.folder / "app.log"
    log.touch()
    watch(world, {"path": str(log), "fail": ["declined"]}, when="failures(it, 1h) >= 1000")
    append(log, "card declined 1")
    wait_for(lambda: failures(world) == 1)
    log.rename(world.folder / "app.log.1")
    append(world.folder / "app.log.1", "card declined 2")
    append(log, "card declined 3")
    wait_for(lambda: failures(world) == 3)
    world.daemon.stop()
    append(log, "card declined 4")
    world.daemon.start()
    wait_for(lambda: failures(world) == 4)
    assert settled(lambda: failures(world)) == 4


def test_every_log_of_a_pattern_is_read_and_those_that_come_later(world):
    one, two = world.folder / "one.app.log", world.folder / "two.app.log"
    append(one, "ERROR from before")
    watch(world, {"path": str(world.folder / "*.app.log")}, when="failures(it, 1h) >= 1000")
    append(one, "ERROR 1")
    append(two, "ERROR 2", "fine")
    wait_for(lambda: failures(world) == 2)
    world.daemon.kill()
    one.rename(world.folder / "one.app.log.1")
    append(one, "ERROR 3")
    append(world.folder / "three.app.log", "ERROR 4")
    world.daemon.start()
    wait_for(lambda: failures(world) == 4)
    assert settled(lambda: failures(world)) == 4


def test_killed_in_mid_stream_each_line_of_a_file_counts_once(world):
    log = world.folder / "app.log"
    log.touch()
    watch(world, {"path": str(log), "fail": ["declined"]}, when="failures(it, 1h) >= 1000000")
    written = 0
    for round_ in range(5):
        append(log, *[f"card declined {written + n}" for n in range(150)])
        world.daemon.kill()
        append(log, *[f"card declined {written + n}" for n in range(150, 200)])
        if round_ == 3:
            log.rename(world.folder / "app.log.1")
        written += 200
        world.daemon.start()
    wait_for(lambda: failures(world) == written, 20, f"{written} lines")
    assert settled(lambda: failures(world)) == written


def test_a_reload_that_changes_the_patterns_goes_on_in_the_log_where_it_was(world):
    log = world.folder / "app.log"
    log.touch()
    watch(world, {"path": str(log), "fail": ["declined"]}, when="failures(it, 1h) >= 1000")
    append(log, "declined 1", "expired 1")
    wait_for(lambda: failures(world) == 1)
    world.shop["signals"]["it"]["log"]["fail"] = ["expired"]
    world.write_policy()
    append(log, "declined 2", "expired 2")
    wait_for(lambda: failures(world) == 2)
    world.daemon.reload()
    wait_for(lambda: failures(world) == 0, what="a signal of another meaning to begin anew")
    append(log, "declined 3", "expired 3")
    wait_for(lambda: failures(world) == 1, what="the line that was written since, and none of before")
    world.shop["signals"]["it"]["log"]["fail"] = ["("]
    world.write_policy()
    world.daemon.reload()
    append(log, "expired 4")
    wait_for(lambda: failures(world) == 2, what="a bad file to change nothing")


def test_a_log_that_cannot_be_read_is_unknown_and_is_read_once_it_can(world):
    folder = world.folder / "logs"
    folder.mkdir()
    log = folder / "app.log"
    append(log, "started")
    watch(world, {"path": str(log)}, when="failed(it)")
    append(log, "fine")
    wait_for(lambda: world.trigger("bad")["verdict"] == "false")
    log.rename(folder / "away")
    wait_for(lambda: world.trigger("bad")["verdict"] == "unknown", 20)
    assert settled(world.incidents) == []
    append(log, "FATAL: it broke")
    world.opened("bad")


def test_a_secret_in_a_line_is_taken_out_and_garbage_is_taken_as_a_line(world):
    secret = world.folder / "hook.url"
    url = secret.read_text().strip()
    log = world.folder / "app.log"
    log.touch()
    watch(world, {"path": str(log)})
    append(log, "FATAL: it begins")
    world.opened("bad")
    wait_for(world.sink.events, what="a message, for which the secret was read")
    with log.open("ab") as raw:
        raw.write(b"\xff\xfe\x00\x01" * 1000 + b"\n")
        raw.write(f"ERROR posting to {url}\n".encode())
    wait_for(lambda: "[secret]" in world.signal("it")["last_reason"])
    assert url not in world.api().get("/v1/journal").text


class FakeEngine(socketserver.ThreadingUnixStreamServer):
    """Tells one container's log, as a terminal's; or nothing, or nonsense."""

    daemon_threads = True

    def __init__(self, path: str):
        self.lines: list[tuple[int, str]] = []   # nanoseconds since 1970
        self.mode, self.freed = "well", threading.Event()
        super().__init__(path, self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def say(self, *texts: str) -> None:
        now = time.time_ns()
        self.lines += [(now + n, text) for n, text in enumerate(texts)]

    def answer(self, target: str) -> bytes:
        since = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)["since"][0]
        seconds, digits = since.split(".")
        first = int(seconds) * 10**9 + int(digits.ljust(9, "0"))
        told = [f"{time.strftime('%FT%T', time.gmtime(at // 10**9))}.{at % 10**9:09}Z {text}\r\n"
                for at, text in self.lines if at >= first]
        body = "".join(told).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked = self.request.recv(65536).decode()
            if self.server.mode == "hangs":
                self.server.freed.wait(60)
            elif self.server.mode == "babbles":
                self.request.sendall(b"\x00\x01 nobody you know\r\n\r\n")
            elif asked:
                try:
                    self.request.sendall(self.server.answer(asked.split()[1]))
                except OSError:
                    pass    # more than is taken at once: hung up on


@pytest.fixture
def told(world):
    with FakeEngine(str(world.folder / "engine.sock")) as server:
        yield server
        server.freed.set()
        server.shutdown()


def test_an_engine_that_hangs_or_babbles_is_unknown_and_its_log_is_read_once_it_is_back(world, told):
    world.shop["signals"]["it"] = {"log": {"container": "app", "socket": told.server_address}}
    world.triggers(bad={"when": "failures(it, 1h) >= 1000", **ALERT})
    world.start()

    def trouble(*words: str) -> None:
        wait_for(lambda: any(word in (world.signal("it")["last_reason"] or "") for word in words), 30)
        wait_for(lambda: world.signal("it")["state"] is None, 20, "the signal to be unknown")

    said = 0
    for mode, words in (("babbles", ("garbage",)), ("hangs", ("timeout", "within"))):
        told.say("FATAL: it begins", "fine")
        wait_for(lambda: failures(world) == said + 1, 20)
        told.freed.clear()
        told.mode = mode
        told.say("FATAL: unheard for a while")
        trouble(*words)
        told.mode = "well"
        told.freed.set()
        said += 2
        wait_for(lambda: failures(world) == said, 20)
    assert settled(lambda: failures(world), quiet=2.5) == 4


def test_a_backlog_of_more_than_is_taken_at_once_is_read_from_its_beginning_each_line_once(world, told):
    watch(world, {"container": "app", "socket": told.server_address}, when="failures(it, 1h) >= 100000")
    told.say("FATAL: the first")
    wait_for(lambda: failures(world) == 1, 20)
    world.daemon.stop()
    ballast = "x" * 300
    told.say(*(f"FATAL: {n}" if n % 1000 == 0 else f"line {n} {ballast}" for n in range(80_000)), "FATAL: the last")
    at = time.time_ns()     # the engine's clock is coarse: many lines of one moment, wherever an answer is cut
    told.lines += [(at + n // 50, f"FATAL: at once {ballast}" if n % 100 == 0 else ballast) for n in range(40_000)]
    world.daemon.start()
    wait_for(lambda: failures(world) == 82 + 400, 60)
    assert settled(lambda: failures(world), quiet=2.5) == 482


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if reason := why_no_engine():
        pytest.skip(reason)
    made = Engine(tmp_path_factory.mktemp("engine"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_a_containers_log_through_a_real_engine(world, engine):
    box = "while true; do if [ -e /tmp/say ]; then cat /tmp/say; cat /tmp/say >&2; rm /tmp/say; fi; sleep 0.1; done"
    engine.run("app", "echo FATAL of before; " + box)
    wait_for(lambda: "before" in engine.ctl("logs", "app"))

    def say(text: str) -> None:
        engine.ctl("exec", "app", "/bin/sh", "-c", f"echo '{text}' > /tmp/new; /bin/busybox mv /tmp/new /tmp/say")

    watch(world, {"container": "app", "socket": engine.socket}, when="failures(it, 1h) >= 1000")
    say("all is well")
    wait_for(lambda: world.signal("it")["last_at"], 20)
    say("FATAL: payment table is gone")
    wait_for(lambda: failures(world) == 2, 20)      # on both of its streams
    assert world.signal("it")["last_reason"].startswith("error: FATAL: payment")
    world.daemon.stop()
    say("FATAL: while nobody looked")
    wait_for(lambda: "nobody looked" in engine.ctl("logs", "app"))
    world.daemon.start()
    wait_for(lambda: failures(world) == 4, 20)
    assert settled(lambda: failures(world), quiet=2.5) == 4
    for n in range(3):
        say(f"FATAL: in mid-stream {n}")
        wait_for(lambda: f"mid-stream {n}" in engine.ctl("logs", "app"))
        world.daemon.kill()
        world.daemon.start()
    wait_for(lambda: failures(world) == 10, 20)     # each on both streams
    assert settled(lambda: failures(world), quiet=2.5) == 10
    world.daemon.kill()
    many = "i=0; while [ $i -lt 450 ]; do echo FATAL $i of many; i=$((i+1)); done > /tmp/new"
    engine.ctl("exec", "app", "/bin/sh", "-c", many + "; /bin/busybox mv /tmp/new /tmp/say")
    wait_for(lambda: engine.ctl("logs", "app").count("449 of many") == 1)
    world.daemon.start()
    world.daemon.kill()     # in the middle of what it has to catch up with, or before
    world.daemon.start()
    wait_for(lambda: failures(world) == 910, 20)
    assert settled(lambda: failures(world), quiet=2.5) == 910
    engine.ctl("rm", "-f", "app")
    wait_for(lambda: "no such container" in (world.signal("it")["last_reason"] or ""), 20)
    engine.run("app", "echo FATAL: it is back; sleep 86400")
    wait_for(lambda: failures(world) == 911, 20)
    engine.ctl("rm", "-f", "app")
