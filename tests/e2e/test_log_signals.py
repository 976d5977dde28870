"""Log lines as signals: a file over rotation and restarts, a container's log through a real engine. The journal
is in tests/drills."""

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
