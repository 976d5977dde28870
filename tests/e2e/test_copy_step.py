"""copy between machines over the real ssh: whole under its name and hashed on both sides, or not there."""

import hashlib
import os
import subprocess

import pytest
from harness import wait_for
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.faults import need
from harness.sshd import Sshd, why_no_sshd


# What is asked for over there, unless the test holds up or cuts off what is sent.
WRAPPER = """\
case $SSH_ORIGINAL_COMMAND in
    *'cat >"$partial"'*)
        if [ -e {folder}/hold ]; then touch {folder}/reached; until [ -e {folder}/gate ]; do sleep 0.1; done; fi
        if [ -e {folder}/short ]; then head -c 1000 | sh -c "$SSH_ORIGINAL_COMMAND"; exit; fi ;;
esac
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""


@pytest.fixture
def far(world, tmp_path):
    """A machine `far`, and a dump that is to go there."""
    if reason := why_no_sshd():
        pytest.skip(reason)
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(WRAPPER.format(folder=tmp_path))
    sshd = Sshd(tmp_path / "sshd", f"/bin/sh {wrapper}")
    sshd.start()
    world.policy["hosts"] = {"far": sshd.host}
    world.there = tmp_path / "there it is"
    world.there.mkdir()
    world.dump = tmp_path / "shop_20261122_0200.dump"
    world.dump.write_bytes(os.urandom(300_000) + b"\n")
    world.dump.chmod(0o640)
    yield sshd
    sshd.stop()


def copy(world, **more) -> dict:
    return {"copy": {"file": str(world.dump), "to": str(world.there / "it's a.dump"), "at": "far", **more}}


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_with_its_mode_and_again_nothing_is_sent(world, far):
    with_steps(world, copy(world))
    assert "copy" in dry_run(world) and "far:" in dry_run(world)
    text = step_text(world, done(world))
    copied = world.there / "it's a.dump"
    assert copied.read_bytes() == world.dump.read_bytes() and copied.stat().st_mode & 0o777 == 0o640
    assert hashlib.sha256(world.dump.read_bytes()).hexdigest() in text
    inode = copied.stat().st_ino
    assert "there already" in step_text(world, done(world)) and copied.stat().st_ino == inode
    assert names(world.there) == ["it's a.dump"]


def test_from_there_to_here_and_what_was_there_is_kept(world, far):
    to = world.folder / "back.dump"
    to.write_text("another")
    with_steps(world, copy(world, to=str(to), at=""))
    run = carry_out(world)
    assert run["state"] == "failed" and to.read_text() == "another"
    world.daemon.stop()
    step = {"copy": {"file": str(world.dump), "from": "far", "to": str(to), "replace": True}}
    with_steps(world, step)
    done(world)
    assert to.read_bytes() == world.dump.read_bytes()
    kept = [path for path in world.folder.glob("back.dump.before_*")]
    assert [path.read_text() for path in kept] == ["another"]


def test_a_machine_that_does_not_answer_leaves_nothing(world, far):
    with_steps(world, copy(world))
    far.stop()
    assert carry_out(world)["state"] in ("failed", "interrupted")
    assert names(world.there) == []


def test_a_full_disk_is_seen_before_anything_is_sent(world, far):
    need("mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", world.there)
    try:
        with_steps(world, copy(world))
        run = carry_out(world)
        assert run["state"] == "failed" and "bytes are free" in step_text(world, run)
        assert names(world.there) == []
    finally:
        world.daemon.stop()
        subprocess.run(["umount", str(world.there)], check=True)


def test_what_is_changed_on_its_way_gets_no_name(world, far):
    """As if the connection had lost the rest, and nobody had said so."""
    (world.folder / "short").touch()
    with_steps(world, copy(world))
    run = carry_out(world)
    assert run["state"] == "failed" and "not what was sent" in step_text(world, run)
    assert names(world.there) == []


def test_killed_in_the_middle_it_is_carried_to_its_end(world, far):
    (world.folder / "hold").touch()
    with_steps(world, copy(world))
    world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(lambda: (world.folder / "reached").exists(), what="the step to be half-way")
    assert "it's a.dump" not in names(world.there)
    world.daemon.kill()
    world.daemon.start()
    (world.folder / "gate").touch()
    wait_for(lambda: names(world.there) == ["it's a.dump"], 30, "the copy")
    assert (world.there / "it's a.dump").read_bytes() == world.dump.read_bytes()
