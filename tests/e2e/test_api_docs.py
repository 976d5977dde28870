"""docs/api.md: every command in it is run, in its order, and answered with the status it says; and every call of the
API stands there."""

import os
import re
import subprocess

import pytest
from harness import wait_for
from harness.daemon import ROOT
from harness.policy import failing_payments

PAGE = (ROOT / "docs/api.md").read_text()


def sections() -> list[tuple[str, list[str]]]:
    """Each heading with the command lines under it."""
    found = []
    for part in re.split(r"^## ", PAGE, flags=re.M):
        blocks = re.findall(r"^```sh\n(.*?)^```", part, re.M | re.S)
        found.append((part.splitlines()[0], [line for block in blocks for line in block.splitlines() if line]))
    return found


@pytest.fixture
def shop(world):
    """A plan that waits for an approval, and a playbook with a step and a duty for people."""
    world.triggers(down=world.shop["triggers"]["down"],
                   payments=failing_payments(autonomy="advise", blame="any", response=["payments-off"]))
    world.shop["duties"] = [{"name": "tell", "text": "Tell users", "deadline": "1h", "from": "detection"}]
    world.shop["playbooks"]["drain"] = {
        "undoes": "nothing", "risk": "low", "data_loss": "none", "budget": "5m", "inputs": {"queue": "mail"},
        "steps": [{"manual": {"say": "drain {{ inputs.queue }}"}}],
        "verify": [{"until": "ok(health)", "within": "4s"}],
    }
    world.start()
    world.deploy("v1", known_good=True)
    world.healthy_first()
    return world


class Shell:
    """A person's shell: what one line sets the next ones know."""

    def __init__(self, world):
        self.folder = world.folder
        self.known = dict(os.environ, ROLLBACKD_TOKEN=world.tokens["admin"])
        self.port = world.daemon.port

    def run(self, line: str) -> str:
        line = line.replace("127.0.0.1:8620", f"127.0.0.1:{self.port}")
        name = re.match(r"([A-Z]+)=", line)
        done = subprocess.run(["bash", "-c", line + (f'; printf %s "${name[1]}"' if name else "")], env=self.known,
                              cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 28), f"{line}\n{done.stdout}{done.stderr}"   # 28: --max-time of a stream
        if name:
            assert done.stdout not in ("", "null"), line
            self.known[name[1]] = done.stdout
        return done.stdout

    def status(self, line: str) -> int:
        return int(self.run(line.replace("curl ", "curl -o answer -w '%{http_code}' ", 1)))


def waiting(world) -> bool:
    return any(i["state"] == "waiting" for i in world.incidents())


def prepare(world, section: str) -> None:
    """What has happened by the time somebody reads on."""
    if section == "An incident":
        world.push("payments", *[{"ok": False, "reason": "declined"}] * 4)
        wait_for(lambda: waiting(world), what="a plan to approve")
    if section == "A playbook by hand":
        world.push("payments", *[{"ok": True}] * 3)
        wait_for(lambda: not world.api().read("/v1/services/shop")["open_incidents"], what="nothing to be open")


def afterwards(world, command: str, status: int) -> None:
    """What takes a moment, and the next command counts on."""
    if command.endswith("/runs") and status == 201:
        wait_for(lambda: waiting(world), what="the step for people")
    if command.endswith("/steps/1/confirm"):
        wait_for(lambda: world.incidents()[0]["runs"][-1]["state"] not in ("waiting", "running", "verifying"),
                 what="the run to end")


def test_every_command_is_answered_as_it_says(shop):
    shell, called = Shell(shop), set()
    for section, lines in sections():
        prepare(shop, section)
        for line in lines:
            said = re.search(r"\s+# (\d{3})$", line)
            command = line[:said.start()] if said else line
            if "$URL/" in command:
                called.add(call_of(command))
            if said is None:
                shell.run(command)
                continue
            status = shell.status(command)
            assert status == int(said[1]), f"{line}\n{(shop.folder / 'answer').read_text(errors='replace')}"
            afterwards(shop, command, status)
    document = shop.api().read("/v1/openapi.json")["paths"]
    for method, path in called:
        assert any(matches(path, pattern) and method.lower() in operations
                   for pattern, operations in document.items()) or "shpo" in path, (method, path)
    missing = {(method.upper(), pattern) for pattern, operations in document.items() for method in operations
               if not any(method.upper() == m and matches(p, pattern) for m, p in called)}
    page = {(method, path) for method, path in missing if not path.startswith("/v1/")}
    assert missing == page and not page & {("GET", probe) for probe in ("/healthz", "/readyz", "/metrics")}


def call_of(command: str) -> tuple[str, str]:
    method = "DELETE" if "-X DELETE" in command else "POST" if re.search(r"--json|--data| -d ", command) else "GET"
    return method, re.search(r"\$URL(/[^?\"\s]*)", command)[1]


def matches(path: str, pattern: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) is not None
