"""Each call has an id: in its answer, in what refuses it, and in the log beside what came of it."""

import os
import re
import socket

import pytest
from harness import Daemon, wait_for


def lines(world, request: str) -> list[str]:
    return [line for line in world.daemon.log.read_text().splitlines() if line.endswith(f" request={request}")]


def test_a_callers_own_id_is_in_the_answer_and_in_the_log_of_what_came_of_it(world):
    world.start()
    answer = world.api("operate").post("/v1/pause", {"service": "shop"}, X_Request_Id="deploy-77")
    assert answer.status == 200 and answer.headers["x-request-id"] == "deploy-77"
    call, = wait_for(lambda: [line for line in lines(world, "deploy-77") if " request method=POST" in line])
    assert "path=/v1/pause status=200 by=test-operate from=127.0.0.1 took=" in call
    assert any("service.paused" in line or "switch" in line for line in lines(world, "deploy-77")), lines(world, "deploy-77")


def test_an_incidents_lines_name_the_incident_and_the_call(world):
    world.start()
    world.healthy_first()
    incident = world.api("operate").must(200, "/v1/services/shop/triggers/down/raise", {"reason": "seen"},
                                         X_Request_Id="seen-1")["id"]
    found = [line for line in lines(world, "seen-1") if f" incident={incident} " in line]
    assert found and all(" seq=" in line for line in found), lines(world, "seen-1")


def test_an_id_that_is_not_plain_or_missing_is_replaced_by_a_new_one(world):
    world.start()
    ids = []
    for given in ("", "a b", "x" * 129, "a;b", "\u00e9".encode().decode("latin-1")):
        headers = {"X-Request-Id": given} if given else {}
        ids.append(world.api("read").request("GET", "/v1/status", headers=headers).headers["x-request-id"])
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[0-9a-f]{12}-\d+", made) for made in ids), ids


@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/v1/nope", None, 404), ("PUT", "/v1/status", None, 405), ("POST", "/v1/pause", b"{", 400),
    ("POST", "/v1/pause", b'{"x":1}', 422), ("GET", "/v1/services?limit=x", None, 422),
])
def test_a_refusal_names_the_call(world, method, path, body, status):
    world.start()
    answer = world.api().request(method, path, body, {"Content-Type": "application/json", "X-Request-Id": "mine"})
    assert answer.status == status and answer.json["request_id"] == answer.headers["x-request-id"] == "mine"


def test_who_may_not_and_who_only_reads_fills_no_log(world):
    world.start()
    for _ in range(20):
        world.api("read").get("/v1/status")
        world.api(None).post("/v1/pause", {})
        world.push("payments", {"ok": True})
    assert " request method=" not in world.daemon.log.read_text()
    world.policy["daemon"]["log_level"] = "debug"
    world.write_policy()
    world.api().must(200, "/v1/config/reload", {})
    world.api("read").request("GET", "/v1/status", headers={"X-Request-Id": "read-1"})
    wait_for(lambda: lines(world, "read-1"), what="the line of a call that only reads")


@pytest.fixture
def journal(tmp_path):
    """What systemd's journal would get."""
    folder = tmp_path / "journal"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        taken.bind(str(folder / "socket"))
        taken.settimeout(20)
        yield taken


IN_THE_JOURNAL = ("unshare", "-m", "--propagation", "private", "sh", "-c",
                  'mount -t tmpfs none /run/systemd && mkdir /run/systemd/journal && '
                  'mount --bind "$0" /run/systemd/journal && exec "$@"')


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root")
def test_under_systemd_each_line_is_an_entry_of_the_journal_with_its_fields(world, journal):
    world.daemon.log.touch()
    log = world.daemon.log.stat()
    world.daemon = Daemon(world.folder, {"JOURNAL_STREAM": f"{log.st_dev}:{log.st_ino}"},
                          (*IN_THE_JOURNAL, str(world.folder / "journal")))
    world.policy["daemon"]["listen"] = [f"127.0.0.1:{world.daemon.port}"]
    world.start()
    world.healthy_first()
    incident = world.api("operate").must(200, "/v1/services/shop/triggers/down/raise", {"reason": "seen"},
                                         X_Request_Id="seen-1")["id"]
    entries = []

    def told() -> bool:
        entries.append(dict(line.split("=", 1) for line in journal.recv(65536).decode().splitlines()))
        return entries[-1].get("ROLLBACKD_REQUEST") == "seen-1" and "ROLLBACKD_INCIDENT" in entries[-1]

    wait_for(told, 20, "the entry of the incident")
    assert entries[-1]["ROLLBACKD_INCIDENT"] == incident and entries[-1]["PRIORITY"] == "6"
    assert entries[-1]["SYSLOG_IDENTIFIER"] == "rollbackd" and entries[-1]["ROLLBACKD_EVENT"].startswith("incident.")
    assert entries[-1]["MESSAGE"].startswith(entries[-1]["ROLLBACKD_EVENT"] + " ")
    assert " ready " not in world.daemon.log.read_text(), "said once, in the journal"


def test_a_journal_that_is_somebody_elses_is_not_written_to(world):
    world.daemon.environment["JOURNAL_STREAM"] = "8:1"      # inherited; our stderr is another file
    world.start()
    assert " info ready " in world.daemon.log.read_text()
