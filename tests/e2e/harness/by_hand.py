"""A playbook of a test's own, run by hand to its end; a person approves it where one must."""

from harness.waiting import wait_for
from harness.world import World

OK = [{"until": "ok(health)", "within": "4s"}]
RUNS = "/v1/services/shop/playbooks/by-hand/runs"
ENDED = ("succeeded", "failed", "interrupted")


def with_steps(world: World, *steps: dict, **more) -> None:
    """The daemon, with a playbook `by-hand` of these steps."""
    world.shop["playbooks"]["by-hand"] = {
        "undoes": "nothing", "risk": "low", "data_loss": "none", "steps": list(steps), "verify": OK, **more}
    world.start()
    world.healthy_first()


def dry_run(world: World, **inputs: str) -> str:
    """What the plan says it would do."""
    return str(world.api("operate").must(200, RUNS, {"reason": "a test", "dry_run": True, "inputs": inputs}))


def carry_out(world: World, timeout: float = 30, **inputs: str) -> dict:
    """
    Runs it, approved where it waits; answers the run once it has ended. By force: what a step does where it
    cannot work is to be seen, too.
    """
    begun = world.api("operate").must(201, RUNS, {"reason": "a test", "inputs": inputs, "force": True})
    approved = False

    def end() -> dict | None:
        nonlocal approved
        for item in world.incidents():
            incident = world.incident(item["id"])
            for run in incident["runs"]:
                if run["id"] != begun["id"]:
                    continue
                if run["state"] == "waiting" and not approved:
                    approval = {"plan": run["plan"], "force": True}
                    world.api("approve").must(200, f"/v1/incidents/{incident['id']}/approve", approval)
                    approved = True
                return run if run["state"] in ENDED else None
        return None

    return wait_for(end, timeout, "the run to end")


def step_text(world: World, run: dict, n: int = 1) -> str:
    """What the journal's record of a step's end says."""
    items = world.api("operate").read("/v1/journal?limit=500")["items"]
    ends = [item["body"] for item in items if item["kind"] == "step.ended"]
    return next(end["text"] for end in reversed(ends) if (end["run"], end["n"]) == (run["id"], n))


def done(world: World, **inputs: str) -> dict:
    """The run, which must succeed."""
    run = carry_out(world, **inputs)
    assert run["state"] == "succeeded", [(s["state"], step_text(world, run, s["n"])) for s in run["steps"]
                                         if s["state"] not in ("pending", "skipped")]
    return run
