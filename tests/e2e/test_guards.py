"""When rollbackd may not undo a release by itself (A6): the letter, and what it does instead."""

import pytest
from harness import settled, wait_for
from harness.policy import database, down, failing_payments
from harness.world import guards, playbooks


@pytest.fixture
def payments(world):
    """[code-rollback, payments-off] on four failing payments; both releases look healthy."""
    world.triggers(payments=failing_payments())
    world.repository.release("v2")
    return world


def good_then_deployed(world, **facts) -> None:
    world.deploy("v1", known_good=True)
    world.healthy_first()
    world.push("payments", {"ok": True})
    world.deploy("v2", **facts)


def fail(world) -> None:
    world.push("payments", *[{"ok": False, "reason": "declined"}] * 4)


def passed_over(world, guard: str, letter: str) -> dict:
    """code-rollback was passed over with its letter, payments-off ran, the release stands."""
    incident = world.opened("payments")
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text(), what="payments-off to run")
    incident = world.incident(incident["id"])
    assert guards(incident).get(guard) == letter, incident["refusals"]
    assert playbooks(incident) == ["payments-off"]
    return incident


def held(world, guard: str, letter: str | None, trigger: str = "payments") -> dict:
    """The whole ladder is held: people are told and nothing runs."""
    incident = world.opened(trigger)

    def refused() -> dict:
        whole = world.incident(incident["id"])
        assert guard in guards(whole), whole["refusals"]
        return whole

    incident = wait_for(refused, what=f"the guard {guard}")
    if letter:
        assert guards(incident)[guard] == letter
    assert settled(lambda: [r["state"] for r in world.incident(incident["id"])["runs"]
                            if r["state"] != "waiting"]) == []
    assert "PAYMENTS=on" in world.env_file.read_text()
    wait_for(lambda: world.sink.events(incident["id"]), what="people to be told")
    return incident


def test_without_a_deployment_the_release_stays_and_the_ladder_goes_on_with_letter_a(payments):
    payments.start()
    payments.deploy("v1", known_good=True)
    payments.healthy_first()
    payments.push("payments", {"ok": True})
    fail(payments)
    passed_over(payments, "no_deployment", "a")
    assert payments.repository.head == payments.repository.versions["v1"]


def test_a_deployment_before_the_watch_window_is_not_blamed(payments):
    payments.shop.update(watch_window="1s", bake="1s")
    payments.start()
    good_then_deployed(payments)
    wait_for(lambda: payments.standing(payments.repository.versions["v2"]) != "baking", what="its bake to end")
    fail(payments)
    passed_over(payments, "no_deployment", "a")


def test_a_signal_that_was_never_good_before_does_not_blame_the_deployment_letter_b(payments):
    payments.start()
    payments.deploy("v1", known_good=True)
    payments.healthy_first()
    payments.push("payments", {"ok": False}, {"ok": False})
    payments.deploy("v2")
    fail(payments)
    passed_over(payments, "bad_before", "b")
    assert payments.repository.head == payments.repository.versions["v2"]


def test_failures_before_the_deployment_never_count_in_the_streak_that_blames_it(payments):
    payments.start()
    payments.deploy("v1", known_good=True)
    payments.healthy_first()
    payments.push("payments", {"ok": True}, *[{"ok": False}] * 3)
    wait_for(lambda: payments.trigger("payments")["count"] == 3)
    payments.deploy("v2")
    payments.push("payments", {"ok": False})
    passed_over(payments, "bad_before", "b")


def test_without_a_known_good_version_the_refusal_is_d_and_names_the_command(payments):
    payments.start()
    payments.healthy_first()
    payments.push("payments", {"ok": True})
    payments.deploy("v2")
    fail(payments)
    incident = passed_over(payments, "no_target", "d")
    text = next(r["text"] for r in incident["refusals"] if r["guard"] == "no_target")
    assert "rollbackctl deploy" in text and "--known-good" in text


def test_a_known_good_version_that_is_not_in_the_repository_is_no_target(payments):
    payments.start()
    payments.record("0" * 40, known_good=True)
    payments.healthy_first()
    payments.push("payments", {"ok": True})
    payments.deploy("v2")
    fail(payments)
    passed_over(payments, "no_target", "d")


def test_a_superseded_version_is_never_a_target(payments):
    payments.start()
    payments.healthy_first()
    payments.deploy("v1")       # bakes, and is overtaken
    payments.push("payments", {"ok": True})
    payments.deploy("v2")
    assert payments.standing(payments.repository.versions["v1"]) == "superseded"
    fail(payments)
    passed_over(payments, "no_target", "d")


def test_a_release_that_stays_good_while_it_bakes_becomes_known_good(payments):
    payments.shop.update(watch_window="1s", bake="1s")
    payments.start()
    payments.push("payments", {"ok": True})
    payments.deploy("v1")
    payments.traffic("payments")
    wait_for(lambda: payments.standing(payments.repository.versions["v1"]) == "known-good")


def test_an_incompatible_schema_keeps_the_release_with_letter_e(payments):
    payments.start()
    good_then_deployed(payments, schema_compatible=False)
    fail(payments)
    passed_over(payments, "schema_moved", "e")


@pytest.mark.parametrize("every", ["200ms", "30s"])
def test_a_failing_dependency_holds_the_whole_ladder_with_letter_c(payments, every):
    """Also when it dies in the same second and its own probe is slow: it is asked afresh."""
    payments.policy["services"]["database"] = database(payments, every)
    payments.shop["depends_on"] = ["database"]
    payments.start()
    wait_for(lambda: payments.signal("port", "database")["last_at"])
    good_then_deployed(payments)
    payments.database.down()
    fail(payments)
    held(payments, "dependency_failing", "c")
    assert payments.repository.head == payments.repository.versions["v2"]


def test_when_all_references_fail_too_we_are_blind_and_touch_nothing(world):
    world.start()
    world.two_releases()
    world.reference.down()
    world.deploy("v2")
    incident = held(world, "blind", None, trigger="down")
    wait_for(lambda: "blind" in world.sink.texts().lower(), what="an alert that says blind")
    assert playbooks(incident) == []
    assert world.repository.head == world.repository.versions["v2"]


def test_after_blindness_ends_a_trigger_still_true_is_judged_again(world):
    world.start()
    world.two_releases()
    world.reference.down()
    world.deploy("v2")
    incident = held(world, "blind", None, trigger="down")
    world.reference.up()
    world.until(incident["id"], "resolved", timeout=60)
    assert world.repository.head == world.repository.versions["v1"]


def test_blindness_that_ends_after_a_restart_is_noticed_too(world):
    world.start()
    world.two_releases()
    world.reference.down()
    world.deploy("v2")
    incident = held(world, "blind", None, trigger="down")
    world.daemon.restart()
    world.reference.up()
    world.until(incident["id"], "resolved", timeout=60)
    assert world.repository.head == world.repository.versions["v1"]


def test_a_pause_holds_and_a_resume_judges_again(payments):
    payments.start()
    good_then_deployed(payments)
    assert payments.ctl("pause", "shop", role="operate").returncode == 0
    fail(payments)
    incident = held(payments, "paused", "f")
    assert payments.ctl("resume", "shop", role="operate").returncode == 0
    payments.push("payments", {"ok": False})
    wait_for(lambda: "code-rollback" in playbooks(payments.incident(incident["id"])))


def test_a_silence_gates_actions_and_messages_and_its_end_tells_what_is_still_broken(payments):
    payments.start()
    good_then_deployed(payments)
    silence = payments.ctl("silence", "shop", "--for", "8s", "--reason", "maintenance", role="operate")
    assert silence.returncode == 0, silence.stderr
    fail(payments)
    incident = payments.opened("payments")
    wait_for(lambda: guards(payments.incident(incident["id"])).get("silenced") == "f")
    assert payments.sink.events(incident["id"]) == []
    assert playbooks(payments.incident(incident["id"])) == []
    wait_for(lambda: payments.sink.events(incident["id"]), what="the end of the silence to tell")


def test_observe_records_the_decision_and_runs_nothing(payments):
    payments.shop["autonomy"] = "observe"
    payments.start()
    good_then_deployed(payments)
    fail(payments)
    held(payments, "autonomy", "f")


def test_autonomy_is_observe_where_nothing_says_otherwise(payments):
    del payments.policy["daemon"]["autonomy"]
    payments.start()
    assert payments.api("read").read("/v1/status")["autonomy"] == "observe"
    good_then_deployed(payments)
    fail(payments)
    held(payments, "autonomy", "f")


def test_limits_stop_automatic_runs_and_say_so(payments):
    payments.policy["daemon"]["limits"].update(runs_per_hour=1)
    payments.triggers(payments=failing_payments(response=["payments-off"]), down=down(response=["code-rollback"]))
    payments.start()
    good_then_deployed(payments)
    traffic = payments.traffic("payments", by=lambda: "PAYMENTS=off" in payments.env_file.read_text())
    first = payments.opened("payments")
    payments.until(first["id"], "resolved")
    traffic.end()
    payments.env_file.write_text("PAYMENTS=on\n")
    fail(payments)
    second = wait_for(lambda: next(w for w in (payments.incident(i["id"]) for i in payments.incidents())
                                   if w["id"] != first["id"] and w["refusals"]))
    assert set(guards(second)) & {"limit", "cooldown"}, second["refusals"]
    assert not any(run["started_at"] for run in second["runs"])  # held and proposed: people decide


def test_blame_any_waives_the_deployment_the_past_and_the_dependencies(payments):
    payments.policy["services"]["database"] = database(payments)
    payments.shop["depends_on"] = ["database"]
    payments.triggers(payments=failing_payments(response=["payments-off"], blame="any"))
    payments.start()
    payments.healthy_first()
    payments.database.down()
    fail(payments)
    wait_for(lambda: "PAYMENTS=off" in payments.env_file.read_text())


def test_an_alert_only_trigger_has_an_incident_of_its_own_and_delays_nothing(world):
    world.triggers(down=down(), warning={"when": "failed(health)", "severity": "P2", "response": "alert"})
    world.start()
    world.two_releases()
    world.deploy("v2")
    warning, acting = world.opened("warning"), world.opened("down")
    assert warning["id"] != acting["id"]
    world.until(acting["id"], "resolved")
    world.until(warning["id"], "resolved")
    assert playbooks(world.incident(warning["id"])) == []


def test_a_persons_run_starts_no_cooldown(payments):
    payments.policy["daemon"]["limits"].update(cooldown="10m")
    payments.triggers(payments=failing_payments(response=["payments-off"], blame="any"))
    payments.start()
    payments.healthy_first()
    payments.api("operate").must(201, "/v1/services/shop/playbooks/payments-off/runs", {"reason": "x"})
    wait_for(lambda: [i["state"] for i in payments.incidents()] == ["resolved"])
    payments.env_file.write_text("PAYMENTS=on\n")
    fail(payments)
    wait_for(lambda: "PAYMENTS=off" in payments.env_file.read_text(), what="the automatic run")


def test_a_more_severe_trigger_does_not_wait_behind_a_plan_for_a_lesser_one(world):
    world.triggers(payments=failing_payments(severity="P1", response=["payments-off"], approval=True), down=down())
    world.start()
    world.two_releases()
    fail(world)
    id_ = world.opened("payments")["id"]
    world.until(id_, "waiting")
    world.deploy("v2")
    wait_for(lambda: world.repository.head == world.repository.versions["v1"], timeout=30, what="the rollback")
    assert "code-rollback" in playbooks(world.incident(id_))


def test_good_requests_that_follow_at_once_do_not_acquit_a_release(payments):
    payments.shop["signals"]["requests"] = {"push": {"kind": "outcomes"}}
    payments.triggers(errors={"when": "failure_ratio(requests, 5m) > 1%", "min_count": 100, "severity": "P0",
                              "response": ["code-rollback"]})
    payments.start()
    payments.deploy("v1", known_good=True)
    payments.healthy_first()
    payments.push("requests", {"success": 900, "failure": 0})
    payments.deploy("v2")
    payments.push("requests", {"success": 80, "failure": 10}, {"success": 100, "failure": 0})
    wait_for(lambda: payments.repository.head == payments.repository.versions["v1"], what="the rollback")


def test_a_step_that_may_not_be_needed_holds_no_rollback_though_it_could_not_run(payments):
    """A fallback is for where the usual means are missing, and its own are missing where they are not."""
    rollback = payments.shop["playbooks"]["code-rollback"]
    rollback["steps"] += [{"file_restore": {"file": str(payments.env_file), "from": "/nowhere/shop.env"},
                           "when": "failed(health)", "name": "fallback"}]
    payments.start()
    good_then_deployed(payments)
    fail(payments)
    incident = payments.opened("payments")

    def skipped() -> bool:
        runs = payments.incident(incident["id"])["runs"]
        return bool(runs) and [step["state"] for step in runs[0]["steps"]] == ["done", "skipped"]

    wait_for(skipped, what="the rollback to run without its fallback")
    assert playbooks(payments.incident(incident["id"])) == ["code-rollback"]
