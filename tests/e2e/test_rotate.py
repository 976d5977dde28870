"""rotate: a new secret in an env file, which nobody is shown, and which is made once whatever is killed when."""

import hashlib
import os
import re
import signal
from pathlib import Path

import pytest
from harness import wait_for
from harness.by_hand import RUNS, carry_out, done, dry_run, step_text, with_steps
from harness.faults import Shim

BEFORE = '# keep me\nPORT=80\nexport JWT_SECRET="an old one" # rotated in May\n'


@pytest.fixture
def env(world):
    file = world.folder / "app.env"
    file.write_text(BEFORE)
    file.chmod(0o640)
    return file


def rotate(env, **more) -> dict:
    return {"rotate": {"file": str(env), "key": "JWT_SECRET", **more}}


def secret(env) -> str:
    return re.search(r'JWT_SECRET="(.*?)"', env.read_text())[1]


def everywhere(world) -> bytes:
    """All that the daemon has written down or said."""
    kept = [content(Path(folder, name)) for folder, _, names in os.walk(world.folder) for name in names if name != "app.env"]
    return b"".join([*kept, str(world.api().read("/v1/journal?limit=1000")).encode(), world.daemon.log.read_bytes(),
                     str(world.sink.messages).encode()])


def content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""      # removed meanwhile, or no file


def test_the_secret_is_in_the_file_and_nowhere_else(world, env):
    with_steps(world, {"capture_evidence": {"commands": [["echo", "before"]], "files": []}}, {**rotate(env), "save": "key"},
               {"capture_evidence": {"commands": [["cat", str(env)]], "files": []}},
               {"exec": {"argv": ["/bin/cat", str(env)]}})
    assert f"write a new random secret as JWT_SECRET into {env}" in dry_run(world) and env.read_text() == BEFORE
    run = done(world)
    value = secret(env)
    assert env.read_text() == BEFORE.replace("an old one", value) and re.fullmatch("[0-9a-f]{64}", value)
    assert env.stat().st_mode & 0o777 == 0o640
    assert step_text(world, run, 2) == f"{env}: JWT_SECRET holds a new secret of 32 random bytes"
    assert "[secret]" in step_text(world, run, 4)
    id_ = world.incidents()[0]["id"]
    assert value not in world.ctl("report", id_).stdout + world.ctl("show", id_).stdout
    wait_for(lambda: value.encode() not in everywhere(world), what="the step's own folder to be removed")
    done(world)
    assert secret(env) != value


def test_a_key_that_spans_lines_is_known_before_anything_begins(world, env):
    env.write_text("JWT_SECRET='two\nlines'\n")
    with_steps(world, rotate(env))
    run = carry_out(world)
    assert run["state"] == "failed" and "spans several lines" in step_text(world, run)
    assert env.read_text() == "JWT_SECRET='two\nlines'\n"


def begun(world, env, name: str) -> list[int]:
    """The run, once its process `name` has begun: its supervisor, and itself where it is that far. What it leaves is
    there for a while: nothing is removed before it is recorded."""
    disk = Shim(world)
    with_steps(world, rotate(env))
    disk.slow_disk(200)
    world.api("operate").must(201, RUNS, {"reason": "a test"})
    claim = wait_for(lambda: list(Path(f"{world.folder}/rollbackd.db.runs").glob(f"*/{name}/claim")), what="its claim")[0]
    pids = []
    for file in (claim, claim.with_name("child")):
        try:
            pids.append(int(re.search(rb"^pid \d+\n(\d+)$", file.read_bytes(), re.M)[1]))
        except FileNotFoundError:
            pass        # not that far, or over already
    return pids


@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("name", ["secret", "write"])
def test_a_step_that_is_killed_half_way_has_written_one_secret_or_none(world, env, name, attempt):
    pids = begun(world, env, name)
    world.daemon.kill()
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    after_kill = hashlib.sha256(env.read_bytes()).digest()
    world.daemon.start()

    def end() -> dict | None:
        runs = world.incident(world.incidents()[0]["id"])["runs"]
        return runs[-1] if runs[-1]["state"] in ("succeeded", "failed", "interrupted") else None

    run = wait_for(end, what="the run to end")
    changed = env.read_text() != BEFORE
    assert run["state"] == ("succeeded" if changed else "failed"), step_text(world, run)
    assert len(env.read_text().splitlines()) == 3 and env.read_text().startswith("# keep me\nPORT=80\nexport JWT_SECRET=\"")
    # What was written before the kill is not written over by another.
    assert hashlib.sha256(env.read_bytes()).digest() == after_kill or after_kill == hashlib.sha256(BEFORE.encode()).digest()
    assert not list(env.parent.glob(".rollbackd.*")) or not changed
