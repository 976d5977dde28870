"""The independent evaluator: reads a journal, and nothing else, and recomputes every decision in it. A
verdict from its stored proof (condition.py), each guard from the stored facts and from what the journal had
said until then (book.py), and whether what followed is what the guards allow. Nothing here is the engine's."""

import math
import re
from functools import lru_cache

from book import AUTONOMY, HOUR, Book, Incident, Policy, Service, nanoseconds
from condition import TRUE, Judge, Node, Proof, parse

LETTERS = {"no_deployment": "a", "bad_before": "b", "dependency_failing": "c", "blind": "c", "no_target": "d",
           "quarantined": "d", "schema_moved": "e"}
STORM_SECONDS, STORM_MIN = 60, 3
UNSTABLE_ABOVE, STABLE_TO = 6, 3


@lru_cache(maxsize=500)
def parsed(text: str) -> Node:
    return parse(text)


@lru_cache(maxsize=100)
def policy_of(text: str) -> Policy:
    return Policy(text)


class Evaluator:
    def __init__(self) -> None:
        self.book = Book()
        self.decisions = 0
        self.wrong: list[str] = []

    def read(self, records: list[tuple[int, str, str, int, dict]]) -> None:
        """(seq, kind, at, boot, body) of a whole journal, in order."""
        for seq, kind, at, boot, body in records:
            judge = {"incident.opened": self.opened, "incident.joined": self.joined, "incident.refired": self.refired,
                     "incident.judged": self.judged, "run.started": self.started,
                     "incident.recovered": self.recovered}.get(kind)
            if judge:
                before = len(self.wrong)
                try:
                    judge(body, boot)
                except (AttributeError, KeyError, TypeError) as error:
                    self.wrong.append(f"a fact is missing: {error!r}")
                self.wrong[before:] = [f"record {seq}, {kind}: {one}" for one in self.wrong[before:]]
            if kind == "policy.loaded":
                self.book.policy = policy_of(body["text"])
            else:
                self.book.take(seq, kind, at, boot, body)

    def say(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    # Verdicts

    def opened(self, body: dict, _: int) -> None:
        for firing in body["incident"]["triggers"]:
            self.fires(firing)

    def joined(self, body: dict, _: int) -> None:
        self.fires(body["firing"])

    def refired(self, body: dict, _: int) -> None:
        firing = self.book.incidents[body["id"]].firings[body["trigger"]]
        self.fires(firing | {"evaluation": body["evaluation"]})

    def fires(self, firing: dict) -> None:
        """Only true can act, and it was."""
        self.decisions += 1
        if firing["raised"]:
            return
        self.say(firing["evaluation"]["verdict"] == TRUE, f"{firing['trigger']} fires and is not true")
        self.recompute(firing["trigger"], firing["when"], firing["rules"], firing["evaluation"])

    def recompute(self, name: str, when: str, rules: dict, stored: dict, since: int | None = None) -> None:
        proof = Proof(stored["proof"], rules.get("min_count"), rules.get("confidence"), since)
        try:
            truth = Judge(proof).judge(parsed(when))
        except (KeyError, ValueError, ZeroDivisionError) as error:
            self.wrong.append(f"{name}: its proof does not prove it: {error!r}")
            return
        self.wrong += [f"{name}: {one}" for one in proof.differing]
        self.say(truth.verdict == stored["verdict"],
                 f"{name} is {truth.verdict} by its proof, and recorded as {stored['verdict']}")
        for side, value in (("count", truth.count), ("threshold", truth.threshold)):
            same = value == stored.get(side) or None not in (value, stored.get(side)) and \
                math.isclose(value, stored[side], rel_tol=1e-12, abs_tol=1e-12)
            self.say(same, f"{name}: {side} is {value} by its proof, and recorded as {stored.get(side)}")

    # Guards

    def judged(self, body: dict, boot: int) -> None:
        if not body["trigger"] or not body["evidence"]:
            return      # a question that was left behind: nothing was judged
        self.decisions += 1
        incident = self.book.incidents[body["id"]]
        firing = incident.firings[body["trigger"]]
        self.say(alike(firing["evaluation"], body["evidence"]["evaluation"]), "it is judged on another evaluation")
        failed = [(one["guard"], one["text"]) for one in body["guards"] if not one["passed"]]
        told = [(one["guard"], one["text"]) for one in body["refusals"]]
        self.say(sorted(failed) == sorted(told), f"the guards that failed are {failed}, the refusals {told}")
        self.playbook = body["playbook"]
        for one in body["guards"]:
            self.say(one["letter"] == LETTERS.get(one["guard"], "f"), f"{one['guard']} has the letter {one['letter']}")
            passes = getattr(self, "guard_" + one["guard"])(incident, firing, one["text"], body["evidence"], boot)
            self.say(passes == one["passed"],
                     f"{one['guard']} {'passes' if passes else 'fails'}, and is recorded otherwise: {one['text']}")

    def guard_no_deployment(self, incident: Incident, firing: dict, *_) -> bool:
        deployment = self.service(incident).deployment()
        if not deployment:
            return False
        begun = (deployment.get("window_from") or deployment["started_at"])["boot"]
        return firing["fired_at"]["boot"] <= begun + self.book.policy.watch_window(incident.service)

    def guard_bad_before(self, incident: Incident, firing: dict, _: str, evidence: dict, __: int) -> bool:
        deployment = self.service(incident).deployment()
        before = self.judged_before(deployment, firing, evidence)
        if not before or before["verdict"] != "false" or not before["successes"]:
            return False
        if any(self.is_older(one, deployment) for name, one in incident.firings.items() if name != firing["trigger"]):
            beside = evidence["beside"]
            self.recompute(f"{firing['trigger']} beside an older breach", firing["when"], {"min_count": 1}, beside)
            if beside["verdict"] == TRUE:
                return False
        if firing["raised"] or firing.get("blames") == deployment["id"]:
            return True
        self.recompute(f"{firing['trigger']} without what was before", firing["when"], firing["rules"],
                       evidence["blamed"], deployment["started_at"]["boot"])
        return evidence["blamed"]["verdict"] == TRUE

    @staticmethod
    def is_older(other: dict, deployment: dict) -> bool:
        """It was true when the release was deployed, and has been since."""
        return not other["cleared"] and other["fired_at"]["boot"] <= deployment["started_at"]["boot"] and \
            deployment["before"].get(other["trigger"], {}).get("verdict") == TRUE

    def judged_before(self, deployment: dict, firing: dict, evidence: dict) -> dict | None:
        """As recorded with the deployment; what was heard of later can only speak against it."""
        trigger = firing["trigger"]
        recorded, used = deployment["before"].get(trigger), evidence.get("before")
        if recorded and recorded.get("when") not in (None, "", firing["when"]):
            self.say(used is not None and used["when"] == firing["when"], f"{trigger} is judged by another condition")
            return used
        if recorded and used != recorded:
            self.say(used is not None and used["verdict"] == TRUE, f"{trigger} was {recorded}, and is judged as {used}")
            return used
        return recorded

    def guard_dependency_failing(self, incident: Incident, firing: dict, text: str, evidence: dict, _: int) -> bool:
        if "services broke within" in text:
            return not self.storm(incident, firing) or "approved" in text
        failing = [f"{one['service']}/{one['signal']}" for one in evidence.get("answer", {}).get("failing", [])]
        seen = re.match(r"a dependency fails too: (\S+?)/(\S+) (?:failed|is true)", text)
        if seen:
            known = self.book.policy.service(incident.service).get("depends_on", [])
            self.say(seen[1] in known, f"{incident.service} does not depend on {seen[1]}")
            self.say(not failing or f"{seen[1]}/{seen[2]}" in failing, f"{seen[0]} was not answered so: {failing}")
        return not failing and not seen

    def guard_blind(self, _: Incident, __: dict, ___: str, evidence: dict, ____: int) -> bool:
        return not evidence.get("answer", {}).get("blind", False)

    def guard_no_target(self, incident: Incident, _: dict, text: str, evidence: dict, __: int) -> bool:
        can_work = all(one["found"] != "impossible" for one in evidence.get("answer", {}).get("steps", []))
        playbook = self.book.policy.service(incident.service)["playbooks"].get(self.playbook)
        if playbook is not None and playbook.get("undoes", "nothing") == "nothing":
            return can_work
        target = self.service(incident).target()
        if target is not None:
            self.say(target in text, f"the known-good target is {target}, not as told: {text}")
        return target is not None and can_work

    def guard_quarantined(self, incident: Incident, *_) -> bool:
        service = self.service(incident)
        others = [one for name, one in service.versions.items() if name != service.current]
        return service.target() is not None or all(one.standing != "bad" for one in others)

    def guard_schema_moved(self, incident: Incident, _: dict, __: str, evidence: dict, ___: int) -> bool:
        service = self.service(incident)
        deployment = service.current_deployment()
        if deployment and deployment.get("schema_compatible") is not None:
            return deployment["schema_compatible"]
        if not self.book.policy.service(incident.service).get("release", {}).get("schema"):
            return True
        now = evidence.get("answer", {}).get("schema")
        target = service.versions.get(service.target() or "")
        return now is not None and target is not None and target.schema == now

    def guard_autonomy(self, incident: Incident, firing: dict, *_) -> bool:
        return self.autonomy(incident, firing) != "observe"

    def guard_limit(self, incident: Incident, _: dict, text: str, __: dict, boot: int) -> bool:
        service = self.service(incident)
        if not text.startswith("automatic runs:"):
            known = service.versions.get(service.current)
            repeated = known is not None and known.rolled_back and text.startswith("a rollback from")
            restored = self.book.restored_by(incident.service)
            return not repeated and not (restored is not None and restored in text)
        others = [began for id_, began in service.automatic.items() if id_ != incident.id]
        limits = self.book.policy.limits(incident.service)
        return sum(boot - one < HOUR for one in others) < limits["runs_per_hour"] and \
            sum(boot - one < 24 * HOUR for one in others) < limits["runs_per_day"]

    def guard_cooldown(self, incident: Incident, _: dict, __: str, ___: dict, boot: int) -> bool:
        ended = self.service(incident).last_run_ended
        same = any(run["incident"] == incident.id and "started" in run for run in self.book.runs.values())
        return same or ended is None or \
            boot - ended >= nanoseconds(self.book.policy.limits(incident.service)["cooldown"])

    def guard_locked(self, incident: Incident, *_) -> bool:
        return self.book.active_run(incident.service) is None

    def guard_paused(self, incident: Incident, *_) -> bool:
        return not self.book.paused and not self.service(incident).paused

    def guard_silenced(self, incident: Incident, *_) -> bool:
        return all(one["service"] not in ("", incident.service) for one in self.book.silences.values())

    def guard_frozen(self, incident: Incident, *_) -> bool:
        return not self.service(incident).frozen_by

    def guard_unstable(self, _: Incident, __: dict, text: str, *___) -> bool:
        count, limit = map(int, re.search(r"(\d+) (?:>|<=) (\d+) changes", text).groups())
        self.say(limit in (UNSTABLE_ABOVE, STABLE_TO), f"no mark of flapping is {limit}")
        return count <= limit

    # What follows

    def started(self, body: dict, boot: int) -> None:
        if not body["automatic"]:
            return
        self.decisions += 1
        run = self.book.runs[body["run"]]
        incident = self.book.incidents[run["incident"]]
        judged = incident.judged or {}
        firing = incident.firings.get(judged.get("trigger", ""))
        self.say(bool(judged) and not judged["refusals"] and judged["playbook"] == run["plan"]["playbook"],
                 f"{run['id']} begins by itself, and no judgement allows it")
        self.say(firing is not None and not firing["cleared"], f"{run['id']} answers nothing that is true")
        self.say(firing is not None and self.autonomy(incident, firing) == "enforce" and not firing["approval"],
                 f"{run['id']} begins by itself, though a person is to approve it")
        if run["plan"]["undoes"] == "release":
            service = self.service(incident)
            self.say(run["plan"].get("target") == service.target(), f"{run['id']} goes back to another version")
            self.say(service.versions[run["plan"]["target"]].standing == "known-good", f"{run['id']} goes back to bad")

    def recovered(self, body: dict, _: int) -> None:
        """Declared only when verified: every step was done, and every entry of verify has passed since."""
        self.decisions += 1
        run = self.book.runs[body["run"]]
        undone = [n for n, _ in enumerate(run["plan"]["steps"], 1) if run.get("ended", {}).get(n) != "done"]
        self.say(not undone, f"{run['id']} is called verified, and steps {undone} were not done")
        unproved = set(range(1, len(run["plan"]["verify"]) + 1)) - run.get("passed", set())
        self.say(not unproved, f"{run['id']} is called verified, and entries {sorted(unproved)} have not passed")
        self.say(all(floor >= run["steps_ended"] for floor in body["floors"].values()),
                 f"{run['id']} is called verified on samples from before its last step")

    def service(self, incident: Incident) -> Service:
        return self.book.service(incident.service)

    def autonomy(self, incident: Incident, firing: dict) -> str:
        levels = [self.book.policy.autonomy(incident.service), firing["autonomy"]]
        if firing["trigger"] in self.service(incident).demoted:
            levels.append("advise")
        return min(levels, key=AUTONOMY.index)

    def storm(self, incident: Incident, firing: dict) -> bool:
        at = firing["fired_at"]["boot"]
        broken = {one.service for one in self.book.incidents.values() if one.state != "resolved" and not one.alert_only
                  and any(not other["raised"] and abs(other["fired_at"]["boot"] - at) <= STORM_SECONDS * 10**9
                          for other in one.firings.values())} | {incident.service}
        watched = [name for name, one in self.book.policy.whole["services"].items() if one and one.get("playbooks")]
        shared = [needed for name in broken for needed in self.book.policy.service(name).get("depends_on", [])]
        return len(broken) >= STORM_MIN and (2 * len(broken) >= len(watched)
                                             or any(shared.count(one) >= STORM_MIN for one in shared))


def alike(a: object, b: object) -> bool:
    """The same, but for the last bits of a number that was written and read once more."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-14)
    return a == b


def evaluate(records: list[tuple[int, str, str, int, dict]]) -> tuple[int, list[str]]:
    """How many decisions the journal holds, and which of them are not what their proof says."""
    evaluator = Evaluator()
    evaluator.read(records)
    return evaluator.decisions, evaluator.wrong
