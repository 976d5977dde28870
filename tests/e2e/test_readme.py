"""What the README shows works: its commands exist, its policy passes, its story is a real one."""

import re
import shlex
import subprocess

import pytest
from harness import BINARIES, wait_for
from harness.daemon import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def commands() -> list[list[str]]:
    """Every command line of the README, comments left out."""
    found = []
    for block in blocks("sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                found.append(words)
    return found


def test_its_scripts_exist_and_can_be_run():
    scripts = [words[0] for words in commands() if words[0].startswith("./")]
    assert {"./scripts/run", "./scripts/test"} <= set(scripts)
    for script in scripts:
        assert (ROOT / script).stat().st_mode & 0o111, script
        syntax = subprocess.run(["bash", "-n", str(ROOT / script)], capture_output=True, text=True)
        assert syntax.returncode == 0, syntax.stderr


def test_its_policy_passes_its_own_check(tmp_path):
    (tmp_path / "first.yaml").write_text(blocks("yaml")[0])
    done = subprocess.run([str(BINARIES / "rollbackctl"), "check", "first.yaml"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_policy_starts_with_the_ports_and_folders_of_this_machine(world):
    text = blocks("yaml")[0]
    hook = world.folder / "ops.url"
    hook.write_text(world.sink.url)
    for old, new in (("127.0.0.1:8620", f"127.0.0.1:{world.daemon.port}"),
                     ("/var/lib/rollbackd/rollbackd.db", f"{world.folder}/rollbackd.db"),
                     ("/run/rollbackd/api.sock", f"{world.folder}/api.sock"),
                     ("/etc/rollbackd/ops.url", str(hook)), ("192.0.2.1:443", world.reference.address),
                     ("/srv/shop", str(world.repository.path)), ("/var/log/nginx/access.log", str(world.access_log)),
                     ("http://127.0.0.1:3000", world.app.url), ("127.0.0.1:5432", world.database.address)):
        assert old in text, old
        text = text.replace(old, new)
    world.daemon.config.write_text(text)
    world.daemon.start()
    status = world.ctl("status", role=None)
    assert status.returncode == 0, status.stderr
    wait_for(lambda: world.app.requests, what="the health probe")
    # Who follows it can record a deployment: over the socket, without a token.
    done = subprocess.run([str(BINARIES / "rollbackctl"), "--url", f"unix:{world.folder}/api.sock", "deploy", "shop",
                           world.repository.head, "--known-good"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [w for w in commands() if w[0] == "rollbackctl"], ids=" ".join)
def test_every_rollbackctl_command_in_it_is_one(words):
    done = subprocess.run([str(BINARIES / "rollbackctl"), words[1], "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option in done.stdout, option


def test_its_deployment_commands_do_what_it_says(world):
    world.triggers()
    world.start()
    version = world.repository.head
    assert world.ctl("deploy", "shop", version, "--known-good").returncode == 0
    assert world.standing(version) == "known-good"
    assert world.ctl("gate", "shop", version).returncode == 0
