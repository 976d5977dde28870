"""What a playbook's steps do to the world, and what becomes of the ones that go wrong."""

import json
import socket
import ssl
import subprocess
import threading

import pytest
from harness import settled, wait_for
from harness.policy import script
from harness.world import playbooks

RUNS = "/v1/services/shop/playbooks/by-hand/runs"
OK = [{"until": "ok(health)", "within": "4s"}]


def with_steps(world, *steps: dict, **more) -> None:
    """A playbook `by-hand` of these steps, for manual runs."""
    world.shop["playbooks"]["by-hand"] = {
        "undoes": "nothing", "risk": "low", "data_loss": "none", "steps": list(steps), "verify": OK, **more}
    world.start()
    world.healthy_first()


def run(world, **body) -> dict:
    return world.api("operate").must(201, RUNS, {"reason": "a test", **body})


def ended(world, *states: str) -> dict:
    """The run of the newest incident once it is in one of these states."""

    def find() -> dict | None:
        runs = world.incident(world.incidents()[0]["id"])["runs"]
        return runs[-1] if runs and runs[-1]["state"] in states else None

    return wait_for(find, 20, f"the run to be {' or '.join(states)}")


def test_steps_run_in_order_with_their_folder_and_environment(world):
    out = world.folder / "out"
    show = script(world, "show", f'echo "$PWD $COLOUR $1" >> "{out}"\n')
    with_steps(world,
               {"exec": {"argv": [show, "first"], "cwd": str(world.folder), "env": {"COLOUR": "green"}}},
               {"exec": {"argv": [show, "{{ repo }}"], "cwd": "/", "env": {"COLOUR": "red"}}})
    run(world)
    ended(world, "succeeded")
    assert out.read_text() == f"{world.folder} green first\n/ red {world.repository.path}\n"


def test_a_step_is_skipped_where_its_when_does_not_hold_and_a_dry_run_names_the_condition(world):
    out = world.folder / "out"
    say = script(world, "say", f'echo "$1" >> "{out}"\n')
    with_steps(world,
               {"exec": {"argv": [say, "first"]}},
               {"exec": {"argv": [say, "mend"]}, "name": "mend", "when": "failed(health)"},
               {"exec": {"argv": [say, "go on"]}, "when": "ok(health)"},
               always=[{"exec": {"argv": [say, "note"]}, "when": "failed(health)"}])
    would = world.api("operate").must(200, RUNS, {"reason": "a test", "dry_run": True})["would"]
    assert would[1]["would"].startswith("only if failed(health): ")
    run(world)
    steps = ended(world, "succeeded")["steps"]
    assert [step["state"] for step in steps] == ["done", "skipped", "done", "skipped"]
    assert out.read_text() == "first\ngo on\n"
    id_ = world.incidents()[0]["id"]
    assert "not needed: health is ok" in world.ctl("report", id_).stdout


def test_a_when_is_asked_of_the_world_as_the_step_ahead_has_left_it(world):
    out = world.folder / "out"
    world.shop["signals"]["health"] |= {"every": "1h", "confirm_every": "100ms"}
    say = script(world, "say", f'echo mended >> "{out}"\n')
    with_steps(world, {"exec": {"argv": ["true"]}},
               {"exec": {"argv": [say]}, "when": "failed(health)"}, verify=[])
    world.app.mode = "fail"     # the last sample, good for an hour, does not know
    run(world)
    wait_for(lambda: out.exists(), 10, "the step that is needed now")


def test_a_value_never_becomes_a_second_argument_or_an_option(world):
    out = world.folder / "out"
    show = script(world, "show", f'echo "$#:$1" >> "{out}"\n')
    with_steps(world, {"exec": {"argv": [show, "{{ inputs.text }}"]}}, inputs={"text": None})
    run(world, inputs={"text": "two words; $(rm -rf x) `id`"})
    ended(world, "succeeded")
    assert out.read_text() == "1:two words; $(rm -rf x) `id`\n"
    answer = world.api("operate").post(RUNS, {"reason": "x", "inputs": {"text": "--upload-pack=evil"}})
    assert answer.status in (409, 422), answer.text


def test_an_unknown_or_missing_input_is_422(world):
    with_steps(world, {"exec": {"argv": ["/bin/true", "{{ inputs.text }}"]}}, inputs={"text": None})
    for inputs in ({}, {"text": "x", "more": "y"}):
        answer = world.api("operate").post(RUNS, {"reason": "x", "inputs": inputs})
        assert answer.status == 422, answer.text


def test_a_failed_step_ends_the_run_and_the_always_steps_still_run(world):
    out = world.folder / "out"
    with_steps(world, {"exec": {"argv": ["/bin/false"]}}, {"exec": {"argv": ["/usr/bin/touch", str(out) + ".no"]}},
               always=[{"exec": {"argv": ["/usr/bin/touch", str(out)]}}])
    run(world)
    failed = ended(world, "failed")
    assert failed["steps"][0]["state"] == "failed" and failed["steps"][0]["exit"] == 1
    wait_for(out.exists)
    assert not (world.folder / "out.no").exists()


def test_a_step_beyond_its_timeout_is_ended_with_everything_it_started(world):
    out = world.folder / "out"
    slow = script(world, "slow", f'(sleep 3; echo late >> "{out}") &\nsleep 30\n')
    with_steps(world, {"exec": {"argv": [slow]}, "timeout": "500ms"})
    run(world)
    step = ended(world, "failed", "interrupted")["steps"][0]
    assert step["state"] in ("failed", "unknown")
    settled(lambda: out.exists(), quiet=3.5)
    assert not out.exists()


def test_retries_repeat_an_idempotent_step_until_it_works(world):
    count = world.folder / "count"
    flaky = script(world, "flaky", f'echo x >> "{count}"\n[ "$(wc -l < "{count}")" -ge 3 ]\n')
    with_steps(world, {"exec": {"argv": [flaky]}, "retries": 5, "idempotent": True})
    run(world)
    ended(world, "succeeded")
    assert count.read_text() == "x\n" * 3


def test_an_http_request_whose_answer_never_came_is_unknown_and_a_person_decides(world):
    with_steps(world, {"http": {"method": "POST", "url": "{{ url }}/purge"}, "timeout": "3s"})
    world.app.mode = "hang"
    run(world)
    assert ended(world, "interrupted")["steps"][0]["state"] == "unknown"
    assert len([r for r in world.app.requests if r.startswith("POST")]) == 1


def test_a_stop_gives_a_waiting_http_step_up_and_it_is_never_sent_again(world):
    with_steps(world, {"http": {"method": "POST", "url": "{{ url }}/purge"}, "timeout": "10m"})
    world.app.mode = "hang"
    run(world)
    sent = lambda: [r for r in world.app.requests if r.startswith("POST")]     # noqa: E731
    wait_for(sent)
    assert world.daemon.stop(timeout=15) == 0     # the unit allows 30 s
    world.app.mode = "ok"
    world.daemon.start()
    step = ended(world, "interrupted")["steps"][0]
    assert step["state"] == "unknown"
    assert len(settled(sent)) == 1


def test_an_http_step_expects_what_it_is_told(world):
    with_steps(world, {"http": {"method": "POST", "url": "{{ url }}/purge", "expect": {"status": 200}}})
    run(world)
    ended(world, "succeeded")
    assert "POST /purge HTTP/1.1" in world.app.requests


def test_output_is_kept_bounded_and_without_secrets(world):
    secret = "tok-4f9d2c7e8b1a"
    noisy = script(world, "noisy", f'echo "using {secret}"; head -c 3000000 /dev/zero | tr "\\0" y; echo; echo the end\n')
    world.daemon.environment = {"SHOP_TOKEN": secret}
    with_steps(world, {"exec": {"argv": [noisy, "${SHOP_TOKEN}"]}})
    run(world)
    ended(world, "succeeded")
    incident = world.incidents()[0]["id"]
    everything = world.api().get(f"/v1/incidents/{incident}").body + world.daemon.log.read_bytes()
    everything += world.api().get("/v1/journal?limit=500").body + (world.folder / "rollbackd.db").read_bytes()
    assert secret.encode() not in everything
    assert (world.folder / "rollbackd.db").stat().st_size < 2_000_000


def test_what_a_step_wrote_is_private_and_gone_once_its_outcome_is_recorded(world):
    secret, gate = "tok-5a0e3d8f9c2b", world.folder / "gate"
    noisy = script(world, "noisy", f'echo "using {secret}"\n')
    wait = script(world, "wait", f'echo "still using {secret}"\nwhile [ ! -e "{gate}" ]; do sleep 0.05; done\n')
    with_steps(world, {"exec": {"argv": [noisy]}}, {"exec": {"argv": [wait]}})
    run(world)
    folder = world.folder / "rollbackd.db.runs"
    wait_for(lambda: [path for path in folder.glob("*.2.*/exec/child")], what="the second step")
    wait_for(lambda: not list(folder.glob("*.1.*")), what="what the first step wrote to be gone")
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, f"others may use {path}"
    gate.touch()
    ended(world, "succeeded")
    assert wait_for(lambda: not list(folder.glob("*.*.*")) or None) is True


def test_evidence_is_kept_with_its_hash_for_operators_only(world):
    log = world.folder / "shop.log"
    log.write_text("ERROR out of cheese\n")
    with_steps(world, {"capture_evidence": {"commands": [["/bin/echo", "container is up"]], "files": [str(log)]}})
    run(world)
    ended(world, "succeeded")
    path = f"/v1/incidents/{world.incidents()[0]['id']}/evidence"
    assert world.api("read").get(path).status == 403
    text = world.api("operate").get(path).text
    assert "out of cheese" in text and "container is up" in text
    assert all(len(item["sha256"]) == 64 for item in json.loads(text)["items"])


def test_a_line_of_a_file_is_replaced_and_everything_else_stays(world):
    conf = world.folder / "app.conf"
    conf.write_bytes(b"# head\r\nworkers 4\nlisten 80\n\n\ttail")
    conf.chmod(0o640)
    with_steps(world, {"file_edit": {"file": str(conf), "line": "workers 4", "value": "workers 1"}})
    run(world)
    ended(world, "succeeded")
    assert conf.read_bytes() == b"# head\r\nworkers 1\nlisten 80\n\n\ttail"
    assert conf.stat().st_mode & 0o777 == 0o640


def test_a_dirty_work_tree_is_refused_and_untouched(world):
    world.start()
    world.two_releases()
    (world.repository.path / "release").write_text("edited by hand\n")
    answer = world.api("operate").post("/v1/services/shop/playbooks/code-rollback/runs", {"reason": "x"})
    if answer.status == 201:
        ended(world, "failed")
    assert (world.repository.path / "release").read_text() == "edited by hand\n"


def test_a_manual_step_waits_for_a_person_and_records_who(world):
    with_steps(world, {"manual": {"say": "rotate the keys in the console", "deadline": "1h"}},
               {"exec": {"argv": ["/usr/bin/touch", str(world.folder / "after")]}})
    run(world)
    incident = world.opened()["id"]
    wait_for(lambda: "rotate the keys" in json.dumps(world.sink.messages), what="the instruction to be told")
    assert not (world.folder / "after").exists()
    done = world.ctl("confirm", incident, "1", role="operate")
    assert done.returncode == 0, done.stderr
    assert ended(world, "succeeded")["steps"][0]["state"] == "done"
    assert (world.folder / "after").exists()
    assert "test-operate" in json.dumps(world.api().read(f"/v1/incidents/{incident}"))


def test_a_duty_stays_on_the_incident_until_it_is_done_or_does_not_apply(world):
    with_steps(world, {"exec": {"argv": ["/bin/true"]}}, duties=[
        {"name": "authority", "text": "tell the authority", "deadline": "72h"},
        {"name": "customers", "text": "tell the customers", "deadline": "24h"}])
    run(world)
    ended(world, "succeeded")
    incident = world.incidents()[0]["id"]
    assert [duty["state"] for duty in world.incident(incident)["duties"]] == ["open", "open"]
    path = f"/v1/incidents/{incident}/duties"
    operate = world.api("operate")
    operate.must(200, f"{path}/1/confirm", {"outcome": "done"})
    assert operate.post(f"{path}/2/confirm", {"outcome": "does_not_apply"}).status == 422, "a reason is needed"
    operate.must(200, f"{path}/2/confirm", {"outcome": "does_not_apply", "reason": "no personal data"})
    states = wait_for(lambda: [duty["state"] for duty in world.incident(incident)["duties"]])
    assert states[0] == "done" and states[1].replace("_", "-") == "does-not-apply"


def test_a_rollback_never_starts_while_a_manual_run_holds_the_service(world):
    gate = world.folder / "gate"
    wait = script(world, "wait", f'while [ ! -e "{gate}" ]; do sleep 0.05; done\n')
    world.shop["playbooks"]["by-hand"] = {"undoes": "nothing", "data_loss": "none", "verify": OK,
                                          "steps": [{"exec": {"argv": [wait]}}]}
    world.start()
    world.two_releases()
    world.app.mode = "ok"
    world.deploy("v2")
    run(world)
    world.app.mode = None
    wait_for(lambda: world.trigger("down")["verdict"] == "true")
    assert settled(lambda: world.repository.head, quiet=1.5) == world.repository.versions["v2"]
    gate.touch()
    wait_for(lambda: world.repository.head == world.repository.versions["v1"], timeout=30, what="the rollback")


def test_the_same_playbook_never_runs_twice_in_an_incident(world):
    world.start()
    world.two_releases()
    world.app.mode = "fail"
    world.deploy("v2")
    incident = world.until(world.opened("down")["id"], "frozen", timeout=40)
    assert playbooks(incident) == ["code-rollback"]


@pytest.mark.parametrize("days, fires", [(10, True), (90, False)])
def test_a_certificate_with_few_days_left_alerts_and_nothing_more(world, days, fires):
    cert, key = world.folder / "cert.pem", world.folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", str(days), "-subj", "/CN=shop.example.com", "-addext",
                    "subjectAltName=DNS:shop.example.com", "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as peer:
                    peer.recv(1)
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    world.shop["signals"]["cert"] = {"tls": {
        "address": f"127.0.0.1:{listener.getsockname()[1]}", "server_name": "shop.example.com",
        "ca": str(cert)}, "every": "300ms", "timeout": "5s"}
    world.triggers(soon={"when": "days_left(cert) < 30", "severity": "P2", "response": "alert"})
    world.start()
    wait_for(lambda: world.trigger("soon")["verdict"] == ("true" if fires else "false"))
    assert days - 1.1 < world.trigger("soon")["count"] <= days
    assert len(settled(world.incidents)) == (1 if fires else 0)
    listener.close()
