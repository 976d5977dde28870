"""rollbackctl: exit codes, plain words, one line of error."""

import json

import pytest
from harness import free_port, wait_for
from harness.policy import failing_payments, gated_step


@pytest.fixture
def incident(world):
    world.triggers(payments=failing_payments())
    world.start()
    world.healthy_first()
    world.push("payments", *[{"ok": False}] * 4)
    world.id = world.opened("payments")["id"]
    return world


@pytest.mark.parametrize("arguments", [
    ["status"], ["services"], ["incidents"], ["versions", "shop"], ["show", "{id}"], ["explain", "{id}"],
    ["explain", "shop/payments"], ["report", "{id}"],
])
def test_everything_that_reads_answers_people_and_machines(incident, arguments):
    words = [word.format(id=incident.id) for word in arguments]
    plain = incident.ctl(*words, role="read")
    assert plain.returncode == 0 and plain.stdout.strip(), plain.stderr
    machine = incident.ctl(*words, "--json", role="read")
    assert machine.returncode == 0, machine.stderr
    json.loads(machine.stdout)


@pytest.mark.parametrize("arguments, code", [
    (["show", "INC-999"], 1), (["deploy", "nope", "v1"], 1), (["nonsense"], 2), ([], 2),
    (["silence", "shop"], 2), (["show"], 2),
])
def test_exit_codes_tell_refused_from_misused(incident, arguments, code):
    done = incident.ctl(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.strip()


def test_a_daemon_that_is_not_there_is_exit_3_and_one_line(world):
    done = world.ctl("status", url=f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_wrong_token_is_refused_without_being_shown(incident):
    path = incident.folder / "token"
    path.write_text("wrong-token\n")
    done = incident.ctl("--token-file", str(path), "status", role=None)
    assert done.returncode == 1
    assert "wrong-token" not in done.stdout + done.stderr


def test_a_token_file_works_like_the_variable(incident):
    path = incident.folder / "token"
    path.write_text(incident.tokens["read"] + "\n")
    assert incident.ctl("--token-file", str(path), "status", role=None).returncode == 0


def test_status_says_what_is_broken_what_was_done_and_what_to_do(incident):
    wait_for(lambda: "PAYMENTS=off" in incident.env_file.read_text())
    shown = incident.ctl("show", incident.id, role="read").stdout
    assert "shop" in shown and "payments" in shown and "(a)" in shown


def test_ack_and_resolve_are_recorded_with_who_did_it(incident):
    assert incident.ctl("ack", incident.id, role="operate").returncode == 0
    assert incident.ctl("verdict", incident.id, "--false-positive", role="operate").returncode == 0
    text = json.dumps(incident.api().read(f"/v1/incidents/{incident.id}/timeline"))
    assert "test-operate" in text


def test_deploy_records_a_known_good_version(incident):
    assert incident.ctl("deploy", "shop", "abc", "--known-good", role="ingest").returncode == 0
    assert incident.standing("abc") == "known-good"


def test_a_new_token_is_printed_with_its_hash(world):
    import hashlib
    done = world.ctl("token", "new", role=None)
    assert done.returncode == 0, done.stderr
    words = done.stdout.replace('"', " ").split()
    hashes = [w for w in words if len(w) == 64 and set(w) <= set("0123456789abcdef")]
    assert hashes and any(hashlib.sha256(w.encode()).hexdigest() in hashes for w in words)


def test_gate_closes_for_a_bad_version_and_while_a_run_is_on_and_never_because_of_the_daemon(world):
    step, _, gate = gated_step(world)
    world.shop["playbooks"]["code-rollback"]["steps"].append(step)
    world.start()
    world.two_releases()
    assert world.ctl("gate", "shop", "never-seen", role="read").returncode == 0
    bad = world.deploy("v2")["version"]
    incident = world.opened("down")["id"]
    world.until(incident, "acting")
    assert world.ctl("gate", "shop", "v3", role="read").returncode == 1, "a run is on"
    gate.touch()
    world.until(incident, "resolved")
    closed = world.ctl("gate", "shop", bad, role="read")
    assert closed.returncode == 1 and f"rollbackctl release shop {bad}" in closed.stderr
    assert world.ctl("gate", "shop", "v3", role="read").returncode == 0
    again = json.loads(world.ctl("deploy", "shop", bad, "--json", role="ingest").stdout)
    assert again["quarantined"] is True
    assert world.ctl("release", "shop", bad, "--reason", "mended").returncode == 0
    assert world.ctl("gate", "shop", bad, role="read").returncode == 0
    world.daemon.stop()
    assert world.ctl("gate", "shop", bad, role="read").returncode == 3


@pytest.mark.parametrize("arguments", [
    ["show", "INC-999"], ["pause", "shpo"], ["run", "shop", "pyments-off"], ["raise", "shop", "nope", "--reason", "x"],
    ["deploy", "shop", "v 1"], ["silences", "--end", "SIL-9"], ["release", "shop", "never"], ["abort", "INC-999"],
    ["check", "/nonexistent/policy.yaml"], ["statsu"], ["status", "--url", "nowhere"],
])
def test_an_error_is_one_line_that_says_how_to_mend_it(incident, arguments):
    done = incident.ctl(*arguments)
    assert done.returncode in (1, 2)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("rollbackctl: ") and any(hint in done.stderr for hint in (";", "expected"))
