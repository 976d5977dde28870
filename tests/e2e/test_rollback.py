"""The main job: a bad release is noticed, rolled back once, verified, quarantined and told."""

import json
import re
from datetime import datetime, timezone

from harness import settled, wait_for
from harness.policy import down, failing_payments
from harness.world import guards, names, playbooks


def rolled_back(world) -> dict:
    """v2 fails its health check right after its deployment; answers the incident once it is over."""
    world.two_releases()
    world.deploy("v2")
    incident = world.opened("down")
    return world.until(incident["id"], "resolved")


def test_a_bad_release_is_rolled_back_to_the_known_good_one_and_verified(world):
    world.start()
    incident = rolled_back(world)
    assert world.repository.head == world.repository.versions["v1"]
    assert world.app.good
    assert playbooks(incident) == ["code-rollback"]
    run = incident["runs"][0]
    assert run["state"] == "succeeded"
    assert run["target"] == world.repository.versions["v1"]
    assert [step["state"] for step in run["steps"]] == ["done"]


def test_people_read_versions_in_short_and_machines_read_them_whole(world):
    world.start()
    incident = rolled_back(world)
    v1, v2 = (world.repository.versions[name] for name in ("v1", "v2"))
    wait_for(lambda: "incident.resolved" in world.sink.events(incident["id"]))
    timeline = world.api().read(f"/v1/incidents/{incident['id']}/timeline")["items"]
    lines = [entry["text"] for entry in timeline]
    lines += [message["text"] for message in world.sink.messages] + [incident["did"], incident["summary"]]
    lines.append(world.ctl("services").stdout)
    assert any(f"to {v1[:12]}" in line for line in lines) and any(v2[:12] in line for line in lines)
    assert not any(v1 in line or v2 in line for line in lines)
    assert incident["runs"][0]["target"] == v1 and incident["blamed"] == v2
    assert v2 in world.ctl("versions", "shop").stdout, "from there it is copied into commands"


def test_an_incident_has_the_documented_shape(world):
    world.start()
    incident = rolled_back(world)
    assert {"id", "service", "state", "severity", "triggers", "opened_at", "acted_at", "resolved_at", "runs",
            "duties", "refusals"} <= set(incident)
    assert {"id", "playbook", "state", "reason", "target", "plan", "steps"} <= set(incident["runs"][0])
    assert {"n", "type", "state", "started_at", "ended_at", "exit"} <= set(incident["runs"][0]["steps"][0])
    assert incident["service"] == "shop" and incident["severity"] == "P0"
    for key in ("opened_at", "acted_at", "resolved_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", incident[key]), incident[key]
    assert incident["opened_at"] <= incident["acted_at"] <= incident["resolved_at"]


def test_the_rolled_back_version_is_bad_and_its_target_current_without_a_new_window(world):
    world.start()
    rolled_back(world)
    assert world.standing(world.repository.versions["v2"]) == "bad"
    assert world.standing(world.repository.versions["v1"]) == "known-good"
    world.app.mode = "fail"     # breaks again, and no deployment is in the window now
    wait_for(lambda: len(world.incidents()) == 2, what="a second incident")
    second = world.opened("down")
    second = wait_for(lambda: next(w for w in map(lambda i: world.incident(i["id"]), world.incidents())
                                   if w["state"] != "resolved" and w["refusals"]))
    assert guards(second).get("no_deployment") == "a"
    assert world.repository.head == world.repository.versions["v1"]


def test_a_quarantined_version_closes_the_gate_is_flagged_and_can_be_released(world):
    world.start()
    rolled_back(world)
    bad, good = world.repository.versions["v2"], world.repository.versions["v1"]
    wait_for(lambda: world.ctl("gate", "shop", good, role="read").returncode == 0)
    assert world.ctl("gate", "shop", bad, role="read").returncode == 1
    assert world.record(bad)["quarantined"] is True
    wait_for(lambda: "quarantined" in world.sink.events(), what="the alert")
    assert world.standing(bad) == "bad"
    released = world.ctl("release", "shop", bad, role="operate")
    assert released.returncode == 0, released.stderr
    assert world.standing(bad) == "baking"
    assert world.ctl("gate", "shop", bad, role="read").returncode == 0


def test_the_gate_is_open_for_a_version_never_seen_and_says_unreachable_apart(world):
    world.start()
    assert world.ctl("gate", "shop", "f" * 40, role="read").returncode == 0
    world.daemon.stop()
    assert world.ctl("gate", "shop", "f" * 40, role="read").returncode == 3


def test_every_change_of_the_incident_is_told_once_to_the_webhook(world):
    world.start()
    incident = rolled_back(world)
    wait_for(lambda: world.sink.events(incident["id"])[-1:] == ["incident.resolved"])
    events = world.sink.events(incident["id"])
    # A state left within a second is merged into the next: how many are told depends on the pace.
    assert "incident.verified" in events
    assert set(events) <= {"incident.opened", "incident.acting", "incident.verifying",
                           "incident.verified", "incident.resolved"}
    assert len(events) == len(set(events)), events
    message = world.sink.messages[0]
    assert {"event", "incident", "text", "command", "at"} <= set(message)
    assert message["incident"]["service"] == "shop"


def test_the_explanation_has_the_arithmetic_the_guards_and_the_samples(world):
    world.start()
    incident = rolled_back(world)
    text = json.dumps(world.api("read").read(f"/v1/incidents/{incident['id']}/explain"))
    assert "3 >= 3" in text
    assert "consecutive_failures(health)" in text
    assert "dependency_failing" in text or "guards" in text


def test_the_report_names_what_broke_what_was_done_and_the_versions(world):
    world.start()
    incident = rolled_back(world)
    report = world.ctl("report", incident["id"], role="read")
    assert report.returncode == 0, report.stderr
    for word in ("shop", "down", "code-rollback", world.repository.versions["v1"][:7],
                 world.repository.versions["v2"][:7]):
        assert word in report.stdout, report.stdout


def test_the_timeline_is_in_order_and_tells_the_whole_story(world):
    world.start()
    incident = rolled_back(world)
    entries = world.api("read").read(f"/v1/incidents/{incident['id']}/timeline")["items"]
    times = [entry["at"] for entry in entries]
    assert len(entries) >= 4 and times == sorted(times)


def test_a_deployment_recorded_after_the_breach_is_judged_again_and_rolled_back(world):
    world.start()
    world.two_releases()
    began = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    version = world.repository.checkout("v2")
    incident = world.opened("down")
    incident = wait_for(lambda: (lambda w: w if w["refusals"] else None)(world.incident(incident["id"])))
    assert guards(incident) == {"no_deployment": "a"}
    assert playbooks(incident) == []
    world.record(version, started_at=began)
    incident = world.until(incident["id"], "resolved")
    assert playbooks(incident) == ["code-rollback"]
    assert world.repository.head == world.repository.versions["v1"]


def test_a_second_breach_during_a_run_joins_the_incident_and_starts_nothing(world):
    from harness.policy import gated_step
    step, lines, gate = gated_step(world)
    world.shop["playbooks"]["code-rollback"]["steps"].append(step)
    world.triggers(down=down(), payments=failing_payments(response=["code-rollback"]))
    world.start()
    world.push("payments", {"ok": True})
    world.two_releases()
    world.deploy("v2")
    wait_for(lines.exists, what="the run to be in its second step")
    world.push("payments", *[{"ok": False}] * 4)
    incident = wait_for(lambda: next(w for w in [world.opened("payments")]
                                     if set(names(w["triggers"])) == {"down", "payments"}))
    assert settled(lambda: (len(world.incidents()), len(world.incident(incident["id"])["runs"]))) == (1, 1)
    world.traffic("payments")
    gate.touch()
    incident = world.until(incident["id"], "resolved")
    assert playbooks(incident) == ["code-rollback"]
    assert lines.read_text() == "ran\n"


def test_a_good_rollback_on_a_quiet_site_never_climbs_the_ladder_for_want_of_traffic(world):
    world.triggers(payments=failing_payments())
    world.shop["signals"]["payments"]["stale_after"] = "5s"
    world.start()
    world.two_releases(bad="ok")
    world.push("payments", {"ok": True})
    world.deploy("v2")
    world.push("payments", *[{"ok": False}] * 4)
    incident = world.opened("payments")
    incident = world.until(incident["id"], "unverified", "resolved")
    assert settled(lambda: playbooks(world.incident(incident["id"]))) == ["code-rollback"]
    assert "PAYMENTS=on" in world.env_file.read_text()
    world.push("payments", *[{"ok": True}] * 3)     # watching goes on until data decides
    world.until(incident["id"], "resolved")


def test_a_release_that_is_still_bad_after_the_rollback_goes_up_the_ladder(world):
    world.triggers(payments=failing_payments())
    world.start()
    world.two_releases(bad="ok")
    world.push("payments", {"ok": True})
    world.deploy("v2")
    broken = {"now": True}
    world.traffic("payments", by=lambda: not broken["now"])
    incident = world.opened("payments")
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text(), what="the second rung")
    broken["now"] = False
    incident = world.until(incident["id"], "resolved")
    assert playbooks(incident) == ["code-rollback", "payments-off"]
    assert world.env_file.read_text() == "# feature flags\nPAYMENTS=off\nCOLOUR=blue\n"


def test_a_ladder_that_is_exhausted_ends_frozen_with_people_called(world):
    world.triggers(payments=failing_payments())
    world.start()
    world.two_releases(bad="ok")
    world.push("payments", {"ok": True})
    world.deploy("v2")
    world.traffic("payments", by=lambda: False)
    incident = world.opened("payments")
    incident = world.until(incident["id"], "frozen", timeout=30)
    assert playbooks(incident) == ["code-rollback", "payments-off"]
    wait_for(lambda: "incident.frozen" in world.sink.events(incident["id"]))
    world.api("operate").must(200, f"/v1/incidents/{incident['id']}/resolve", {"reason": "looked at it"})
    world.until(incident["id"], "resolved")
