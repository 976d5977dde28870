"""What the journal says has become of services, versions and runs: kept from the records alone, as DESIGN
has it, to judge the guards by."""

import re
from dataclasses import dataclass, field

import yaml

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LIMITS = {"runs_per_hour": 3, "runs_per_day": 6, "cooldown": "10m"}
AUTONOMY = ["observe", "advise", "enforce"]
HOUR = 3600 * 10**9


def nanoseconds(text: str) -> int:
    return round(sum(float(n) * SECONDS[unit] for n, unit in re.findall(r"([\d.]+)(ns|us|ms|[smhdw])", text)) * 1e9)


@dataclass
class Version:
    standing: str = "unknown"
    since: str = ""
    schema: str | None = None
    rolled_back: bool = False


@dataclass
class Service:
    name: str
    deployments: dict[int, dict] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    current: str = ""
    window: int | None = None
    waiting_window: int | None = None
    paused: bool = False
    frozen_by: set[str] = field(default_factory=set)
    automatic: dict[str, int] = field(default_factory=dict)   # incident → when its first run began
    last_run_ended: int | None = None
    demoted: set[str] = field(default_factory=set)

    def deployment(self) -> dict | None:
        return self.deployments.get(self.window)

    def current_deployment(self) -> dict | None:
        return next((one for one in reversed(self.deployments.values()) if one["version"] == self.current), None)

    def target(self) -> str | None:
        """The newest known-good version that is not in effect."""
        good = [(known.since, name) for name, known in self.versions.items()
                if name != self.current and known.standing == "known-good"]
        return max(good)[1] if good else None


@dataclass
class Incident:
    id: str
    service: str
    alert_only: bool
    firings: dict[str, dict] = field(default_factory=dict)
    state: str = "open"
    judged: dict | None = None


class Policy:
    """As far as guards need it."""

    def __init__(self, text: str):
        self.whole = yaml.safe_load(text)
        self.daemon = self.whole.get("daemon", {})

    def service(self, name: str) -> dict:
        return self.whole["services"].get(name) or {}

    def limits(self, name: str) -> dict:
        return LIMITS | self.daemon.get("limits", {}) | self.service(name).get("limits", {})

    def watch_window(self, name: str) -> int:
        return nanoseconds(self.service(name).get("watch_window", "30m"))

    def autonomy(self, name: str) -> str:
        levels = [self.daemon.get("autonomy", "observe"), self.service(name).get("autonomy", "enforce")]
        return min(levels, key=AUTONOMY.index)


class Book:
    def __init__(self) -> None:
        self.policy: Policy | None = None
        self.services: dict[str, Service] = {}
        self.incidents: dict[str, Incident] = {}
        self.runs: dict[str, dict] = {}
        self.paused = False
        self.silences: dict[str, dict] = {}

    def service(self, name: str) -> Service:
        return self.services.setdefault(name, Service(name))

    def active_run(self, service: str) -> dict | None:
        for run in self.runs.values():
            incident = self.incidents[run["incident"]]
            verifying = run["state"] == "verifying" and incident.state == "verifying"
            if incident.service == service and (run["state"] == "running" or verifying):
                return run
        return None

    def restored_by(self, service: str) -> str | None:
        """The run that put the present version into effect; none: it was deployed."""
        known = self.service(service)
        deployed = known.current_deployment()
        newest = None
        for run in self.runs.values():
            ended = run.get("steps_ended")
            mine = self.incidents[run["incident"]].service == service and run["plan"].get("target") == known.current
            if ended is None or not mine or deployed and deployed["recorded_at"]["boot"] > ended:
                continue
            if newest is None or ended > newest["steps_ended"]:
                newest = run
        return newest["id"] if newest else None

    def take(self, seq: int, kind: str, at: str, boot: int, body: dict) -> None:
        handler = getattr(self, "on_" + kind.replace(".", "_"), None)
        if handler:
            handler(body, seq, at, boot)

    # Services

    def on_policy_loaded(self, body, *_):
        self.policy = Policy(body["text"])

    def on_deployment_recorded(self, body, seq, at, boot):
        if body["own"]:
            return
        service, deployment = self.service(body["service"]), body["deployment"]
        name = deployment["version"]
        version = service.versions.setdefault(name, Version())
        if body["repeated"]:
            if deployment["known_good"] and version.standing != "bad":
                version.standing, version.since = "known-good", at
            for known in service.deployments.values():
                if known["version"] == name and "schema_compatible" in deployment:
                    known["schema_compatible"] = deployment["schema_compatible"]
            return
        version.schema = deployment["facts"].get("schema")
        if body["becomes_current"] and service.current != name:
            before = service.versions.get(service.current)
            if before and before.standing == "baking":
                before.standing, before.since = "superseded", at
            service.current = name
        if version.standing != "bad":
            good = deployment["known_good"] or version.standing == "known-good"
            standing = "baking" if body["becomes_current"] else "superseded"
            version.standing, version.since = "known-good" if good else standing, at
        if body["becomes_current"]:
            service.waiting_window = None
        if body["opens_window"]:
            service.window = seq
        elif not deployment["known_good"]:
            if body["becomes_current"]:
                service.waiting_window = seq
        elif body["becomes_current"]:
            service.window = None
        service.deployments[seq] = deployment | {"id": seq}

    def on_deployment_known_good(self, body, _, at, __):
        version = self.service(body["service"]).versions[body["version"]]
        version.standing, version.since = "known-good", at

    def on_deployment_window_closed(self, body, *_):
        self.service(body["service"]).window = None

    def on_version_quarantined(self, body, _, at, __):
        version = self.service(body["service"]).versions.setdefault(body["version"], Version())
        version.standing, version.since, version.rolled_back = "bad", at, True

    def on_version_released(self, body, _, at, __):
        service = self.service(body["service"])
        version = service.versions[body["version"]]
        version.standing = "baking" if service.current == body["version"] else "superseded"
        version.since, version.rolled_back = at, False

    def on_service_paused(self, body, *_):
        if body["service"]:
            self.service(body["service"]).paused = True
        else:
            self.paused = True

    def on_service_resumed(self, body, *_):
        if body["service"]:
            service = self.service(body["service"])
            service.paused, service.frozen_by = False, set()
        else:
            self.paused = False

    def on_silence_added(self, body, *_):
        self.silences[body["silence"]["id"]] = body["silence"]

    def on_silence_ended(self, body, *_):
        self.silences.pop(body["id"], None)

    # Incidents

    def on_incident_opened(self, body, *_):
        made = body["incident"]
        self.incidents[made["id"]] = Incident(made["id"], made["service"], made["alert_only"],
                                              {one["trigger"]: dict(one) for one in made["triggers"]})

    def on_incident_joined(self, body, *_):
        firings = self.incidents[body["id"]].firings
        firings.pop(body["firing"]["trigger"], None)
        firings[body["firing"]["trigger"]] = dict(body["firing"])

    def on_incident_refired(self, body, *_):
        self.incidents[body["id"]].firings[body["trigger"]] |= {
            "cleared": False, "evaluation": body["evaluation"], "fired_at": body["at"],
            "blames": body.get("blames")}

    def on_incident_cleared(self, body, *_):
        self.incidents[body["id"]].firings[body["trigger"]]["cleared"] = True

    def on_incident_judged(self, body, *_):
        self.incidents[body["id"]].judged = body

    def on_incident_state(self, body, *_):
        incident = self.incidents[body["id"]]
        incident.state = body["state"]
        if body["state"] == "frozen":
            self.service(incident.service).frozen_by.add(body["id"])

    def on_incident_recovered(self, body, *_):
        for trigger in body["floors"]:
            if firing := self.incidents[body["id"]].firings.get(trigger):
                firing["cleared"] = True

    def on_incident_resolved(self, body, *_):
        incident = self.incidents[body["id"]]
        incident.state = "resolved"
        for firing in incident.firings.values():
            firing["cleared"] = True
        service = self.service(incident.service)
        service.frozen_by.discard(body["id"])

    def on_incident_verdict(self, body, *_):
        self.service(self.incidents[body["id"]].service).demoted |= set(body["demoted"])

    # Runs

    def on_run_planned(self, body, *_):
        self.runs[body["run"]["id"]] = dict(body["run"])

    def on_run_approved(self, body, *_):
        self.runs[body["run"]]["by"] = body["by"]

    def on_run_started(self, body, _, __, boot):
        run = self.runs[body["run"]]
        run |= {"state": "running", "started": boot, "automatic": body["automatic"]}
        if body["automatic"]:
            self.service(self.incidents[run["incident"]].service).automatic.setdefault(run["incident"], boot)

    def on_run_verifying(self, body, _, __, boot):
        run = self.runs[body["run"]]
        run |= {"state": "verifying", "steps_ended": boot}
        if run["plan"]["undoes"] == "release" and run["plan"].get("target"):
            service = self.service(self.incidents[run["incident"]].service)
            service.current, service.window = run["plan"]["target"], None

    def on_run_check(self, body, *_):
        if not body["success_list"] and body["check"]["passed"]:
            self.runs[body["run"]].setdefault("passed", set()).add(body["check"]["n"])

    def on_step_ended(self, body, *_):
        self.runs[body["run"]].setdefault("ended", {})[body["n"]] = body["state"]

    def on_run_ended(self, body, _, at, boot):
        run = self.runs[body["run"]]
        run["state"] = body["state"]
        service = self.service(self.incidents[run["incident"]].service)
        if run.get("automatic"):
            service.last_run_ended = boot
        if service.waiting_window is not None:
            deployment = service.deployments[service.waiting_window]
            deployment["window_from"] = {"wall": at, "boot": boot}
            service.current, service.window = deployment["version"], service.waiting_window
            service.waiting_window = None
