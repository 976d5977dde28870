"""A policy is checked whole before it counts, and a bad one changes nothing."""

import json
import re
import subprocess

from harness import BINARIES, wait_for
from harness.policy import down, gated_step

FIVE_MISTAKES = """\
version: 1
daemon:
  listen: [127.0.0.1:8620]
  store: sqlite:/var/lib/rollbackd/rollbackd.db
  autonomi: enforce
services:
  shop:
    watch_window: thirty
    signals:
      health: { http: { url: "http://127.0.0.1:3000/health" }, every: 5s }
      health: { tcp: { address: "127.0.0.1:1" } }
    triggers:
      down: { when: consecutive_failures(helth) >= 3, severity: P2, response: alert }
      broken: { when: ok(health), severity: P9, response: alert }
"""
MISTAKES = {5: "autonomy", 8: "watch_window", 11: "health", 13: "health", 14: "P9"}


def check(world, text: str, program: str = "rollbackctl"):
    path = world.folder / "policy.yaml"
    path.write_text(text)
    argv = {"rollbackctl": ["check", str(path)], "rollbackd": ["--config", str(path), "--check"]}[program]
    return subprocess.run([str(BINARIES / program), *argv], capture_output=True, text=True, timeout=120), path


def problems(output: str, path) -> dict[int, str]:
    found = {}
    for match in re.finditer(rf"^{re.escape(str(path))}:(\d+):(\d+): error: (.+)$", output, re.M):
        found[int(match.group(1))] = match.group(3)
    return found


def test_five_mistakes_are_reported_at_once_with_their_place_and_the_nearest_name(world):
    for program in ("rollbackctl", "rollbackd"):
        done, path = check(world, FIVE_MISTAKES, program)
        assert done.returncode != 0
        found = problems(done.stdout + done.stderr, path)
        assert set(MISTAKES) <= set(found), done.stdout + done.stderr
        for line, word in MISTAKES.items():
            assert word in found[line], found[line]


def test_a_good_policy_passes(world):
    done, _ = check(world, json.dumps(world.policy))
    assert done.returncode == 0, done.stdout + done.stderr
    done, _ = check(world, json.dumps(world.policy), "rollbackd")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_that_is_no_yaml_has_a_place_too(world):
    done, path = check(world, "version: 1\nservices: [unclosed\n")
    assert done.returncode != 0
    assert f"{path}:" in done.stdout + done.stderr


def test_types_of_later_versions_are_an_error_that_says_so(world):
    world.shop["signals"]["alerts"] = {"nonsense": {}}
    done, _ = check(world, json.dumps(world.policy, indent=1))
    assert done.returncode != 0 and "nonsense" in done.stdout + done.stderr


def reload_answer(world):
    world.write_policy()
    return world.api("admin").post("/v1/config/reload")


def test_a_reload_takes_a_good_file_as_a_whole(world):
    world.start()
    world.triggers(slow={"when": "failed(health)", "severity": "P2", "response": "alert"})
    assert reload_answer(world).status == 200
    assert [t["name"] for t in world.api().read("/v1/services/shop")["triggers"]] == ["slow"]


def test_a_reload_of_a_bad_file_changes_nothing_and_is_told(world):
    world.start()
    before = world.api().read("/v1/services/shop")["triggers"][0]["name"]
    world.triggers(slow={"when": "failed(helth)", "severity": "P2", "response": "alert"})
    answer = reload_answer(world)
    assert answer.status == 422, answer.text
    assert "helth" in answer.text and "rollbackd.yaml:" in answer.text
    assert [t["name"] for t in world.api().read("/v1/services/shop")["triggers"]] == [before]


def test_sighup_with_a_bad_file_keeps_the_old_policy_and_the_status_says_so(world):
    world.start()
    world.triggers(slow={"when": "failed(helth)", "severity": "P2", "response": "alert"})
    world.write_policy()
    world.daemon.reload()
    wait_for(lambda: "helth" in json.dumps(world.api().read("/v1/status")), what="the status to tell")
    assert [t["name"] for t in world.api().read("/v1/services/shop")["triggers"]] == ["down"]
    world.triggers(other=down())
    world.write_policy()
    world.daemon.reload()
    wait_for(lambda: world.api().read("/v1/services/shop")["triggers"][0]["name"] == "other")
    wait_for(lambda: "helth" not in json.dumps(world.api().read("/v1/status")))


def test_a_reload_keeps_the_windows_of_unchanged_signals(world):
    trigger = {"when": "consecutive_failures(payments) > 3", "severity": "P2", "response": "alert"}
    world.triggers(payments=trigger)
    world.start()
    world.push("payments", *[{"ok": False}] * 3)
    wait_for(lambda: world.trigger("payments")["count"] == 3)
    world.shop["vars"]["unused"] = "x"
    assert reload_answer(world).status == 200
    world.push("payments", {"ok": False})
    world.opened("payments")


def test_what_a_reload_cannot_change_is_named_until_a_restart_brings_it(world):
    world.start()
    world.policy["daemon"]["listen"].append(f"unix:{world.folder}/api.sock")
    answer = reload_answer(world)
    assert answer.status == 200 and "daemon.listen" in answer.json["note"], answer.text
    assert "store" not in answer.json["note"]
    # The next reload changes nothing more, and what runs still differs from what is written.
    world.shop["vars"]["unused"] = "x"
    answer = reload_answer(world)
    assert answer.status == 200 and "daemon.listen" in answer.json["note"], answer.text
    assert "daemon.listen" in world.api().read("/v1/status")["config_note"]
    assert world.api().read("/v1/status")["config_problem"] == ""
    assert "daemon.listen" in world.daemon.log.read_text()
    assert "restart" in world.ctl("status").stdout
    del world.policy["daemon"]["listen"][1:]
    answer = reload_answer(world)
    assert answer.status == 200 and answer.json["note"] == "", answer.text


def test_a_run_keeps_the_playbook_it_started_with(world):
    step, lines, gate = gated_step(world)
    wrong = world.folder / "wrong"
    playbook = world.shop["playbooks"]["code-rollback"]
    playbook["steps"].insert(0, step)
    world.start()
    world.two_releases()
    world.deploy("v2")
    wait_for(lines.exists, what="the step to run")
    incident = world.opened("down")["id"]
    playbook["steps"] = [step, {"exec": {"argv": ["touch", str(wrong)]}}]
    assert reload_answer(world).status == 200
    gate.touch()
    incident = world.until(incident, "resolved", timeout=30)
    assert lines.read_text() == "ran\n"
    assert not wrong.exists(), "the run took a step of the new playbook"
    assert world.repository.head == world.repository.versions["v1"]
    assert [step["type"] for step in incident["runs"][0]["steps"]] == ["exec", "git_checkout"]


def test_ten_thousand_pushes_during_reloads_are_all_counted(world):
    world.triggers(errors={"when": "failures(payments, 5m) > 5000", "severity": "P2", "response": "alert"})
    world.start()
    path = "/v1/services/shop/signals/payments"
    headers = {"Content-Type": "application/x-ndjson"}
    body = b'{"ok":false}\n' * 100
    for batch in range(100):
        if batch % 10 == 5:
            world.daemon.reload()
        answer = world.api("ingest").request("POST", path, body, headers)
        while answer.status in (429, 503):
            answer = world.api("ingest").request("POST", path, body, headers)
        assert answer.status == 202, answer.text
    wait_for(lambda: world.trigger("errors")["count"] == 10_000, what="every failure to be counted")


def test_an_address_that_others_can_reach_needs_tls(world):
    world.policy["daemon"]["listen"] = ["0.0.0.0:8620"]
    done, _ = check(world, json.dumps(world.policy))
    assert done.returncode != 0 and "tls" in done.stdout + done.stderr


def test_a_trigger_that_can_be_true_by_absence_may_not_act(world):
    world.triggers(silent={"when": "absent(payments, 5m)", "severity": "P0", "response": ["payments-off"]})
    done, _ = check(world, json.dumps(world.policy))
    assert done.returncode != 0 and "absen" in done.stdout + done.stderr


def test_a_ladder_that_loops_and_a_missing_playbook_are_errors(world):
    world.triggers(down=down(response=["code-rollback", "code-rolback"]))
    done, _ = check(world, json.dumps(world.policy))
    assert done.returncode != 0 and "code-rollback" in done.stdout + done.stderr
    world.triggers(down=down(response=["code-rollback"]))
    world.shop["playbooks"]["code-rollback"]["on_failure"] = ["code-rollback"]
    done, _ = check(world, json.dumps(world.policy))
    assert done.returncode != 0


def test_a_p0_without_a_channel_is_a_mistake(world):
    del world.policy["notify"]
    done, _ = check(world, json.dumps(world.policy))
    assert "P0" in done.stdout + done.stderr


def test_the_shipped_example_passes_its_check(world):
    from harness.daemon import ROOT
    done = subprocess.run([str(BINARIES / "rollbackctl"), "check", str(ROOT / "config/examples/shop.yaml")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
