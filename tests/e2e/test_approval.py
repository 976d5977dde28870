"""Plans that wait for a person: one plan, one answer, judged again when it is given."""

import pytest
from harness import settled, wait_for
from harness.policy import failing_payments, payments_off
from harness.world import guards, playbooks

PLAYBOOK_RUNS = "/v1/services/shop/playbooks/payments-off/runs"


@pytest.fixture
def waiting(world):
    """An incident whose plan waits: the trigger is only advised to act."""
    world.triggers(payments=failing_payments(response=["code-rollback"], autonomy="advise"))
    world.start()
    world.two_releases(bad="ok")
    world.push("payments", {"ok": True})
    world.deploy("v2")
    world.push("payments", *[{"ok": False}] * 4)
    world.waiting = world.until(world.opened("payments")["id"], "waiting")
    return world


def plan_of(incident: dict) -> str:
    return incident["runs"][-1]["plan"] if isinstance(incident["runs"][-1]["plan"], str) \
        else incident["runs"][-1]["plan"]["hash"]


def test_an_advised_plan_waits_for_a_person_and_says_how_to_approve_it(waiting):
    incident = waiting.waiting
    assert incident["runs"][0]["state"] == "waiting"
    assert waiting.repository.head == waiting.repository.versions["v2"]
    wait_for(lambda: "incident.waiting" in waiting.sink.events(incident["id"]))
    message = next(m for m in waiting.sink.messages if m["event"] == "incident.waiting")
    assert f"rollbackctl approve {incident['id']}" in message["command"]


def test_an_approved_plan_runs_and_a_second_approval_answers_the_same_run(waiting):
    id_, plan = waiting.waiting["id"], {"plan": plan_of(waiting.waiting)}
    first = waiting.api("approve").must(200, f"/v1/incidents/{id_}/approve", plan)
    second = waiting.api("approve").must(200, f"/v1/incidents/{id_}/approve", plan)
    assert first["id"] == second["id"]
    waiting.traffic("payments", by=lambda: True)
    incident = waiting.until(id_, "resolved")
    assert playbooks(incident) == ["code-rollback"]
    assert waiting.repository.head == waiting.repository.versions["v1"]


def test_an_approval_of_another_plan_is_a_conflict(waiting):
    waiting.api("approve").must(409, f"/v1/incidents/{waiting.waiting['id']}/approve", {"plan": "0" * 64})


def test_a_rejected_plan_is_open_escalated_and_cannot_be_approved_any_more(waiting):
    id_, plan = waiting.waiting["id"], {"plan": plan_of(waiting.waiting)}
    waiting.api("approve").must(200, f"/v1/incidents/{id_}/reject", plan)
    waiting.until(id_, "open")
    waiting.api("approve").must(409, f"/v1/incidents/{id_}/approve", plan)
    assert settled(lambda: waiting.repository.head) == waiting.repository.versions["v2"]


def test_approval_is_not_for_operators_and_operation_not_for_approvers(waiting):
    id_, plan = waiting.waiting["id"], {"plan": plan_of(waiting.waiting)}
    waiting.api("operate").must(403, f"/v1/incidents/{id_}/approve", plan)
    waiting.api("read").must(403, f"/v1/incidents/{id_}/reject", plan)
    waiting.api("approve").must(403, PLAYBOOK_RUNS, {"reason": "x"})


def test_at_the_approval_the_trigger_must_still_be_true_else_the_run_is_void(waiting):
    id_, plan = waiting.waiting["id"], {"plan": plan_of(waiting.waiting)}
    waiting.push("payments", {"ok": True})
    answer = waiting.api("approve").post(f"/v1/incidents/{id_}/approve", plan)
    assert answer.status in (200, 409), answer.text
    assert settled(lambda: waiting.repository.head) == waiting.repository.versions["v2"]
    assert waiting.incident(id_)["runs"][0]["state"] != "succeeded"


def test_an_unanswered_plan_is_rejected_and_escalated(world):
    world.policy["daemon"]["limits"]["approval_timeout"] = "1s"
    world.triggers(payments=failing_payments(response=["code-rollback"], approval=True))
    world.start()
    world.two_releases(bad="ok")
    world.push("payments", {"ok": True})
    world.deploy("v2")
    world.push("payments", *[{"ok": False}] * 4)
    id_ = world.opened("payments")["id"]

    def rejected() -> dict:
        whole = world.incident(id_)
        assert whole["runs"] and whole["runs"][0]["state"] == "aborted"
        return whole

    incident = wait_for(rejected, what="the plan to be rejected")
    assert incident["runs"][0]["why"] == "unanswered for 1s: rejected" and incident["state"] == "open"
    assert world.repository.head == world.repository.versions["v2"]
    world.api("approve").must(409, f"/v1/incidents/{id_}/approve", {"plan": plan_of(incident)})


@pytest.mark.parametrize("loss", [{"data_loss": "possible"}, {"undoes": "schema"}, {"undoes": "data"}])
def test_what_may_lose_data_asks_first_whatever_the_policy_says(world, loss):
    evidence = {"capture_evidence": {"commands": [["date"]], "files": []}}
    world.shop["playbooks"]["payments-off"] = payments_off(
        steps=[evidence, *payments_off()["steps"]], **loss)
    world.triggers(payments=failing_payments(response=["payments-off"], blame="any", autonomy="enforce"))
    world.start()
    world.push("payments", *[{"ok": False}] * 4)
    incident = world.opened("payments")
    incident = world.until(incident["id"], "waiting", "open")
    assert settled(lambda: world.env_file.read_text()).count("PAYMENTS=on") == 1
    world.app.mode = "ok"
    answer = world.api("operate").post(PLAYBOOK_RUNS, {"reason": "by hand"})
    assert answer.status in (201, 409), answer.text     # a manual run waits too
    assert settled(lambda: world.env_file.read_text()).count("PAYMENTS=on") == 1


def test_a_persons_run_needs_no_autonomy_and_answers_the_run(world):
    world.shop["autonomy"] = "observe"
    world.start()
    world.healthy_first()
    run = world.api("operate").must(201, PLAYBOOK_RUNS, {"reason": "provider is down", "dry_run": False})
    assert run["playbook"] == "payments-off" and run["reason"] == "provider is down"
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text())


def test_a_dry_run_answers_the_plan_and_changes_nothing(world):
    world.start()
    world.healthy_first()
    plan = world.api("operate").must(200, PLAYBOOK_RUNS, {"reason": "look", "dry_run": True})["plan"]
    assert plan["steps"][0]["type"] == "file_edit"
    assert settled(world.env_file.read_text).count("PAYMENTS=on") == 1
    assert world.incidents() == []


def test_a_pause_binds_a_persons_run_too(world):
    world.start()
    world.api("operate").must(200, "/v1/pause", {})
    answer = world.api("operate").post(PLAYBOOK_RUNS, {"reason": "x"})
    assert answer.status == 409 and "pause" in answer.text, answer.text


def test_propose_prepares_the_plan_and_runs_nothing(world):
    world.triggers(payments=failing_payments(response="propose"))
    world.start()
    world.push("payments", *[{"ok": False}] * 4)
    incident = world.opened("payments")
    assert settled(lambda: [r["state"] for r in world.incident(incident["id"])["runs"]
                            if r["state"] not in ("waiting",)]) == []


def test_a_symptom_a_person_saw_goes_through_the_same_guards(world):
    world.triggers(payments=failing_payments())
    world.start()
    world.healthy_first()
    raised = world.ctl("raise", "shop", "payments", "--reason", "customers call", role="operate")
    assert raised.returncode == 0, raised.stderr
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text())
    incident = world.opened("payments")
    assert guards(incident).get("no_deployment") == "a"
    assert "customers call" in str(world.api().read(f"/v1/incidents/{incident['id']}/explain")) + str(incident)


def test_an_abort_ends_the_steps_whole_process_group(world):
    from harness.policy import gated_step
    step, lines, _ = gated_step(world)
    world.shop["playbooks"]["payments-off"]["steps"].insert(0, step)
    world.start()
    world.healthy_first()
    world.api("operate").must(201, PLAYBOOK_RUNS, {"reason": "x"})
    wait_for(lines.exists)
    incident = world.opened()
    assert world.ctl("abort", incident["id"], role="operate").returncode == 0
    wait_for(lambda: world.incident(incident["id"])["runs"][0]["state"] == "aborted")
    assert "PAYMENTS=on" in world.env_file.read_text()


@pytest.fixture
def half_way(world):
    """A run of two steps: the first is done, the second waits for an approval."""
    step = {**payments_off()["steps"][0], "approval": True, "name": "off"}
    note = {"file_edit": {"file": "{{ env }}", "key": "COLOUR", "value": "red"}}
    world.shop["playbooks"]["payments-off"]["steps"] = [note, step]
    world.triggers(payments=failing_payments(response=["payments-off"], blame="any"))
    world.start()
    world.healthy_first()
    world.push("payments", *[{"ok": False}] * 4)
    world.waiting = world.until(world.opened("payments")["id"], "waiting")
    assert "COLOUR=red" in world.env_file.read_text()
    return world


def test_an_approval_half_way_that_meets_a_pause_is_not_taken_and_can_be_given_again(half_way):
    id_, plan = half_way.waiting["id"], {"plan": plan_of(half_way.waiting)}
    half_way.api("operate").must(200, "/v1/pause", {"service": "shop"})
    answer = half_way.api("approve").post(f"/v1/incidents/{id_}/approve", plan)
    assert answer.status == 409 and "paused" in answer.text, answer.text
    assert half_way.incident(id_)["state"] == "waiting"
    half_way.api("operate").must(200, "/v1/resume", {"service": "shop"})
    run = half_way.api("approve").must(200, f"/v1/incidents/{id_}/approve", plan)
    assert run["state"] in ("running", "verifying")
    wait_for(lambda: "PAYMENTS=off" in half_way.env_file.read_text())


def test_a_step_that_is_rejected_ends_the_run_and_leaves_the_rest_to_people(half_way):
    id_, plan = half_way.waiting["id"], {"plan": plan_of(half_way.waiting)}
    half_way.api("approve").must(200, f"/v1/incidents/{id_}/reject", plan)
    incident = half_way.until(id_, "frozen")
    assert incident["runs"][0]["state"] == "aborted" and incident["escalated"]
    assert incident["runs"][0]["why"] == "rejected by test-approve"
    half_way.api("approve").must(409, f"/v1/incidents/{id_}/approve", plan)
    assert settled(half_way.env_file.read_text).count("PAYMENTS=on") == 1


def test_a_persons_run_that_nothing_proves_is_not_called_verified(world):
    del world.shop["playbooks"]["payments-off"]["verify"]
    world.start()
    world.healthy_first()
    world.api("operate").must(201, PLAYBOOK_RUNS, {"reason": "provider is down"})
    incident = world.until(world.opened()["id"], "unverified")
    assert incident["runs"][0]["state"] == "succeeded"
    assert "verified it" not in incident["did"] and incident["command"].startswith("rollbackctl resolve")
    wait_for(lambda: "incident.unverified" in world.sink.events(incident["id"]))
    assert "incident.verified" not in world.sink.events(incident["id"])
    world.api("operate").must(200, f"/v1/incidents/{incident['id']}/resolve", {"reason": "looked"})
    world.until(incident["id"], "resolved")


def test_an_abort_is_told_with_the_name_of_who_asked(half_way):
    id_ = half_way.waiting["id"]
    half_way.api("operate").must(200, f"/v1/incidents/{id_}/abort")
    incident = half_way.until(id_, "frozen")
    assert incident["runs"][0]["why"] == "aborted by test-operate"
    wait_for(lambda: "incident.frozen" in half_way.sink.events(id_))
    assert "aborted by test-operate" in half_way.sink.texts()
