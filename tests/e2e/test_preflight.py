"""Every step is asked before the first of a run starts: by hand, by decision, on approval, in a dry run."""

import time

from harness import settled, wait_for
from harness.policy import failing_payments, script
from harness.world import playbooks

MISSING = "rollbackd-no-such-tool"
RUNS = "/v1/services/shop/playbooks/rebuild/runs"


def rebuild(world, *steps: dict, **more) -> None:
    """A playbook that leaves a mark first; the trigger `payments` answers by it and by what else is told."""
    mark = script(world, "mark", f'echo ran >> "{world.folder}/marks"\n')
    world.shop["playbooks"]["rebuild"] = {
        "undoes": "nothing", "risk": "low", "data_loss": "none",
        "steps": [{"name": "mark", "exec": {"argv": [mark]}}, *steps],
        "verify": [{"until": "ok(health)", "within": "4s"}], **more}


def marks(world) -> int:
    path = world.folder / "marks"
    return len(path.read_text().splitlines()) if path.exists() else 0


def missing(name: str = "migrate") -> dict:
    return {"name": name, "exec": {"argv": [MISSING, "down"]}}


def fail(world) -> None:
    world.push("payments", {"ok": True})
    world.push("payments", *[{"ok": False, "reason": "declined"}] * 4)


def slow_to_answer(world, seconds: float) -> None:
    """A step whose preflight takes so long."""
    slow = script(world, "compose", f'case "$*" in *ps*) sleep {seconds} ;; esac\n')
    (world.folder / "compose.yaml").write_text("services: {}\n")
    rebuild(world, {"name": "up", "compose": {"command": [slow], "cwd": str(world.folder), "do": "build"}})


def test_a_tool_that_a_later_step_misses_refuses_a_persons_run_before_the_first(world):
    rebuild(world, missing())
    world.start()
    refused = world.api("operate").must(409, RUNS, {"reason": "by hand"})
    assert f"step migrate: no such program: {MISSING}; install it" in refused["detail"]
    assert "rollbackctl run shop rebuild --force" in refused["detail"]
    assert settled(lambda: marks(world)) == 0 and world.incidents() == []
    told = world.ctl("run", "shop", "rebuild")
    assert told.returncode == 1 and f"no such program: {MISSING}" in told.stderr
    assert marks(world) == 0


def test_a_person_may_insist_and_the_journal_says_so(world):
    rebuild(world, missing())
    world.start()
    done = world.ctl("run", "shop", "rebuild", "--force", "--reason", "the first step is what counts")
    assert done.returncode == 0, done.stderr
    incident = world.incidents()[0]
    world.until(incident["id"], "frozen")
    assert marks(world) == 1
    records = world.api("operate").read("/v1/journal?limit=200")["items"]
    judged = next(one for one in records if one["kind"] == "incident.judged")
    assert judged["body"]["evidence"]["forced"].startswith("step migrate: no such program")


def test_a_dry_run_shows_what_each_step_says_and_refuses_nothing(world):
    rebuild(world, missing(), {"name": "later", "exec": {"argv": ["true"]}, "when": "failed(health)"})
    world.start()
    would = world.api("operate").must(200, RUNS, {"dry_run": True})["would"]
    assert [line["preflight"] for line in would] == ["ready", "impossible", "unasked"]
    assert MISSING in would[1]["why"] and "failed(health)" in would[2]["why"]
    shown = world.ctl("run", "shop", "rebuild", "--dry-run")
    assert shown.returncode == 0 and "CANNOT WORK" in shown.stdout
    assert marks(world) == 0 and world.incidents() == []


def test_a_rung_that_cannot_be_carried_out_leaves_the_way_to_the_next_and_nothing_of_it_runs(world):
    rebuild(world, missing())
    world.triggers(payments=failing_payments(response=["rebuild", "payments-off"]))
    world.start()
    world.two_releases(bad="ok")
    world.deploy("v2")
    fail(world)
    incident = world.opened("payments")
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text(), what="payments-off to run")
    incident = world.incident(incident["id"])
    assert playbooks(incident) == ["payments-off"] and marks(world) == 0
    refusal = next(one for one in incident["refusals"] if one["playbook"] == "rebuild")
    assert refusal["letter"] == "d" and MISSING in refusal["text"]
    explained = world.ctl("explain", incident["id"])
    assert MISSING in explained.stdout


def test_where_nothing_is_left_to_do_people_are_told_once_what_is_missing(world):
    rebuild(world, missing())
    world.triggers(payments=failing_payments(response=["rebuild"]))
    world.start()
    world.two_releases(bad="ok")
    world.deploy("v2")
    fail(world)
    incident = world.opened("payments")

    def told() -> list[str]:
        return [one["text"] for one in world.sink.messages if one["incident"]["id"] == incident["id"]]

    wait_for(lambda: any(MISSING in text for text in told()), what="people to be told")
    world.push("payments", {"ok": False})
    assert len(settled(lambda: [text for text in told() if MISSING in text])) == 1
    assert world.incident(incident["id"])["runs"] == [] and marks(world) == 0


def test_what_an_earlier_step_brings_is_not_missing(world):
    made = world.folder / "made"
    maker = script(world, "make", f'printf "#!/bin/sh\\necho made >> {world.folder}/marks\\n" > "{made}"; chmod +x "{made}"\n')
    rebuild(world, {"name": "make", "exec": {"argv": [maker]}}, {"name": "use", "exec": {"argv": [str(made)]}})
    world.start()
    world.api("operate").must(201, RUNS, {"reason": "by hand"})
    wait_for(lambda: marks(world) == 2, what="the step whose program was made")


def test_a_preflight_that_hangs_keeps_a_run_for_two_seconds_and_refuses_nothing(world):
    slow_to_answer(world, seconds=30)
    world.start()
    began = time.monotonic()
    world.api("operate").must(201, RUNS, {"reason": "by hand"})
    assert time.monotonic() - began < 6
    wait_for(lambda: marks(world) == 1, what="the run to begin")


def test_containment_goes_first_though_a_later_step_of_it_cannot_work(world):
    systemctl = "rollbackd-no-such.service"
    rebuild(world, {"name": "stop", "systemd": {"unit": systemctl, "do": "stop"}})
    world.start()
    world.api("operate").must(201, RUNS, {"reason": "stop what writes"})
    wait_for(lambda: marks(world) == 1, what="the first step of it")


def test_an_approved_plan_whose_step_cannot_work_by_now_is_void(world):
    tool = script(world, "tool", "true\n")
    rebuild(world, approval=True)
    world.shop["playbooks"]["rebuild"]["steps"] = [{"name": "migrate", "exec": {"argv": [tool]}}]
    world.start()
    assert world.api("operate").must(201, RUNS, {"reason": "by hand"})["state"] == "waiting"
    incident = world.incidents()[0]["id"]
    plan = world.incident(incident)["runs"][-1]["plan"]
    approval = {"plan": plan if isinstance(plan, str) else plan["hash"]}
    (world.folder / "tool").unlink()
    refused = world.api("approve").must(409, f"/v1/incidents/{incident}/approve", approval)
    assert f"step migrate: no such program: {tool}" in refused["detail"]
    run = world.incident(incident)["runs"][-1]
    assert run["state"] == "aborted" and run["steps"][0]["state"] in ("pending", "skipped")


def test_a_daemon_that_dies_while_it_asks_loses_no_run_and_starts_no_step_twice(world):
    slow_to_answer(world, seconds=1.5)
    world.triggers(payments=failing_payments(response=["rebuild"]))
    world.start()
    world.two_releases(bad="ok")
    world.deploy("v2")
    fail(world)
    incident = world.opened("payments")
    world.daemon.kill()
    assert marks(world) == 0
    world.daemon.start()
    wait_for(lambda: marks(world) == 1, 20, what="the run that was asked for")
    assert settled(lambda: marks(world)) == 1
    assert playbooks(world.incident(incident["id"])) == ["rebuild"]
