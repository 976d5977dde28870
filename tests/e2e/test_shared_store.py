"""Two daemons on one PostgreSQL: the holder of the lease acts, the other stands by, and what is killed, paused or cut
off is never done twice."""

import copy
import json
import os
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import settled, wait_for
from harness.api import Api
from harness.daemon import Daemon
from harness.policy import failing_payments, gated_step
from harness.servers import Postgres

TTL_SECONDS = 15       # daemon/store/lease.hpp
TAKEN_WITHIN = TTL_SECONDS + 10
OFF = {"response": ["payments-off"], "blame": "any"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    postgres = Postgres(tmp_path_factory.mktemp("shared") / "postgres").with_app()
    yield postgres
    postgres.stop()


@pytest.fixture
def pair(world, server):
    """The first is started by the test, the second by `stand_by`."""
    if server.process is None:
        server.start()
    server.psql("DROP SCHEMA IF EXISTS rollbackd CASCADE")
    world.server = server
    world.policy["daemon"]["store"] = f"postgresql://shop@127.0.0.1:{server.port}/app"
    world.policy["daemon"]["run_dir"] = str(world.folder / "steps-1")
    world.first, world.second = world.daemon, None
    yield world
    for daemon in (world.first, world.second):
        if daemon and daemon.running:
            daemon.process.send_signal(signal.SIGCONT)
            daemon.kill()


def stand_by(world) -> Daemon:
    folder = world.folder / "two"
    folder.mkdir()
    second = world.second = Daemon(folder)
    policy = copy.deepcopy(world.policy)
    policy["daemon"]["listen"] = [f"127.0.0.1:{second.port}"]
    policy["daemon"]["run_dir"] = str(world.folder / "steps-2")
    second.config.write_text(json.dumps(policy))
    process = second.spawn()

    def answers() -> bool:
        assert process.poll() is None, second.tail()
        return Api(second.port).get("/healthz").status == 200

    wait_for(answers, what="the second to answer")
    return second


def leads(daemon: Daemon) -> bool:
    assert daemon.running, daemon.tail()
    try:
        return Api(daemon.port).get("/readyz").status == 200
    except OSError:
        return False


def taken_over(world, within: float = TAKEN_WITHIN) -> None:
    wait_for(lambda: leads(world.second), within, "the second to take over")
    world.daemon = world.second


def kinds(world) -> list[str]:
    return [record["kind"] for record in world.api("admin").read("/v1/journal?limit=1000")["items"]]


def verified(world) -> None:
    done = world.ctl("journal", "verify", "--store", world.policy["daemon"]["store"])
    assert done.returncode == 0, done.stderr


def test_the_second_stands_by_answers_questions_and_changes_nothing(pair):
    pair.start()
    second = stand_by(pair)
    api = Api(second.port, pair.tokens["admin"])
    ready = api.get("/readyz")
    assert ready.status == 503
    role = next(check for check in ready.json["checks"] if check["name"] == "role")
    assert role["text"] == f"standby: rollbackd on {socket.gethostname()} holds the lease of this store"
    assert api.read("/v1/status")["role"] == "standby" and pair.api().read("/v1/status")["role"] == "leader"
    for path, body in (("/v1/pause", {}), ("/v1/config/reload", {}), ("/v1/services/shop/signals/payments", {"ok": False}),
                       ("/v1/services/shop/deployments", {"version": "v1"})):
        answer = api.post(path, body)
        assert answer.status == 503 and socket.gethostname() in answer.json["detail"], (path, answer.body)
    pair.api().must(200, "/v1/pause", {})
    wait_for(lambda: api.read("/v1/status")["paused"], what="the second to have followed")
    assert api.read("/v1/journal?limit=1000")["items"] == pair.api().read("/v1/journal?limit=1000")["items"]
    assert "rollbackd_leader 0" in api.get("/metrics").text and "rollbackd_leader 1" in pair.api().get("/metrics").text
    assert second.stop() == 0 and pair.daemon.running


def test_a_clean_stop_hands_over_at_once_and_state_goes_with_it(pair):
    pair.start()
    pair.healthy_first()
    pair.deploy("v1", known_good=True)
    stand_by(pair)
    assert pair.daemon.stop() == 0
    taken_over(pair, 8)
    assert pair.standing(pair.repository.versions["v1"]) == "known-good"
    assert kinds(pair).count("daemon.started") == 2
    verified(pair)


def test_a_killed_daemon_takes_its_own_lease_again_at_once(pair):
    pair.start()
    pair.daemon.kill()
    began = time.monotonic()
    pair.daemon.start()
    assert time.monotonic() - began < TTL_SECONDS / 2


@pytest.mark.parametrize("check", [True, False])
def test_a_step_of_a_killed_holder_is_settled_by_its_check_or_a_person_never_by_starting_it_again(pair, check):
    step, lines, gate = gated_step(pair)
    step["timeout"] = "8s"
    if check:
        step["check"] = ["/usr/bin/test", "-e", str(gate)]
    pair.shop["playbooks"]["by-hand"] = {"undoes": "nothing", "data_loss": "none", "steps": [step]}
    pair.start()
    stand_by(pair)
    pair.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(lines.exists, what="the step to run")
    pair.daemon.kill()
    gate.touch()
    taken_over(pair)
    incident = pair.incidents()[0]["id"]

    def over() -> bool:
        return pair.incident(incident)["runs"][0]["state"] in ("succeeded", "interrupted")

    assert not over(), "it may still be running there"
    wait_for(over, 60, "the step to be settled")
    assert pair.incident(incident)["runs"][0]["state"] == ("succeeded" if check else "interrupted")
    assert lines.read_text() == "ran\n"
    verified(pair)


def test_a_holder_that_stood_still_beyond_its_lease_does_nothing_and_ends(pair):
    pair.triggers(payments=failing_payments(**OFF))
    ran = pair.folder / "ran"
    pair.shop["playbooks"]["payments-off"]["steps"] = [
        {"exec": {"argv": ["/bin/sh", "-c", f"echo ran >> {ran}"]}}]
    pair.start()
    pair.healthy_first()
    stand_by(pair)
    pair.push("payments", {"ok": True})
    first = pair.first
    # What it needs to act lies in its socket when it wakes up.
    first.process.send_signal(signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", first.port)) as late:
        body = b'{"ok":false}\n' * 5
        late.sendall(b"POST /v1/services/shop/signals/payments HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
                     + pair.tokens["ingest"].encode() + b"\r\nContent-Type: application/x-ndjson\r\nContent-Length: "
                     + str(len(body)).encode() + b"\r\n\r\n" + body)
        taken_over(pair)
        first.process.send_signal(signal.SIGCONT)
        assert first.process.wait(30) == 1
    assert not ran.exists()
    pair.push("payments", *[{"ok": False}] * 4)
    incident = pair.opened("payments")
    pair.until(incident["id"], "verifying", "resolved")
    assert ran.read_text() == "ran\n"
    assert "lease.lost" in first.tail()
    verified(pair)
    first.spawn()
    wait_for(lambda: Api(first.port).get("/readyz").status == 503, what="the first to stand by")


def test_without_its_database_nothing_is_done_everybody_is_told_and_then_it_goes_on(pair):
    pair.triggers(payments=failing_payments(**OFF))
    pair.start()
    pair.healthy_first()
    pair.server.stop()
    wait_for(lambda: pair.api(None).get("/readyz").status == 503, what="the loss to be noticed")
    pair.push("payments", *[{"ok": False}] * 4)
    wait_for(lambda: pair.sink.messages, timeout=30, what="an alert from memory")
    assert all("not recorded" in message["text"] for message in pair.sink.messages)
    assert pair.api("operate").post("/v1/pause", {}).status == 503
    assert settled(lambda: "PAYMENTS=off" in pair.env_file.read_text()) is False
    pair.server.start()
    wait_for(lambda: "PAYMENTS=off" in pair.env_file.read_text(), 30, "the run, once it is recorded")
    wait_for(lambda: pair.api(None).get("/readyz").status == 200, what="the store to be well again")
    verified(pair)


@contextmanager
def hanging(postgres: Postgres):
    postmaster = postgres.process.pid
    each = [postmaster, *map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())]
    for pid in each:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in each:
            os.kill(pid, signal.SIGCONT)


def test_a_database_that_hangs_holds_no_answer_and_no_stop(pair):
    pair.start()
    with hanging(pair.server):
        wait_for(lambda: pair.api(None).get("/readyz").status == 503, 30, "the loss to be noticed")
        began = time.monotonic()
        assert pair.api().get("/v1/status").status == 200
        assert time.monotonic() - began < 1
        assert pair.daemon.stop(40) == 0


def test_a_start_without_a_database_says_what_is_missing_and_no_password(pair):
    server = pair.server
    server.psql("DROP ROLE IF EXISTS locked", "postgres")
    server.psql("CREATE ROLE locked LOGIN PASSWORD 'right-s3cret'; GRANT ALL ON DATABASE app TO locked", "postgres")
    rules = server.folder / "data/pg_hba.conf"
    before = rules.read_text()
    rules.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + before)
    server.process.send_signal(signal.SIGHUP)
    password = pair.folder / "password"
    password.write_text("wrong-s3cret")
    password.chmod(0o600)
    daemon = pair.policy["daemon"]
    daemon["store"] = daemon["store"].replace("shop@", "locked@")
    daemon["store_password_file"] = str(password)
    pair.write_policy()
    try:
        assert "store_password_file" in wait_for(lambda: pair.daemon.refuses_to_start(), what="the password to be asked")
        password.write_text("right-s3cret")
        pair.daemon.start()
        pair.daemon.stop()
        server.stop()
        assert "start the server" in pair.daemon.refuses_to_start()
    finally:
        rules.write_text(before)
    assert "s3cret" not in pair.daemon.tail(1000)
