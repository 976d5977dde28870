"""What the drills of all shipped policies share: the policy as it is shipped, the machine it runs on, users, dumps, and
the clock from the breach to recovered."""

import datetime
import http.client
import json
import os
import subprocess
import threading
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import yaml
from harness.daemon import ROOT
from harness.machine import Machine
from harness.own_network import OwnNetwork
from harness.servers import Postgres
from harness.sshd import Sshd
from harness.waiting import wait_for
from harness.world import World

CLIENTS = 20
ENDED = ("succeeded", "failed", "interrupted", "aborted")


class Drill:
    """A stack, small but real. A subclass says what it is made of."""

    example = service = ""

    def __init__(self, world: World, folder: Path, network: OwnNetwork | None = None):
        self.world, self.folder, self.network = world, folder, network
        self.ends = ExitStack()     # of what has been begun, the newest first

    def build(self) -> None:
        self.machine = Machine(self.folder / "machine", self.network)
        self.ends.callback(self.machine.stop)
        self.world.daemon.wrapper = self.machine.enter
        self.outside = Sshd(self.folder / "outside", self.over_there(), enter=self.machine.enter)
        self.ends.callback(self.outside.stop)
        self.outside.start()
        self.postgres = Postgres(self.folder / "postgres")
        self.ends.callback(self.stop_postgres)
        self.ends.callback(self.stop_units)
        self.postgres.with_app()
        self.postgres.psql("ALTER ROLE shop CREATEDB", "postgres")
        # Its process, and no other that has the number by now (a container has numbers of its own).
        pid = f"$(pgrep -o -f -- '-D {self.folder}/postgres/data')"
        self.machine.unit("postgresql.service", f"setsid {' '.join(self.postgres.argv())} & while ! psql -qc 'SELECT 1' "
                          f"'{self.postgres.dsn('root', 'postgres')}'; do sleep 0.1; done",
                          f"kill -INT {pid}; while [ -n \"{pid}\" ]; do sleep 0.05; done", f"[ -n \"{pid}\" ]")

    def over_there(self) -> str:
        """What is asked for from outside is asked on the other machine, where there is one."""
        if self.network is None:
            return ""
        script = self.folder / "over-there.sh"
        script.write_text(f"exec {' '.join(self.network.inside_other)} sh -c \"$SSH_ORIGINAL_COMMAND\"\n")
        return f"sh {script}"

    def shipped(self, names: dict[str, str]) -> dict:
        """The policy's own file; only addresses are others, and who is told."""
        text = (ROOT / "config/examples" / self.example).read_text()
        for old, new in names.items():
            assert old in text, f"{self.example} does not name {old} any more"
            text = text.replace(old, new)
        policy = yaml.safe_load(text)
        given = self.world.policy["daemon"]
        policy["daemon"].update({key: given[key] for key in ("listen", "store", "tokens", "references")})
        policy["notify"] = {name: channel if "status_file" in channel else {"webhook": {"url": self.world.sink.url}}
                            for name, channel in policy["notify"].items()}
        policy["hosts"] = {name: self.outside.host for name in policy["hosts"]}
        # What a real application needs for its start is no part of what is measured.
        policy["services"][self.service]["start_period"] = "1s"
        return policy

    def start(self, *signals: str, known_good: str = "") -> None:
        """Watched, and well."""
        self.world.start()
        if known_good:
            self.world.api("ingest").must(201, f"/v1/services/{self.service}/deployments",
                                          {"version": known_good, "known_good": True})
        for name in signals:
            wait_for(lambda name=name: self.world.signal(name, self.service)["last_at"], 20, f"a sample of {name}")

    def starts_slowly(self) -> None:
        """A new container's start is no outage, however busy this machine is; to be said before it is watched."""
        self.world.policy["services"][self.service]["start_period"] = "10s"

    def used(self, *more) -> None:
        """From here on people use it."""
        self.users = Users(self.front, *more)
        self.ends.callback(self.users.stop)

    def stop_units(self) -> None:
        for unit in self.machine.path("/run/units").glob("*.service"):
            self.machine.run("systemctl", "stop", unit.name, check=False)

    def stop_postgres(self) -> None:
        if self.postgres.process and self.postgres.process.poll() is not None:
            self.postgres.process = None        # its unit has been started again since
        self.postgres.stop()

    def close(self) -> None:
        self.ends.close()

    # What the test asks

    def of_trigger(self, *triggers: str, timeout: float = 20) -> dict:
        """The incident that one of these triggers is part of, once there is one."""

        def find() -> dict:
            for item in self.world.incidents(self.service):
                whole = self.world.incident(item["id"])
                if any(one["name"] in triggers for one in whole["triggers"]):
                    return whole
            raise AssertionError(f"no incident of {triggers}")

        return wait_for(find, timeout, f"{' or '.join(triggers)} to fire")

    def run_of(self, incident: str, playbook: str, *states: str, timeout: float = 30) -> dict:
        """This playbook's newest run, once it is in one of these states."""

        def find() -> dict:
            whole = self.world.incident(incident)
            run = next(run for run in reversed(whole["runs"]) if run["playbook"] == playbook)
            assert run["state"] in states, [(one["playbook"], one["state"], one["reason"], [
                (step["type"], step["state"]) for step in one["steps"]]) for one in whole["runs"]]
            return run

        return wait_for(find, timeout, f"{playbook} to be {' or '.join(states)}")

    def approve(self, incident: str, playbook: str) -> dict:
        """A person reads the plan of what destroys, and agrees."""
        run = self.run_of(incident, playbook, "waiting")
        assert all(step["state"] == "pending" for step in run["steps"]), "a step began before a person was asked"
        self.world.api("approve").must(200, f"/v1/incidents/{incident}/approve", {"plan": run["plan"]})
        return run

    def confirm(self, incident: str, playbook: str, step_type: str, before=None) -> None:
        """A person does what a manual step says, and confirms it."""

        def waiting() -> dict:
            run = next(run for run in reversed(self.world.incident(incident)["runs"]) if run["playbook"] == playbook)
            return next(step for step in run["steps"] if step["type"] == step_type and step["state"] in ("running", "waiting"))

        step = wait_for(waiting, 40, "a step to wait for a person")
        if before:
            before()
        self.world.api("operate").must(200, f"/v1/incidents/{incident}/steps/{step['n']}/confirm", {"outcome": "done"})

        def taken() -> bool:
            run = next(run for run in reversed(self.world.incident(incident)["runs"]) if run["playbook"] == playbook)
            return next(one for one in run["steps"] if one["n"] == step["n"])["state"] == "done"

        wait_for(taken, what="the confirmation to be taken")

    def not_done(self, incident: str, playbook: str) -> None:
        """A person could not do what a manual step says, and says so."""
        step = wait_for(lambda: next(one for one in self.run_of(incident, playbook, "running")["steps"]
                                     if one["type"] == "manual" and one["state"] == "waiting"), 40, "a step to wait for a person")
        self.world.api("operate").must(200, f"/v1/incidents/{incident}/steps/{step['n']}/confirm", {"outcome": "not_done"})

    def told(self, incident: str, text: str) -> None:
        """People know why nothing is done about it."""
        def seen() -> bool:
            return any(text in json.dumps(message) for message in self.world.sink.messages
                       if (message.get("incident") or {}).get("id") == incident)

        wait_for(seen, what=f"people to be told of {text}")

    def frozen(self, incident: str, *said: str) -> dict:
        """It ended in people's hands: they are called, told why, and what to do."""
        wait_for(lambda: self.world.incident(incident)["state"] == "frozen", 60, "people to be called")
        wait_for(lambda: "incident.frozen" in self.world.sink.events(incident), what="people to be told")
        whole = self.world.incident(incident)
        assert f"rollbackctl resume {self.service}" in whole["must"], whole["must"]
        steps = self.step_texts(incident)
        for text in said:
            assert text in steps, steps
        return whole

    def failed_step(self, incident: str, playbook: str) -> str:
        """The type of the step at which its newest run ended."""
        run = self.run_of(incident, playbook, "failed")
        (failed,) = [step for step in run["steps"] if step["state"] == "failed"]
        return failed["type"]

    def status(self, path: str) -> int:
        """As users see it."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.front}{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def shielded(self, *paths: str) -> None:
        """By the maintenance page; an old worker of nginx may answer a moment longer."""
        for path in paths or ("/",):
            wait_for(lambda path=path: self.status(path) == 503, what=f"the page at {path}")

    def called(self, playbook: str, **inputs: str) -> str:
        """A person calls it; the incident that its run is part of."""
        begun = self.world.api("operate").must(201, f"/v1/services/{self.service}/playbooks/{playbook}/runs",
                                               {"reason": "a drill", "inputs": inputs})
        return next(item["id"] for item in self.world.incidents(self.service)
                    if begun["id"] in [run["id"] for run in self.world.incident(item["id"])["runs"]])

    def by_hand(self, playbook: str, state: str = "succeeded", **inputs: str) -> dict:
        """A person calls it; the run at its end."""
        begun = self.world.api("operate").must(201, f"/v1/services/{self.service}/playbooks/{playbook}/runs",
                                               {"reason": "a drill", "inputs": inputs})

        def end() -> dict:
            for item in self.world.incidents(self.service):
                for run in self.world.incident(item["id"])["runs"]:
                    if run["id"] == begun["id"]:
                        if run["state"] == "waiting":
                            self.world.api("approve").must(200, f"/v1/incidents/{item['id']}/approve", {"plan": run["plan"]})
                        assert run["state"] in ENDED, run["state"]
                        return {**run, "incident": item["id"]}
            raise AssertionError("no such run")

        run = wait_for(end, 40, f"{playbook} to end")
        assert run["state"] == state, (run["reason"], self.step_texts(run["incident"]))
        return run

    def fails_at(self, playbook: str, step: str, said: str, **inputs: str) -> str:
        """A person calls it, and it ends at this step, which says why; the incident."""
        run = self.by_hand(playbook, "failed", **inputs)
        assert [one["name"] for one in run["steps"] if one["state"] == "failed"] == [step], self.step_texts(run["incident"])
        assert said in self.step_texts(run["incident"]), self.step_texts(run["incident"])
        return run["incident"]

    def refused(self, playbook: str, said: str, **inputs: str) -> None:
        """A person calls it, and it is known before its first step that it cannot work: nothing is begun."""
        before = self.world.incidents(self.service)
        refusal = self.world.api("operate").must(409, f"/v1/services/{self.service}/playbooks/{playbook}/runs",
                                                 {"reason": "a drill", "inputs": inputs})
        assert said in refusal["detail"], refusal
        assert len(self.world.incidents(self.service)) == len(before)

    def recovered(self, incident: str, timeout: float = 40) -> dict:
        wait_for(lambda: self.world.incident(incident)["recovered_at"], timeout, "it to be recovered")
        wait_for(lambda: "incident.verified" in self.world.sink.events(incident), what="people to be told")
        return self.world.incident(incident)

    def timeline(self, incident: str) -> list[dict]:
        return self.world.api("operate").read(f"/v1/incidents/{incident}/timeline")["items"]

    def step_texts(self, incident: str) -> str:
        """All that the steps of its runs said."""
        runs = {run["id"] for run in self.world.incident(incident)["runs"]}
        items = self.world.api("operate").read("/v1/journal?limit=500")["items"]
        return "\n".join(item["body"]["text"] for item in items
                         if item["kind"] == "step.ended" and item["body"]["run"] in runs)

    def measure(self, incident: str, triggers: str | tuple[str, ...], scenario: str, documented: float | str,
                limit: float = 0) -> float:
        """Seconds from the breach, where the first of the triggers fired, to its being verified, by the daemon's own
        records, without the time that people took. Kept for docs/runbooks.md (scripts/testing/drill_table.py)."""
        whole = self.world.incident(incident)
        named = (triggers,) if isinstance(triggers, str) else triggers
        fired = min(moment(one["fired_at"]) for one in whole["triggers"] if one["name"] in named)
        lines = self.timeline(incident)
        ended = next(moment(line["at"]) for line in lines if line["kind"] == "incident.recovered")
        return self.keep(scenario, documented, (ended - fired).total_seconds() - waited(lines), limit)

    def measure_run(self, incident: str, playbook: str, scenario: str, documented: float | str, limit: float = 0) -> float:
        """The same of a run that a person has called: from its start."""
        lines = self.timeline(incident)
        begun = next(moment(line["at"]) for line in lines if line["kind"] == "run.started")
        ended = next(moment(line["at"]) for line in lines if line["kind"] == "incident.recovered")
        return self.keep(scenario, documented, (ended - begun).total_seconds(), limit)

    def keep(self, scenario: str, documented: float | str, seconds: float, limit: float) -> float:
        print(f"\n{self.example}: {scenario}: {seconds:.2f} s from the breach to recovered")
        # A machine that is busy with other work says nothing about a limit.
        if limit and os.getloadavg()[0] < 2 * (os.cpu_count() or 1):
            assert seconds < limit, f"{scenario}: {seconds:.2f} s, at most {limit}"
        if keep := os.environ.get("ROLLBACKD_DRILL_TIMES"):
            with open(keep, "a") as file:
                file.write(json.dumps({"policy": self.example, "scenario": scenario, "documented": documented,
                                       "seconds": round(seconds, 2)}) + "\n")
        return seconds

    # Data

    def dump(self, path: str, plain: bool = False, database: str = "app") -> Path:
        """As the nightly job makes it."""
        file = self.machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        argv = [str(self.postgres.programs / "pg_dump"), self.postgres.dsn("root", database)]
        if plain:
            made = subprocess.run([*argv, "--no-owner"], capture_output=True, check=True).stdout
            file.write_bytes(subprocess.run(["gzip"], input=made, capture_output=True, check=True).stdout)
        else:
            subprocess.run([*argv, "-Fc", "-f", str(file)], check=True)
        return file

    def nights(self, folder: str, name: str, plain: bool = False) -> None:
        """A week of nightly dumps of the database as it is now, the newest of this morning."""
        ending = "sql.gz" if plain else "dump"
        today = datetime.datetime.now().replace(second=0)
        first = self.dump(f"{folder}/{name}_{today - datetime.timedelta(hours=1):%Y%m%d_%H%M%S}.{ending}", plain)
        for days in range(1, 8):
            night = today - datetime.timedelta(days=days)
            copy = first.with_name(f"{name}_{night:%Y%m%d_%H%M%S}.{ending}")
            copy.write_bytes(first.read_bytes())
            os.utime(copy, (night.timestamp(), night.timestamp()))

    def databases(self) -> list[str]:
        return self.postgres.psql("SELECT datname FROM pg_database WHERE datname LIKE 'app%' ORDER BY 1", "postgres").split()


class Users:
    """So many of them, each with an address of its own; every fourth goes to the checkout."""

    def __init__(self, port: int, paths: tuple[str, ...] = ("/checkout", "/", "/", "/")):
        self.port, self.paths = port, paths
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()

    def run(self) -> None:
        while not self._stop.is_set():
            for n in range(CLIENTS):
                if self._stop.wait(0.05):
                    return
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5,
                                                        source_address=(f"127.0.1.{n + 1}", 0))
                try:
                    connection.request("GET", self.paths[n % len(self.paths)])
                    connection.getresponse().read()
                except OSError:
                    pass
                finally:
                    connection.close()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def waited(lines: list[dict]) -> float:
    """Seconds that plans waited for a person."""
    total, since = 0.0, None
    for line in lines:
        if line["kind"] == "incident.state" and "waiting for approval" in line["text"]:
            since = moment(line["at"])
        elif line["kind"] == "run.approved" and since:
            total, since = total + (moment(line["at"]) - since).total_seconds(), None
    return total
