"""What came of a situation, against its label. It is judged by what really changed (the stage's own
account) and by what the journal says; never by what the engine thinks of itself."""

import json
from collections import Counter
from dataclasses import dataclass, field

from corpus import Situation

ROLLBACK, CONTAINMENT = "git_checkout", "file_edit"


@dataclass
class Told:
    """One run of one situation, as a stage tells it."""

    effects: list[dict]              # what steps really changed: service, step, from, to
    services: dict[str, dict]        # running, well
    arrived: set[str]                # messages that people have got
    journal: list[tuple[int, str, str, int, dict]]   # seq, kind, at, boot, body

    @property
    def records(self) -> list[tuple[str, dict]]:
        return [(kind, body) for _, kind, _, _, body in self.journal]


@dataclass
class Incident:
    id: str
    service: str
    alert_only: bool
    severity: str
    state: str = "open"
    triggers: list[str] = field(default_factory=list)
    waited: bool = False
    recovered: str = ""   # the target of the run that was verified
    frozen: bool = False
    told: bool = False


@dataclass
class Judgement:
    right: bool
    outcome: str            # in a word or two, for the table
    false_rollbacks: int = 0
    why: str = ""


def incidents_of(told: Told) -> dict[str, Incident]:
    out: dict[str, Incident] = {}
    runs: dict[str, dict] = {}
    for kind, body in told.records:
        if kind == "incident.opened":
            made = body["incident"]
            out[made["id"]] = Incident(made["id"], made["service"], made["alert_only"], made["severity"],
                                       triggers=[one["trigger"] for one in made["triggers"]])
        elif kind == "incident.joined":
            out[body["id"]].triggers.append(body["firing"]["trigger"])
        elif kind == "incident.state":
            incident = out[body["id"]]
            incident.state = body["state"]
            incident.waited |= body["state"] == "waiting"
            incident.frozen |= body["state"] == "frozen"
        elif kind == "incident.resolved":
            out[body["id"]].state = "resolved"
        elif kind == "run.planned":
            runs[body["run"]["id"]] = body["run"]
        elif kind == "incident.recovered":
            out[body["id"]].recovered = runs[body["run"]]["plan"].get("target") or "verified"
        elif kind == "message.queued" and body["message"]["id"] in told.arrived:
            for one in [body["message"]["incident"], *body["message"].get("also", [])]:
                if incident := out.get(one):
                    incident.told = True
    return out


def judge(situation: Situation, told: Told) -> Judgement:
    label = situation.label
    service = "shop" if "shop" in told.services else "baker"
    incidents = list(incidents_of(told).values())
    rollbacks = [(one["service"], one["to"]) for one in told.effects if one["step"] == ROLLBACK]
    contained = [one for one in told.effects if one["step"] == CONTAINMENT]
    acting = [one for one in incidents if not one.alert_only]
    outcome = describe(rollbacks, contained, incidents)
    expected = expected_rollbacks(label, service)
    false = sum((Counter(rollbacks) - Counter(expected)).values())
    wrong = false > 0 or bool(contained) != label.startswith("payments off")
    if label.startswith("roll back to"):
        target = target_of(label)
        verified = sum(one.recovered == target for one in acting if one.service == service)
        state = told.services[service]
        right = rollbacks == expected
        if label.endswith(", then people"):
            right &= any(one.state != "resolved" and one.told for one in acting)
        else:
            right &= verified == len(expected) and state["running"] == target and state["well"]
    elif label.startswith("payments off"):
        right = not rollbacks and any(one.recovered and one.told for one in acting)
    elif label.startswith("ask"):
        right = not told.effects and any(one.waited and one.told for one in acting)
    elif label.startswith("alert only"):
        right = not told.effects and any(one.told for one in incidents)
    else:
        right = not told.effects and not acting
    return Judgement(right and not wrong, outcome, false, "" if right and not wrong else explain(told))


def expected_rollbacks(label: str, service: str) -> list[tuple[str, str]]:
    if not label.startswith("roll back"):
        return []
    return [(service, target_of(label))] * (2 if label.endswith(", twice") else 1)


def target_of(label: str) -> str:
    return label.removeprefix("roll back to ").partition(",")[0]


def describe(rollbacks: list, contained: list, incidents: list[Incident]) -> str:
    parts = [f"{service} back to {to}" if service != "shop" else f"back to {to}" for service, to in rollbacks]
    if contained:
        parts.append("payments off")
    if any(one.frozen for one in incidents):
        parts.append("frozen")
    elif rollbacks and not any(one.recovered for one in incidents):
        parts.append("not verified")
    if not parts and any(one.waited for one in incidents):
        parts.append("asked")
    if not parts and incidents:
        parts.append("alerted")
    return ", ".join(parts) or "nothing"


STORY = {"deployment.recorded", "incident.opened", "incident.joined", "incident.judged", "incident.rung",
         "incident.state", "incident.resolved", "incident.recovered", "incident.cleared", "run.planned", "run.ended"}


def explain(told: Told) -> str:
    """The journal in short, for whoever asks why."""
    lines = []
    for kind, body in told.records:
        if kind not in STORY:
            continue
        if kind == "incident.opened":
            first = body["incident"]["triggers"][0]
            body = {"id": body["incident"]["id"], "service": body["incident"]["service"],
                    "trigger": first["trigger"], "why": first["evaluation"]["why"]}
        elif kind == "incident.joined":
            body = {"id": body["id"], "trigger": body["firing"]["trigger"],
                    "why": body["firing"]["evaluation"]["why"]}
        elif kind == "incident.judged":
            body = {"id": body["id"], "trigger": body["trigger"],
                    "refused": [f"{one['guard']}: {one['text']}" for one in body["refusals"]]}
        elif kind == "run.planned":
            body = {"id": body["run"]["id"], "target": body["run"]["plan"].get("target"),
                    "state": body["run"]["state"]}
        elif kind == "deployment.recorded":
            body = {"service": body["service"], "version": body["deployment"]["version"]}
        lines.append(f"  {kind} {json.dumps(body)[:400]}")
    lines += [f"  really: {json.dumps(one)}" for one in told.effects]
    return "\n".join(lines + [f"  in the end: {json.dumps(told.services)}"])
