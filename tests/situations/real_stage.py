"""The real stack: the daemon with a situation's policy, a git repository, an application, an access log, and
the story as it is written, thirty times as fast. What came of it is read from the journal's own file and from
what is checked out, not from the daemon's answers."""

import json
import random
import re
import sqlite3
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import yaml

from corpus import HERE, Situation, span
from judging import CONTAINMENT, ROLLBACK, Told, judge

sys.path.insert(0, str(HERE.parent / "e2e"))
from harness import Dependency, World  # noqa: E402
from real_site import FACTOR, Agents, Shop, Site, Users  # noqa: E402

QUIET_SECONDS = 300      # of the story, before it begins
SETTLED_SECONDS = 2      # the judgement must hold for so long
LOOK_SECONDS = 0.02
LATE_SECONDS = 0.15      # a machine that sleeps longer tells another story than the one that is written
# Durations that are pace and time are shortened; what a network needs, and what is compared, is not.
PACE = re.compile(r"(?<![<>=\w.] )(?<!timeout: )\b(\d+)(ms|s|m|h|d)\b")
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
PROBED = {"database": "192.0.2.20:5432", "dns": "192.0.2.53:53", "provider": "192.0.2.40:443",
          "edge": "192.0.2.30:443"}


def faster(policy: str) -> str:
    """The same policy for a world in which everything happens FACTOR times as fast."""
    def shorter(found: re.Match) -> str:
        return f"{max(10, int(found[1]) * MILLISECONDS[found[2]] // FACTOR)}ms"

    lines = [line for line in policy.splitlines() if "cert" not in line.split("#")[0]]
    text = PACE.sub(shorter, "\n".join(lines))
    return re.sub(r"(rate\(requests, \w+\) (?:<|>=)) (\d+)", lambda m: f"{m[1]} {int(m[2]) * FACTOR}", text)


class Stage:
    def __init__(self, situation: Situation, folder: Path, seed: int):
        self.situation = situation
        self.world = World(folder)
        self.world.app.stop()
        self.site = Site(situation.normal, self.world.repository, random.Random(seed))
        self.shop = Shop(self.site)
        self.world.app = self.shop
        self.schema = folder / "schema"
        self.schema.write_text("1\n")
        self.dependencies = {name: Dependency() for name in PROBED}
        self.stop = threading.Event()
        self.deployed: list[str] = []
        self.latest = 0.0        # by how much the stage itself was late, at most
        self.world.policy = self.policy()

    def policy(self) -> dict:
        text = faster(self.situation.policy)
        for name, address in PROBED.items():
            text = text.replace(address, self.dependencies[name].address)
        for old, new in {
            "192.0.2.1:443": self.world.reference.address, "198.51.100.1:443": self.world.reference.address,
            "http://192.0.2.10:3000": self.shop.url, "/srv/shop.schema": str(self.schema),
            "/srv/shop.env": str(self.world.env_file), "/srv/shop": str(self.world.repository.path),
            "/var/log/nginx/access.log": str(self.world.access_log),
            "/etc/rollbackd/ops.url": str(self.world.folder / "hook.url"),
        }.items():
            text = text.replace(old, new)
        policy = yaml.safe_load(text)
        policy["daemon"] |= {"listen": [f"127.0.0.1:{self.world.daemon.port}"],
                             "store": f"sqlite:{self.world.folder}/rollbackd.db",
                             "tokens": self.world.token_entries()}
        return policy

    # The story

    def play(self) -> Told:
        self.prepare_releases()
        try:
            self.world.start()
            self.record("v1", known_good=True)
            self.begin()
            self.wait(QUIET_SECONDS)
            for happening in self.situation.happenings:
                self.wait(self.site.draw(happening["after"]))
                getattr(self, "on_" + happening["what"])(happening)
            return self.until_judged(self.site.draw(span(self.situation.rest)))
        finally:
            self.stop.set()
            self.world.close()
            for dependency in self.dependencies.values():
                dependency.down()

    def prepare_releases(self) -> None:
        for happening in self.situation.happenings:
            if happening["what"] == "deploy" and happening["version"] not in self.world.repository.versions:
                self.world.repository.prepare(happening["version"])

    def begin(self) -> None:
        for signal in ("requests", "checkout", "webhooks"):
            Users(self.site, signal, self.world.access_log, self.stop).start()
        pushed = [("machine", "space", "state"), ("machine", "used", "gauge"), ("shop", "memory", "gauge"),
                  ("shop", "banner", "text")]
        Agents(self.site, self.world.api("ingest"), pushed, self.stop).start()
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self) -> None:
        """What depends on the site's faults and on what steps have changed."""
        due = time.monotonic() + LOOK_SECONDS
        while not self.stop.wait(LOOK_SECONDS):
            self.latest = max(self.latest, time.monotonic() - due)
            self.site.look()
            self.site.payments_off = "PAYMENTS=off" in self.world.env_file.read_text()
            for name, dependency in self.dependencies.items():
                signal = {"provider": "status", "edge": "page"}.get(name, "port")
                down = self.site.network_lost or self.site.fails(name, signal)
                (dependency.down if down else dependency.up)()
            (self.world.reference.down if self.site.network_lost else self.world.reference.up)()
            due = time.monotonic() + LOOK_SECONDS

    def wait(self, story_seconds: float) -> None:
        self.stop.wait(story_seconds / FACTOR)

    def until_judged(self, story_seconds: float) -> Told:
        """A rollback is over once it is verified; that nothing happens is known only in the end."""
        deadline = time.monotonic() + story_seconds / FACTOR
        acts = self.situation.label.startswith(("roll back", "payments off"))
        since = None
        while True:
            told = self.tell()
            right = judge(self.situation, told).right
            since = (since or time.monotonic()) if right else None
            held = since is not None and time.monotonic() - since > SETTLED_SECONDS
            if time.monotonic() > deadline + (SETTLED_SECONDS if right else 0) or acts and held:
                return told
            self.stop.wait(0.25)

    def on_deploy(self, happening: dict) -> None:
        name = happening["version"]
        self.site.of_version.setdefault(name, self.site.drawn(happening["faults"]))
        if happening.get("schema"):
            self.schema.write_text(f"{happening['schema']}\n")
        started = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
        self.world.repository.checkout(name)
        self.deployed.append(name)
        if not happening.get("announced", True):
            return
        late = self.site.draw(happening.get("late") or span(None)) / FACTOR
        facts = {"started_at": started} if late and happening.get("dated", True) else {}
        if happening.get("schema_compatible") is not None:
            facts["schema_compatible"] = happening["schema_compatible"]
        self.stop.wait(late)
        self.record(name, **facts)

    def record(self, name: str, **facts) -> None:
        self.world.record(self.world.repository.versions[name], **facts)

    def on_break(self, happening: dict) -> None:
        self.site.outside.setdefault(happening["service"], []).extend(self.site.drawn(happening["faults"]))

    def on_mend(self, happening: dict) -> None:
        self.site.outside.pop(happening["service"], None)

    def on_spoiled(self, happening: dict) -> None:
        self.site.of_version[happening["version"]] = self.site.drawn(happening["faults"])

    def on_traffic(self, happening: dict) -> None:
        self.site.traffic = happening["factor"]

    def on_network(self, happening: dict) -> None:
        self.site.network_lost = happening["factor"] == 0

    def on_kill(self, _: dict) -> None:
        self.world.daemon.kill()
        self.world.daemon.start()

    # What came of it

    def tell(self) -> Told:
        names = {sha: name for name, sha in self.world.repository.versions.items()}
        journal = self.journal(names)
        moves = re.findall(r"moving from \S+ to (\w+)", self.world.repository.git("reflog", "--format=%gs"))
        went = [names[sha] for sha in reversed(moves) if sha in names]
        effects = [{"service": "shop", "step": ROLLBACK, "from": "", "to": name} for name in self.not_ours(went)]
        if "PAYMENTS=off" in self.world.env_file.read_text():
            effects.append({"service": "shop", "step": CONTAINMENT, "from": "on", "to": "off"})
        arrived = {body["id"] for _, kind, _, _, body in journal if kind == "message.ended" and body["state"] == "sent"}
        state = {"running": names.get(self.world.repository.head, "?"), "well": not self.site.fails("shop", "health")}
        return Told(effects, {"shop": state}, arrived if self.world.sink.messages else set(), journal)

    def not_ours(self, went: list[str]) -> list[str]:
        """Checkouts that no deployment of the story made, in order."""
        ours, out = list(self.deployed), []
        for name in went:
            if ours and name == ours[0]:
                ours.pop(0)
            else:
                out.append(name)
        return out

    def journal(self, names: dict[str, str]) -> list[tuple[int, str, str, int, dict]]:
        """The records as they stand in the file, with the releases' names for their hashes."""
        with sqlite3.connect(f"file:{self.world.folder}/rollbackd.db?mode=ro", uri=True) as store:
            rows = store.execute("SELECT seq, kind, at, boot, body FROM record ORDER BY seq").fetchall()
        store.close()
        out = []
        for seq, kind, at, boot, body in rows:
            for sha, name in names.items():
                body = body.replace(sha, name).replace(sha[:12], name)
            out.append((seq, kind, f"{at:020}", boot, json.loads(body)))
        return out


def play_real(situation: Situation, seed: int) -> tuple[Told, bool]:
    """What came of it, and whether the machine kept pace with the story."""
    with tempfile.TemporaryDirectory(prefix="rollbackd-situation-") as folder:
        stage = Stage(situation, Path(folder), seed)
        told = stage.play()
        return told, stage.latest < LATE_SECONDS


