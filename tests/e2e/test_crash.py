"""Whatever is killed when: an action runs at most once, and the incident stays whole."""

import os
import signal
import sqlite3
from pathlib import Path

from harness import settled, wait_for
from harness.policy import failing_payments, gated_step
from harness.world import playbooks


def step_is_on(world, first: bool = True):
    """A rollback whose first step is in the middle of its work: (incident id, lines, gate)."""
    step, lines, gate = gated_step(world)
    steps = world.shop["playbooks"]["code-rollback"]["steps"]
    steps.insert(0 if first else 1, step)
    world.start()
    world.two_releases()
    world.deploy("v2")
    wait_for(lines.exists, what="the step to run")
    return world.opened("down")["id"], lines, gate


def whole(world, id_: str, lines: Path) -> None:
    incident = world.until(id_, "resolved", timeout=30)
    assert lines.read_text() == "ran\n", "the step ran more than once"
    assert playbooks(incident) == ["code-rollback"]
    assert [step["state"] for step in incident["runs"][0]["steps"]] == ["done", "done"]
    assert world.repository.head == world.repository.versions["v1"]
    assert len(world.incidents()) == 1


def test_kill_9_with_the_first_step_started_it_has_run_once_and_the_run_goes_on(world):
    id_, lines, gate = step_is_on(world)
    world.daemon.kill()
    world.daemon.start()
    assert world.incident(id_)["state"] in ("acting", "verifying")
    gate.touch()
    whole(world, id_, lines)


def test_a_step_that_ended_while_the_daemon_was_dead_has_a_known_outcome(world):
    id_, lines, gate = step_is_on(world)
    world.daemon.kill()
    gate.touch()
    wait_for(lambda: not world.running("gated"), what="the step to end by itself")
    world.daemon.start()
    whole(world, id_, lines)


def test_a_graceful_stop_leaves_the_running_step_alone_and_says_so(world):
    id_, lines, gate = step_is_on(world)
    assert world.daemon.stop() == 0
    assert "gated" in world.daemon.tail() or "step" in world.daemon.tail()
    gate.touch()
    world.daemon.start()
    whole(world, id_, lines)


def test_a_step_whose_process_was_killed_with_the_daemon_is_unknown_and_a_person_decides(world):
    id_, lines, _ = step_is_on(world)
    world.daemon.kill()
    for pid in world.running("rollbackd-step", "gated"):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    world.daemon.start()
    incident = world.until(id_, "frozen")
    assert incident["runs"][0]["state"] == "interrupted"
    assert lines.read_text() == "ran\n"
    world.api("operate").must(200, f"/v1/incidents/{id_}/steps/1/confirm", {"outcome": "done"})
    wait_for(lambda: world.repository.head == world.repository.versions["v1"], what="the run to go on")


def test_an_interrupted_step_with_a_check_settles_itself(world):
    step, lines, _ = gated_step(world)
    step["check"] = ["/usr/bin/test", "-e", str(lines)]
    world.shop["playbooks"]["code-rollback"]["steps"].insert(0, step)
    world.start()
    world.two_releases()
    world.deploy("v2")
    wait_for(lines.exists)
    id_ = world.opened("down")["id"]
    world.daemon.kill()
    for pid in world.running("rollbackd-step", "gated"):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    world.daemon.start()
    whole(world, id_, lines)


def test_everything_is_rebuilt_from_the_journal_after_kill_9(world):
    world.start()
    world.two_releases()
    world.deploy("v2")
    id_ = world.opened("down")["id"]
    world.until(id_, "resolved")
    before, deployments = world.incident(id_), world.api().read("/v1/services/shop/deployments")
    world.daemon.kill()
    world.daemon.start()
    assert world.incident(id_) == before
    assert world.api().read("/v1/services/shop/deployments") == deployments
    assert world.standing(world.repository.versions["v2"]) == "bad"
    assert settled(lambda: len(world.incidents())) == 1


def test_a_streak_survives_a_graceful_restart(world):
    world.triggers(payments=failing_payments(response="alert"))
    world.start()
    world.push("payments", {"ok": True}, *[{"ok": False, "id": f"e{n}"} for n in range(3)])
    wait_for(lambda: world.trigger("payments")["count"] == 3)
    world.daemon.restart()
    wait_for(lambda: world.trigger("payments")["count"] == 3)
    world.push("payments", {"ok": False, "id": "e2"})     # seen before the restart
    assert settled(world.incidents) == []
    world.push("payments", {"ok": False, "id": "e3"})
    world.opened("payments")


def test_what_a_resolved_incident_has_judged_begins_no_breach_after_kill_9(world):
    world.triggers(payments=failing_payments(response="alert"))
    world.start()
    world.push("payments", {"ok": True}, *[{"ok": False}] * 4)
    id_ = world.opened("payments")["id"]
    world.push("payments", *[{"ok": True}] * 3)
    world.until(id_, "resolved")
    world.daemon.kill()
    world.daemon.start()
    world.push("payments", *[{"ok": False}] * 3)
    wait_for(lambda: world.trigger("payments")["count"] == 3)
    assert settled(lambda: len(world.incidents())) == 1
    world.push("payments", {"ok": False})
    wait_for(lambda: len(world.incidents()) == 2)


def test_messages_that_could_not_be_delivered_are_sent_after_a_restart(world):
    world.sink.status = 500
    world.triggers(payments=failing_payments(response="alert"))
    world.start()
    world.push("payments", *[{"ok": False}] * 4)
    id_ = world.opened("payments")["id"]
    world.daemon.kill()
    world.sink.status = 200
    world.daemon.start()
    wait_for(lambda: world.sink.events(id_), timeout=60, what="the outbox to be emptied")


def test_what_a_long_replay_rebuilt_is_kept_so_that_the_next_start_needs_none(world):
    world.start()
    for _ in range(260):
        world.api().must(200, "/v1/pause", {"service": "shop"})
        world.api().must(200, "/v1/resume", {"service": "shop"})
    world.daemon.kill()
    store = world.folder / "rollbackd.db"
    with sqlite3.connect(store) as database:
        database.execute("DELETE FROM checkpoint")
    database.close()
    world.daemon.start()
    records = world.api().read("/v1/status")["journal"]["seq"]
    assert records > 520

    def kept() -> int:
        database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        try:
            row = database.execute("SELECT seq FROM checkpoint WHERE name = 'state'").fetchone()
            return row[0] if row else 0
        except sqlite3.OperationalError:
            return 0    # locked just now
        finally:
            database.close()

    wait_for(lambda: kept() >= records, 30, "the state to be kept")
