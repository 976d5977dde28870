"""One service from a good release over a bad one to the end of its rollback, while somebody kills. Nobody
is told that the daemon died: calls are repeated under their Idempotency-Key, as a careful client does."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from harness import Api, World, wait_for
from harness.world import playbooks
from database import Database
from judge import owed_messages
from points import DAEMON, STEP, SUPERVISOR, Moment, Page, Point
from texts import FLAGS, LOG, SECRET
from tools import Tools

STEP_SCRIPT = """\
#!/bin/sh
# A step that must not run twice: FILE TAG SECONDS
echo "begin $2" >> "$1"
[ "$3" = 0 ] || sleep "$3"
echo "end $2" >> "$1"
"""
BEFORE, AFTER, BY_HAND = ("one", "two"), ("three",), ("tidy",)
PATIENCE = 30.0


class Stage(World):
    def __init__(self, folder: Path, tools: Tools, plan: list[Point | Moment], step_seconds: float = 0,
                 database: Database | None = None):
        folder.mkdir(parents=True)
        super().__init__(folder)
        self.postgres = database
        if database:
            self.policy["daemon"] |= {"store": database.url, "run_dir": str(folder / "steps")}
        self.plan = list(plan)
        self.kills: list[Point | Moment] = []
        self.ready_seconds: list[float] = []
        self.played_seconds = 0.0
        self.seen: set[str] = set()
        self.page = Page(folder / "page")
        self.lines = folder / "lines"
        self.lines.touch()
        self._armed: Point | Moment | None = None
        self._timer: threading.Timer | None = None
        self._struck = False
        self.daemon.binary = tools.install(folder / "bin", self.page.path)
        self.daemon.environment = {"LD_PRELOAD": str(tools.shim), "CRASH_PAGE": str(self.page.path)}
        self._write_playbooks(step_seconds)

    def _write_playbooks(self, seconds: float) -> None:
        script = self.folder / "append"
        script.write_text(STEP_SCRIPT)
        script.chmod(0o755)

        def steps(tags: tuple[str, ...]) -> list[dict]:
            return [{"exec": {"argv": [str(script), str(self.lines), tag, str(seconds)]}, "name": tag}
                    for tag in tags]

        self.tree = self.folder / "tree"
        self.tree.mkdir()
        (self.tree / "content").write_text("as it is kept")
        subprocess.run(["tar", "-C", self.tree, "-czf", self.folder / "tree.tar.gz", "."], check=True)
        (self.tree / "content").write_text("as it was")
        restore = {"archive_restore": {"to": str(self.tree), "file": str(self.folder / "tree.tar.gz")}, "name": "restore"}
        rollback = self.shop["playbooks"]["code-rollback"]
        files = self._files()
        rollback["steps"] = [*steps(BEFORE), *rollback["steps"], *steps(AFTER)]
        self.shop["playbooks"]["tidy"] = {
            "undoes": "nothing", "risk": "low", "data_loss": "none", "steps": [*steps(BY_HAND), restore, *files],
            "verify": [{"until": "ok(health)", "within": "4s"}]}

    def _files(self) -> list[dict]:
        """Steps that replace a file, a link, a secret, and empty a log: each whole, or as it was."""
        self.flags, self.secret, self.link, self.log, self.kept = (
            self.folder / name for name in ("flags.env", "secret.env", "current", "big.log", "kept"))
        self.flags.write_text(FLAGS)
        self.secret.write_text(SECRET)
        self.log.write_text(LOG)
        for folder in ("old", "new", "kept"):
            (self.folder / folder).mkdir()
        (self.folder / "new" / "content").touch()
        self.link.symlink_to("old")
        return [
            {"name": "flag", "file_edit": {"file": str(self.flags), "key": "CHECKOUT", "value": "false"}},
            {"name": "link", "symlink": {"link": str(self.link), "to": "new"}},
            {"name": "secret", "rotate": {"file": str(self.secret), "key": "JWT_SECRET"}},
            {"name": "log", "truncate": {"files": [str(self.log)], "keep": str(self.kept)}},
        ]

    def journal(self) -> Path:
        """The journal as one SQLite file, which the judge reads."""
        file = self.folder / "rollbackd.db"
        if self.postgres:
            self.postgres.copy_to(file)
        return file

    # The daemon's lives

    def launch(self) -> None:
        """Starts the daemon with the next crash of the plan before it, until it is ready or dead."""
        self._arm(daemon_lives=False)
        began = time.monotonic()
        process = self.daemon.spawn()
        if isinstance(self._armed, Moment):
            self._timer = threading.Timer(self._armed.seconds, self._strike, [self._armed.victims])
            self._timer.start()
        api = Api(self.daemon.port)

        def ready_or_dead() -> bool:
            return process.poll() is not None or api.get("/readyz").status == 200

        wait_for(ready_or_dead, PATIENCE, "the daemon to be ready")
        if process.poll() is None:
            self.ready_seconds.append(time.monotonic() - began)

    def _arm(self, daemon_lives: bool) -> None:
        self._armed = self.plan.pop(0) if self.plan else None
        self._struck = False
        point = self._armed if isinstance(self._armed, Point) else None
        pid = self.daemon.process.pid if daemon_lives else 0
        self.page.arm(point, pid, self.sink.port, self.daemon.port)

    def _strike(self, victims: int) -> None:
        """The random moment has come."""
        supervisor, step = self.page.helpers()
        if victims & STEP and self._is_ours(step):
            os.killpg(step, signal.SIGKILL)
        if victims & SUPERVISOR and self._is_ours(supervisor):
            os.kill(supervisor, signal.SIGKILL)
        if victims & DAEMON:
            self.daemon.process.send_signal(signal.SIGKILL)
        self._struck = True

    def _is_ours(self, pid: int) -> bool:
        try:
            return pid > 0 and str(self.folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def look(self) -> None:
        """Notices a death, and starts the daemon again."""
        if self._armed and (self.page.fired or self._struck):
            self.kills.append(self._armed)
            if not self._armed.victims & DAEMON:
                self._arm(daemon_lives=True)
                return
            # A supervisor of the life before may come by the point first, when the daemon is not there yet.
            self.daemon.process.kill()
            self.daemon.process.wait(PATIENCE)
        if self.daemon.process.poll() is None:
            return
        code = self.daemon.process.returncode
        assert code == -signal.SIGKILL, f"the daemon ended by itself, {code}:\n{self.daemon.tail()}"
        if self._timer:
            self._timer.cancel()
        self.launch()

    def steadily(self, look, what: str):
        """Waits for a truthy answer over any number of crashes."""

        def again():
            self.look()
            return look()

        return wait_for(again, PATIENCE, what)

    # The story

    def once(self, path: str, body: dict, key: str, took_effect) -> None:
        """POSTs until it is answered, or is known to have taken effect."""
        tries = 0

        def post() -> bool:
            nonlocal tries
            answer = self.api().post(path, body, Idempotency_Key=f"{key}-{tries}")
            if answer.status == 409 and "not known" in answer.text:
                if took_effect():
                    return True
                tries += 1
            assert answer.status in (200, 201), f"{path}: {answer.status} {answer.text[:300]}"
            return True

        self.steadily(post, f"POST {path} {body}")

    def deploy_once(self, name: str, **facts) -> None:
        """Recorded before anybody can see what it breaks, however busy this machine is."""
        version = self.repository.versions[name]
        path = "/v1/services/shop/deployments"
        self.once(path, {"version": version, **facts}, f"deploy-{name}",
                  lambda: version in [d["version"] for d in self.api().read(path)["items"]])
        self.repository.checkout(name)

    def incident_of(self, playbook: str) -> dict | None:
        for item in self.incidents():
            self.seen.add(item["id"])
            whole = self.incident(item["id"])
            if playbook in playbooks(whole):
                return whole
        return None

    def settled_incident(self, playbook: str) -> dict | None:
        """The incident once it is resolved; a person answers where only a person can."""
        incident = self.incident_of(playbook)
        if incident is None:
            self._roll_back_by_hand(playbook)
        if incident is None or incident["state"] == "resolved":
            return incident
        operate, path = self.api("operate"), f"/v1/incidents/{incident['id']}"
        run = incident["runs"][-1]
        unknown = [step for step in run["steps"] if step["state"] == "unknown"]
        if run["state"] == "interrupted" and unknown:
            happened = f"begin {unknown[0]['name']}" in self.lines.read_text() or unknown[0]["type"] != "exec"
            operate.post(f"{path}/steps/{unknown[0]['n']}/confirm", {"outcome": "done" if happened else "not_done"})
        elif incident["state"] in ("frozen", "unverified"):
            self.app.mode = "ok"    # mended by hand
            operate.post(f"{path}/resolve", {"reason": "mended by hand"})
        return None

    def _roll_back_by_hand(self, playbook: str) -> None:
        """Refused after a crash, and told: what was seen in the last seconds is forgotten, so nobody knows
        that it was good before (b); or the question whether it can work was killed (d)."""
        after_a_crash = {"bad_before"} | ({"no_target"} if self.supervisors_died else set())
        for item in self.incidents():
            guards = {refusal["guard"] for refusal in self.incident(item["id"])["refusals"]}
            if self.kills and item["state"] == "open" and guards and guards <= after_a_crash:
                path = f"/v1/services/shop/playbooks/{playbook}/runs"
                self.api("operate").post(path, {"reason": "it was refused"})

    @property
    def supervisors_died(self) -> bool:
        return any(kill.victims & SUPERVISOR for kill in self.kills)

    def play(self) -> None:
        self.write_policy()
        self.repository.release("v2", "fail")
        self.repository.checkout("v1")
        began = time.monotonic()
        self.launch()
        self.deploy_once("v1", known_good=True)
        self.steadily(lambda: self.trigger("down")["verdict"] == "false", "a good start")
        self.deploy_once("v2")
        self.steadily(lambda: self.settled_incident("code-rollback"), "the rollback's end")
        self.once("/v1/services/shop/playbooks/tidy/runs", {"reason": "a test"}, "tidy",
                  lambda: self.incident_of("tidy") is not None)
        self.steadily(lambda: self.settled_incident("tidy"), "the end of the run by hand")
        self.steadily(lambda: not self.undelivered(), "every message to arrive")
        self.played_seconds = time.monotonic() - began
        if self._timer:
            self._timer.cancel()
            self._timer.join()
            self.steadily(lambda: not self.undelivered(), "every message to arrive")
        self._stop()

    def _stop(self) -> None:
        """A crash may come here too."""
        while (code := self.daemon.stop(PATIENCE)) != 0:
            assert code == -signal.SIGKILL, f"the stop ended with {code}:\n{self.daemon.tail()}"
            self.look()

    def undelivered(self) -> set[str]:
        return owed_messages(self.journal()) - {m.get("id") for m in self.sink.messages}

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        super().close()
        self.page.close()
