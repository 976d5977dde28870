"""One service with everything around it, and the daemon that watches it. A test changes `policy`,
calls `start()`, then makes things happen."""

import hashlib
import json
import os
import subprocess
import threading
from pathlib import Path

from harness.api import Api
from harness.app import App
from harness.daemon import BINARIES, Daemon
from harness.net import Dependency
from harness.policy import base_policy
from harness.repository import Repository
from harness.sink import Sink
from harness.waiting import wait_for

ROLES = ("read", "ingest", "operate", "approve", "admin")
OPEN_STATES = {"open", "waiting", "acting", "verifying", "unverified", "frozen"}


class World:
    def __init__(self, folder: Path):
        self.folder = folder
        self.repository = Repository(folder / "shop")
        self.repository.release("v1")
        self.app = App(self.repository.path)
        self.sink = Sink()
        self.reference = Dependency()
        self.database = Dependency()
        self.env_file = folder / "shop.env"
        self.env_file.write_text("# feature flags\nPAYMENTS=on\nCOLOUR=blue\n")
        self.access_log = folder / "access.log"
        self.access_log.touch()
        self.tokens = {role: f"{role}-{'s3cret' * 6}" for role in ROLES}
        self.daemon = Daemon(folder)
        self.policy = base_policy(self)
        self._traffic: list[Traffic] = []

    # The policy

    @property
    def shop(self) -> dict:
        return self.policy["services"]["shop"]

    def triggers(self, **triggers: dict) -> None:
        self.shop["triggers"] = triggers

    def token_entries(self) -> list[dict]:
        return [{"name": f"test-{role}", "role": role, "sha256": hashlib.sha256(token.encode()).hexdigest()}
                for role, token in self.tokens.items()]

    def write_policy(self) -> None:
        """JSON is YAML: the policy as it stands goes to the daemon's file."""
        self.daemon.config.write_text(json.dumps(self.policy, indent=1) + "\n")

    # The daemon

    def start(self) -> None:
        self.write_policy()
        self.daemon.start()

    def running(self, *names: str) -> list[int]:
        """Processes of this test whose command line names one of these: other tests have such ones too."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = [word.decode(errors="replace") for word in path.read_bytes().split(b"\0") if word]
            except OSError:
                continue
            ours = any(word.startswith(str(self.folder)) for word in words)
            if ours and {os.path.basename(word) for word in words} & set(names):
                found.append(int(path.parent.name))
        return found

    def close(self) -> None:
        for traffic in self._traffic:
            traffic.end()
        if self.daemon.running:
            try:
                self.daemon.stop()
            except AssertionError:
                pass
        self.app.stop()
        self.sink.stop()
        self.reference.down()
        self.database.down()

    def api(self, role: str | None = "admin") -> Api:
        return Api(self.daemon.port, self.tokens[role] if role else None)

    def ctl(self, *arguments: str, role: str | None = "admin", url: str | None = None,
            timeout: float = 120, columns: int | None = None) -> subprocess.CompletedProcess:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROLLBACKD_")}
        environment["ROLLBACKD_URL"] = url or f"http://127.0.0.1:{self.daemon.port}"
        if role:
            environment["ROLLBACKD_TOKEN"] = self.tokens[role]
        if columns:
            environment["COLUMNS"] = str(columns)
        return subprocess.run([str(BINARIES / "rollbackctl"), *arguments], env=environment, text=True,
                              capture_output=True, timeout=timeout, cwd=self.folder)

    # What happens to the service

    def deploy(self, name: str, **facts) -> dict:
        """Records a release and checks it out: what it breaks comes after its record, however busy this machine is."""
        recorded = self.record(self.repository.versions[name], **facts)
        self.repository.checkout(name)
        return recorded

    def record(self, version: str, **facts) -> dict:
        return self.api("ingest").must(201, "/v1/services/shop/deployments", {"version": version, **facts})

    def push(self, signal: str, *values: dict, service: str = "shop") -> None:
        for value in values:
            self.api("ingest").must(202, f"/v1/services/{service}/signals/{signal}", value)

    def traffic(self, signal: str, by=None) -> "Traffic":
        """Pushes an outcome every 50 ms, good while the application is."""

        def push() -> None:
            ok = by() if by else self.app.good
            self.api("ingest").post(f"/v1/services/shop/signals/{signal}", {"ok": ok})

        self._traffic.append(Traffic(push))
        return self._traffic[-1]

    # What rollbackd makes of it

    def trigger(self, name: str, service: str = "shop") -> dict:
        listed = self.api("read").read(f"/v1/services/{service}")["triggers"]
        return next(t for t in listed if t["name"] == name)

    def signal(self, name: str, service: str = "shop") -> dict:
        listed = self.api("read").read(f"/v1/services/{service}")["signals"]
        return next(s for s in listed if s["name"] == name)

    def incidents(self, service: str | None = "shop") -> list[dict]:
        query = f"?service={service}" if service else ""
        return self.api("read").read(f"/v1/incidents{query}")["items"]

    def incident(self, id_: str) -> dict:
        return self.api("read").read(f"/v1/incidents/{id_}")

    def opened(self, trigger: str | None = None, timeout: float = 15) -> dict:
        """The incident of the shop (that this trigger is part of), once there is one."""

        def find() -> dict | None:
            for item in self.incidents():
                whole = self.incident(item["id"])
                if trigger is None or trigger in names(whole["triggers"]):
                    return whole
            return None

        return wait_for(find, timeout, f"an incident of {trigger or 'the shop'}")

    def until(self, id_: str, *states: str, timeout: float = 20) -> dict:
        """The incident once it is in one of these states."""

        def find() -> dict:
            whole = self.incident(id_)
            assert whole["state"] in states, json.dumps(whole)[:1500]
            return whole

        return wait_for(find, timeout, f"{id_} to be {' or '.join(states)}")

    def standing(self, version: str) -> str:
        return self.api("read").read(f"/v1/services/shop/versions/{version}")["standing"]

    def healthy_first(self, signal: str = "health") -> None:
        """Waits until the signal has been good: A6 b asks whether it was, before a deployment."""
        wait_for(lambda: self.signal(signal)["last_value"] not in (None, "failed") and not self.signal(signal)["stale"],
                 what=f"a good sample of {signal}")

    def two_releases(self, bad: str = "fail") -> None:
        """v1 is recorded as known-good and serves; v2 is committed, bad, and not yet deployed."""
        self.repository.prepare("v2", bad)
        self.deploy("v1", known_good=True)
        self.healthy_first()

    def story(self) -> str:
        """What the daemon knows, for the log of a failed test."""
        try:
            return "\n".join(json.dumps(self.incident(i["id"]), indent=1) for i in self.incidents(None))[:20000]
        except (OSError, AssertionError, KeyError, ValueError) as error:
            return f"not to be had: {error}"


class Traffic:
    def __init__(self, push):
        self._push, self._over = push, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            try:
                self._push()
            except OSError:
                pass    # the daemon is being restarted

    def end(self) -> None:
        """Nothing of it is on its way any more."""
        self._over.set()
        self._thread.join(20)


def names(entries: list) -> list[str]:
    """Names of a list whose entries are names or objects with one."""
    return [entry if isinstance(entry, str) else entry.get("name") or entry.get("trigger") for entry in entries]


def guards(incident: dict) -> dict[str, str]:
    """Refusals as {guard: letter}."""
    return {refusal["guard"]: refusal["letter"] for refusal in incident["refusals"]}


def playbooks(incident: dict) -> list[str]:
    """Playbooks of its runs, oldest first."""
    return [run["playbook"] for run in incident["runs"]]
