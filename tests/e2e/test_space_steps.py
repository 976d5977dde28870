"""truncate, prune and backup_prune: room is made, and what is needed stays."""

import gzip
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from harness import wait_for
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.engine import Engine, why_no_engine

EVIDENCE = {"capture_evidence": {"commands": [["/bin/true"]]}}
LOSES = {"data_loss": "possible"}


# Logs


@pytest.fixture
def log(world):
    """Written to by a process that has it open, in append mode."""
    world.log = world.folder / "shop.log"
    world.log.write_bytes(b"an old line\n" * 20_000)
    writer = subprocess.Popen(["/bin/sh", "-c", f"while read -r line; do echo \"$line\"; done >>{world.log}"],
                              stdin=subprocess.PIPE, text=True)
    def write(line: str) -> None:
        writer.stdin.write(line + "\n")
        writer.stdin.flush()
    yield write
    writer.stdin.close()
    writer.wait(60)


def test_a_log_that_is_held_open_is_emptied_where_it_is_and_kept_first(world, log):
    keep = world.folder / "kept"
    keep.mkdir()
    before = world.log.read_bytes()
    inode = world.log.stat().st_ino
    with_steps(world, {"truncate": {"files": [str(world.log)], "keep": str(keep)}})
    assert "keep all of it" in dry_run(world)
    text = step_text(world, done(world))
    log("a new line")
    wait_for(lambda: world.log.read_text() == "a new line\n", what="the line alone in the log")
    assert world.log.stat().st_ino == inode and world.log.stat().st_blocks <= 8
    (kept,) = keep.iterdir()
    assert gzip.decompress(kept.read_bytes()) == before and "bytes are free again" in text and "sha256" in text


def test_only_the_end_is_kept_where_there_is_no_room_and_a_person_is_asked(world, log):
    keep = world.folder / "kept"
    keep.mkdir()
    with_steps(world, EVIDENCE, {"truncate": {"files": [str(world.log)], "keep": str(keep), "tail": "24B"}}, **LOSES)
    begun = world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(lambda: [run["state"] for item in world.incidents() for run in world.incident(item["id"])["runs"]
                      if run["id"] == begun["id"]] == ["waiting"], what="a person to be asked")
    assert world.log.stat().st_size > 1000


def test_what_cannot_be_kept_is_not_emptied(world, log):
    before = world.log.read_bytes()
    with_steps(world, {"truncate": {"files": [str(world.log)], "keep": str(world.folder / "nowhere")}})
    run = carry_out(world)
    assert run["state"] == "failed" and "no folder" in step_text(world, run)
    world.daemon.stop()
    link = world.folder / "link.log"
    link.symlink_to(world.log)
    keep = world.folder / "kept"
    keep.mkdir()
    with_steps(world, {"truncate": {"files": [str(link)], "keep": str(keep)}})
    assert "a link" in step_text(world, carry_out(world))
    assert world.log.read_bytes() == before


# Backups


def stamped(world, kind: str, days: int, text: bytes = b"-- PostgreSQL database dump complete\n", ending=".sql.gz") -> str:
    at = datetime.now(UTC) - timedelta(days=days)
    name = f"shop{kind}_{at:%Y%m%d_%H%M%S}Z{ending}"
    (world.backups / name).write_bytes(gzip.compress(text) if text else b"broken")
    return name


@pytest.fixture
def backups(world):
    world.backups = world.folder / "backups"
    world.backups.mkdir()
    return world


def prune_backups(world, **more) -> dict:
    return {"backup_prune": {"folder": str(world.backups), "name": "shop", "older_than": "7d", "keep_newest": 2, **more}}


def left(world) -> set[str]:
    return {path.name for path in world.backups.iterdir()}


def test_old_backups_go_and_the_newest_that_can_be_read_stay_whatever_their_age(backups):
    kept = {stamped(backups, "", 20), stamped(backups, "_pre_v7", 30), stamped(backups, "", 10, b""),
            stamped(backups, "_emergency", 40), stamped(backups, "", 5, b"")}
    gone = {stamped(backups, "", 40), stamped(backups, "", 50), stamped(backups, "", 60, b"")}
    kept.add("notes.txt")
    (backups.backups / "notes.txt").write_text("mine")
    with_steps(backups, EVIDENCE, prune_backups(backups), **LOSES)
    assert "never the newest 2" in dry_run(backups)
    run = carry_out(backups)
    assert run["state"] == "succeeded", run
    # What is broken and younger than the last good one that stays is for people to look at.
    assert left(backups) == kept and not left(backups) & gone
    assert "3 backups are deleted" in step_text(backups, run, 2)


def test_where_too_few_are_good_none_goes(backups):
    names = {stamped(backups, "", 20), stamped(backups, "", 30, b""), stamped(backups, "", 40, b"")}
    with_steps(backups, EVIDENCE, prune_backups(backups), **LOSES)
    assert "only 1 good" in step_text(backups, done(backups), 2)
    assert left(backups) == names


def test_emergency_dumps_go_only_where_that_is_asked_for_and_a_hostile_name_deletes_nothing_else(backups):
    precious = backups.folder / "shop_20200101_000000.sql.gz"
    precious.write_bytes(gzip.compress(b"precious"))
    good = {stamped(backups, "", 1), stamped(backups, "", 2)}
    stamped(backups, "_emergency", 40)
    (backups.backups / f"shop_x\n5\t..").mkdir()
    with_steps(backups, EVIDENCE, prune_backups(backups, emergency=True), **LOSES)
    done(backups)
    assert {name for name in left(backups) if "\n" not in name} == good and precious.exists()


# Images


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if reason := why_no_engine():
        pytest.skip(reason)
    made = Engine(tmp_path_factory.mktemp("engine"))
    made.start()
    yield made
    made.stop()


def images(engine) -> set[str]:
    return set(engine.ctl("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())


def build(engine, folder, name: str, text: str) -> None:
    context = folder / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(f"FROM bb:1\nLABEL text={text}\n")
    subprocess.run([*engine.client(), "build", "-q", "-t", name, str(context)], check=True, capture_output=True,
                   env={**os.environ, "DOCKER_BUILDKIT": "0"}, timeout=300)


def prune(engine, **more) -> dict:
    docker = shutil.which("docker", path="/usr/bin") or "docker"
    return {"prune": {"docker": [docker, "-H", f"unix://{engine.socket}"], "older_than": "0s", "build_cache": False, **more}}


def test_images_go_but_none_in_use_named_or_among_the_newest_and_never_a_volume(world, engine):
    for number in range(1, 6):
        build(engine, world.folder, f"shop:v{number}", f"shop{number}")
    build(engine, world.folder, "shop:v5", "again")    # the first v5 has lost its name
    engine.ctl("volume", "create", "data")
    engine.ctl("run", "-d", "--name", "old", "--network=host", "shop:v2", "/bin/true")
    step = prune(engine, images="unused", keep=["bb", "shop:v1"], keep_newest=1)
    try:
        with_steps(world, step)
        assert "never a volume" in dry_run(world)
        text = step_text(world, done(world))
        assert images(engine) == {"bb:1", "shop:v1", "shop:v2", "shop:v5"}, text
        assert "1 are in use" in text and "data" in engine.ctl("volume", "ls", "-q")
        assert "0 of 0 images are gone" in step_text(world, done(world))
    finally:
        engine.ctl("rm", "-f", "old")
        engine.ctl("volume", "rm", "data")


def test_an_engine_that_does_not_answer_is_a_failed_step(world, engine):
    with_steps(world, {"prune": {"docker": ["/usr/bin/docker", "-H", f"unix://{world.folder}/nowhere"]}})
    run = carry_out(world)
    assert run["state"] == "failed" and "does not answer" in step_text(world, run)


def test_the_build_cache_goes_by_itself(world, engine):
    with_steps(world, prune(engine, images="none", build_cache=True))
    run = carry_out(world)
    assert "build cache" in step_text(world, run), step_text(world, run)
