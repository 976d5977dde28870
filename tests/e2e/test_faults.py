"""What the machine does to the daemon: no action without its record, no breach out of our own trouble, and
somebody is always answered."""

import os
import resource
import socket
import statistics
import threading
import time
from pathlib import Path

import pytest
from harness import settled, wait_for
from harness.faults import ANSWER_SECONDS_MAX, HELD_SECONDS_MAX, SANITIZED, Shim, break_disk, failing_disk, need
from harness.policy import failing_payments, gated_step

OFF = {"response": ["payments-off"], "blame": "any"}


def breach(world, count: int = 4) -> None:
    world.push("payments", *[{"ok": False, "reason": "declined"}] * count)


def acted(world) -> bool:
    return "PAYMENTS=off" in world.env_file.read_text()


def answers(world, *paths: str) -> list[float]:
    """Seconds of a few answers."""
    took = []
    for path in 5 * paths:
        began = time.monotonic()
        assert world.api().get(path).status in (200, 503)
        took.append(time.monotonic() - began)
    return took


def come_at_once(took: list[float]) -> bool:
    return statistics.median(took) < ANSWER_SECONDS_MAX and max(took) < HELD_SECONDS_MAX


LOOKS = ("/healthz", "/readyz", "/metrics", "/v1/status", "/v1/services/shop", "/v1/incidents")


def test_a_disk_that_does_not_sync_holds_decisions_and_no_answer(world):
    shim = Shim(world)
    world.triggers(payments=failing_payments(**OFF))
    world.start()
    world.healthy_first()
    with shim.stuck_disk():
        breach(world)
        wait_for(lambda: world.trigger("payments")["verdict"] == "true", what="the breach to be seen")
        assert come_at_once(answers(world, *LOOKS))
        assert settled(lambda: acted(world)) is False
        assert world.incidents() == []
    wait_for(lambda: acted(world), what="the run, once it is recorded")


def test_a_slow_disk_under_a_running_step_holds_no_answer(world):
    """The steps' folders lie there too: making them durable must not hold the loop."""
    shim = Shim(world)
    out = world.folder / "out"
    touch = {"exec": {"argv": ["/usr/bin/touch", str(out)]}}
    ask = {"http": {"method": "POST", "url": "{{ url }}/purge", "expect": {"status": 200}}}
    world.shop["playbooks"]["by-hand"] = {"undoes": "nothing", "data_loss": "none", "steps": [ask, touch]}
    world.start()
    world.healthy_first()
    shim.slow_disk(round(1500 * HELD_SECONDS_MAX))
    world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    took = []

    def ran() -> bool:
        took.extend(answers(world, "/healthz"))
        return out.exists()

    wait_for(ran, 60, "the last step")
    assert come_at_once(took), max(took)


@pytest.fixture
def disk(world):
    """The store on a disk of its own, with `payments-off` that a breach starts."""
    with failing_disk(world.folder) as mount:
        world.policy["daemon"]["store"] = f"sqlite:{mount}/rollbackd.db"
        world.triggers(payments=failing_payments(**OFF))
        yield mount
        if world.daemon.running:
            world.daemon.stop()


def test_on_a_disk_that_becomes_read_only_nothing_is_done_and_everybody_is_told(world, disk):
    world.start()
    world.healthy_first()
    break_disk(disk)
    breach(world)
    wait_for(lambda: world.sink.messages, timeout=30, what="an alert from memory")
    assert all("not recorded" in message["text"] for message in world.sink.messages)
    assert world.api("operate").post("/v1/pause", {}).status == 503
    answer = world.api(None).get("/readyz")
    assert answer.status == 503 and world.api(None).get("/healthz").status == 200
    assert come_at_once(answers(world, *LOOKS))
    assert settled(lambda: acted(world)) is False
    assert world.daemon.stop() == 0


def test_a_start_on_a_read_only_disk_is_refused_with_why(world, disk):
    world.start()
    world.daemon.stop()
    need("mount", "-o", "remount,ro", disk)
    said = world.daemon.refuses_to_start()
    assert "read-only" in said.lower() or "readonly" in said.lower(), said


@pytest.mark.parametrize("how", ["moved", "removed", "replaced", "log removed"])
def test_a_database_that_goes_away_under_the_daemon_is_noticed_before_anything_is_done(world, how):
    """What is written to a file without a name is gone at the next start: that is no record."""
    world.triggers(payments=failing_payments(**OFF))
    world.start()
    world.healthy_first()
    store, away = world.folder / "rollbackd.db", world.folder / "away"
    log = world.folder / "rollbackd.db-wal"
    if how == "log removed":
        log.rename(away)
    else:
        store.rename(away)
    if how == "replaced":
        store.write_bytes(away.read_bytes())
    breach(world)
    wait_for(lambda: world.sink.messages, what="an alert from memory")
    assert "not recorded" in world.sink.messages[0]["text"]
    answer = world.api("operate").post("/v1/pause", {})
    assert answer.status == 503, answer.text
    assert "removed or replaced while in use" in world.daemon.tail()
    assert settled(lambda: acted(world)) is False
    if how != "removed":
        away.rename(log if how == "log removed" else store)
        wait_for(lambda: acted(world), timeout=30, what="the run, once the file is back")
        world.daemon.stop()
        assert world.ctl("journal", "verify", "--store", f"sqlite:{store}").returncode == 0


def test_a_name_server_that_does_not_answer_fails_its_own_probe_and_nothing_else(world):
    blackhole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        blackhole.bind(("127.0.0.77", 53))
    except OSError as error:
        pytest.skip(f"cannot be a name server: {error}")
    resolv = world.folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.77\noptions timeout:30 attempts:3\n")
    need("unshare", "-m", "true")
    world.daemon.wrapper = ("unshare", "-m", "sh", "-c",
                            f'mount --bind "{resolv}" /etc/resolv.conf && exec "$@"', "sh")
    world.shop["signals"]["named"] = {
        "http": {"url": f"http://shop.example.com:{world.app.port}/health"}, "every": "300ms", "timeout": "250ms"}
    world.triggers(payments=failing_payments(**OFF),
                   named={"when": "consecutive_failures(named) >= 3", "severity": "P1", "response": "alert"})
    world.start()
    world.healthy_first()
    world.opened("named")
    assert world.signal("named")["last_reason"].startswith(("dns", "timeout")), world.signal("named")
    asked = len(world.app.requests)
    wait_for(lambda: len(world.app.requests) > asked + 10, what="the other probe to go on")
    assert come_at_once(answers(world, *LOOKS))
    breach(world)
    wait_for(lambda: acted(world), what="the run")
    assert world.daemon.stop(timeout=10) == 0
    blackhole.close()


def test_without_descriptors_nothing_is_held_against_the_service_and_it_passes(world):
    world.start()
    world.two_releases()
    world.deploy("v1")
    pid = world.daemon.process.pid
    used = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, used + 200))
    held = [socket.create_connection(("127.0.0.1", world.daemon.port)) for _ in range(50)]
    wait_for(lambda: "descriptor" in world.daemon.tail() or "open files" in world.daemon.tail(),
             what="the log to say so")
    asked = len(world.app.requests)
    assert settled(lambda: len(world.app.requests), quiet=2) <= asked + 5
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 200, used + 200))
    for connection in held:
        connection.close()
    wait_for(lambda: len(world.app.requests) > asked + 10, what="the probe to go on")
    assert world.incidents() == []
    assert world.repository.head == world.repository.versions["v1"]


def test_a_limit_on_memory_costs_requests_or_a_restart_and_no_record(world):
    """What does not fit ends the daemon with a word: a crash like any other, and its step and its records live on."""
    step, ran, gate = gated_step(world)
    world.shop["playbooks"]["by-hand"] = {"undoes": "nothing", "data_loss": "none", "steps": [step]}
    world.start()
    world.healthy_first()
    recorded = world.record("a")["version"]
    world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(ran.exists, what="the step to run")
    size = int((Path(f"/proc/{world.daemon.process.pid}/statm").read_text()).split()[0]) * resource.getpagesize()
    if not SANITIZED:   # they take terabytes of addresses
        limit = (size + (8 << 20), resource.RLIM_INFINITY)
        resource.prlimit(world.daemon.process.pid, resource.RLIMIT_AS, limit)
    body = b'{"ok":true}\n' * 1_000_000     # 12 MB, thrice at once

    def push() -> None:
        try:
            world.api("ingest").request("POST", "/v1/services/shop/signals/payments", body,
                                        {"Content-Type": "application/x-ndjson"}, timeout=30)
        except OSError:
            pass    # it ended, or hung up

    def answers_or_is_gone() -> bool:
        """A dying process hangs up on its clients before its parent can see that it is gone."""
        return not world.daemon.running or world.api().get("/healthz").status == 200

    threads = [threading.Thread(target=push) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(answers_or_is_gone)
    if not world.daemon.running:
        assert "rollbackd: out of memory: ended" in world.daemon.tail()
        world.daemon.start()
    else:
        resource.prlimit(world.daemon.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    gate.touch()

    def step_ended() -> dict | None:
        step = world.incident(world.incidents()[0]["id"])["runs"][0]["steps"][0]
        return step if step["state"] not in ("running", "pending") else None

    assert wait_for(step_ended, what="the step to end")["state"] == "done"
    assert ran.read_text() == "ran\n"
    listed = wait_for(lambda: world.api().read("/v1/services/shop/deployments")["items"])
    assert [item["version"] for item in listed] == [recorded]
    world.daemon.stop()
    assert world.ctl("journal", "verify", "--store", f"sqlite:{world.folder}/rollbackd.db").returncode == 0
