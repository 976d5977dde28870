"""The shop of a situation on the real stack: what is wrong with whom, as the simulated site has it, and the
application, the access log and the agents that show it. Time runs FACTOR times faster than the story says."""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from harness import Api, App, Repository
from harness.app import send_json

FACTOR = 30
CLIENTS = 80
REPORT_SECONDS = 10      # of the story: how often agents report
PATHS = {"requests": "/shop", "checkout": "/checkout", "webhooks": "/webhooks/"}


@dataclass
class Live:
    """A fault that has been brought about."""

    fault: dict
    after: float
    period: float
    begun: float

    def is_active(self, now: float, since: float, traffic: float) -> bool:
        age = now - since - self.after
        if age < 0 or self.period and int(age / self.period) % 2 == 1:
            return False
        return not self.fault["above"] or traffic > self.fault["above"]


@dataclass
class Site:
    normal: dict
    repository: Repository
    chance: random.Random
    outside: dict[str, list[Live]] = field(default_factory=dict)
    of_version: dict[str, list[Live]] = field(default_factory=dict)
    traffic: float = 1.0
    network_lost: bool = False
    payments_off: bool = False
    running: str = "v1"
    running_since: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Seconds of the story."""
        return (time.monotonic() - self.began) * FACTOR

    def draw(self, span: dict) -> float:
        return self.chance.uniform(span["low_ms"], span["high_ms"]) / 1000

    def drawn(self, faults: list[dict]) -> list[Live]:
        return [Live(one, self.draw(one["after"]), self.draw(one["period"]), self.now()) for one in faults]

    def look(self) -> None:
        """Which release is checked out, and since when."""
        try:
            release = (self.repository.path / "release").read_text().strip()
        except OSError:
            return      # in the middle of a checkout
        if release and release != self.running:
            self.running, self.running_since = release, self.now()

    def active(self, service: str, signal: str) -> list[tuple[dict, float]]:
        """Faults that show in this signal, and since when."""
        now = self.now()
        causes = [(live, live.begun) for live in list(self.outside.get(service, []))]
        if service == "shop":
            causes += [(live, self.running_since) for live in self.of_version.get(self.running, [])]
        return [(live.fault, since + live.after) for live, since in causes
                if live.fault["signal"] in ("*", signal) and live.is_active(now, since, self.traffic)]

    def fails(self, service: str, signal: str, by: str = "", client: int = 0) -> bool:
        for fault, _ in self.active(service, signal):
            if fault["by"] and fault["by"] != by:
                continue
            if self.chance.random() < fault.get("fails", 0) or client and client <= fault.get("clients", 0) * CLIENTS:
                return True
        return False

    def level(self, service: str, signal: str) -> float:
        value = self.normal[service][signal].get("value", 0.0)
        for fault, since in self.active(service, signal):
            value = fault.get("value", value) + fault["climbs"] * (self.now() - since) / 60
        return min(99.0, value)

    def text(self, service: str, signal: str) -> str:
        shown = [fault["text"] for fault, _ in self.active(service, signal) if fault["text"]]
        return shown[-1] if shown else self.normal[service][signal]["text"]


class Shop(App):
    """Answers /health as the site has it."""

    def __init__(self, site: Site):
        self.site = site
        super().__init__()

    def _answer(self, connection, mode: str) -> None:
        self.site.look()
        if self.site.network_lost:
            return      # the connection is closed without an answer
        ok = not self.site.fails("shop", "health")
        send_json(connection, 200 if ok else 503, {"status": "ok" if ok else "failed"})


class Users(threading.Thread):
    """The requests of one signal, as nginx would log them."""

    def __init__(self, site: Site, signal: str, log: Path, stop: threading.Event):
        super().__init__(daemon=True)
        self.site, self.signal, self.log, self.stop = site, signal, log, stop

    def run(self) -> None:
        usual = self.site.normal["shop"][self.signal]
        due = time.monotonic()
        with self.log.open("a", buffering=1) as log:
            while not self.stop.wait(max(0.0, due - time.monotonic())):
                rate = usual["per_minute"] * self.site.traffic * FACTOR / 60
                due += self.site.chance.uniform(0.2, 1.8) / rate if rate else 0.05
                if rate and not self.site.network_lost:
                    log.write(self.line(self.site.chance.choice(usual["by"] or [""])) + "\n")

    def line(self, by: str) -> str:
        client = self.site.chance.randint(1, CLIENTS)
        off = self.signal == "webhooks" and self.site.payments_off
        bad = not off and self.site.fails("shop", self.signal, by, client)
        at = datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return json.dumps({"time_iso8601": at, "status": 502 if bad else 200, "remote_addr": f"192.0.2.{client}",
                           "request_uri": PATHS[self.signal] + (f"?provider={by}" if by else ""), "method": "GET"})


class Agents(threading.Thread):
    """What is pushed: gauges, texts, whether there is space."""

    def __init__(self, site: Site, api: Api, signals: list[tuple[str, str, str]], stop: threading.Event):
        super().__init__(daemon=True)
        self.site, self.api, self.signals, self.stop = site, api, signals, stop

    def run(self) -> None:
        while not self.stop.wait(REPORT_SECONDS / FACTOR):
            for service, signal, kind in self.signals:
                try:
                    self.api.post(f"/v1/services/{service}/signals/{signal}", self.sample(service, signal, kind))
                except OSError:
                    pass    # the daemon is being restarted

    def sample(self, service: str, signal: str, kind: str) -> dict:
        if kind == "state":
            return {"ok": not self.site.fails(service, signal)}
        if kind == "gauge":
            return {"value": round(self.site.level(service, signal), 1)}
        return {"text": self.site.text(service, signal)}
