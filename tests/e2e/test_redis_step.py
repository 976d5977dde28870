"""The redis step against a real Redis: a flag set, a queue taken away, kept, and only then deleted."""

import subprocess
from pathlib import Path

import pytest
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.servers import Redis, find_program

EVIDENCE = {"capture_evidence": {"commands": [["/bin/true"]]}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    redis = Redis(tmp_path_factory.mktemp("queue") / "redis").start()
    yield redis
    redis.stop()


@pytest.fixture
def shop(world, server):
    server.ask("FLUSHALL")
    world.server, world.kept = server, world.folder / "kept"
    world.kept.mkdir()
    return world


def redis(world, **more) -> dict:
    return {"redis": {"address": f"127.0.0.1:{world.server.port}",
                      "password_file": str(world.server.password_file), **more}}


def deleting(world, **more) -> None:
    with_steps(world, EVIDENCE, redis(world, do="delete", keep=str(world.kept), **more), data_loss="possible")


def kept(world) -> dict[str, Path]:
    return {file.read_text(): file.with_suffix(".dump") for file in world.kept.rglob("*.key")}


def test_a_flag_is_set_to_its_last_byte(shop):
    with_steps(shop, redis(shop, do="set", key="feature:payments", value="{{ inputs.to }}"), inputs={"to": None})
    done(shop, to='off; "now"')
    assert shop.server.ask("GET", "feature:payments") == 'off; "now"'
    assert "feature:payments" in dry_run(shop, to="x")


def test_only_the_queue_is_deleted_and_it_can_be_brought_back(shop):
    shop.server.ask("RPUSH", "jobs", "1", "2", "3")
    shop.server.ask("SET", "session:1", "kept")
    deleting(shop, key="jobs")
    done(shop)
    assert shop.server.ask("KEYS", "*") == "session:1"
    with kept(shop)["jobs"].open("rb") as dump:
        subprocess.run([find_program("redis-cli"), "-p", str(shop.server.port), "--no-auth-warning", "-a",
                        "s3cret-of-redis", "-x", "RESTORE", "jobs", "0"], stdin=dump, check=True, capture_output=True)
    assert shop.server.ask("LRANGE", "jobs", "0", "-1").split() == ["1", "2", "3"]


def test_keys_of_a_pattern_are_deleted_and_never_more_than_said(shop):
    for n in range(12):
        shop.server.ask("HSET", f"bull:mail:{n} x", "a", "b")
    shop.server.ask("SET", "bull:other", "1")
    deleting(shop, pattern="bull:mail:*", most=11)
    assert "12 keys match" in step_text(shop, carry_out(shop), 2)
    assert shop.server.ask("DBSIZE") == "13"
    shop.daemon.stop()
    deleting(shop, pattern="bull:mail:*", most=12)
    done(shop)
    assert shop.server.ask("KEYS", "*") == "bull:other"
    assert len(kept(shop)) == 12


def test_what_cannot_be_kept_is_not_deleted(shop):
    shop.server.ask("RPUSH", "jobs", "1")
    deleting(shop, key="jobs")
    shop.kept.rmdir()
    shop.kept.write_text("a file where the folder was")
    assert "no folder that" in step_text(shop, carry_out(shop), 2)
    assert shop.server.ask("LLEN", "jobs") == "1"


def test_a_redis_that_is_gone_or_refuses_is_a_failed_step_without_the_password(shop):
    shop.server.password_file.write_text("wr0ng-password")
    try:
        with_steps(shop, redis(shop, do="set", key="a", value="b"))
        text = step_text(shop, carry_out(shop))
        assert "WRONGPASS" in text and "wr0ng" not in text
    finally:
        shop.server.password_file.write_text("s3cret-of-redis")
    assert shop.server.ask("EXISTS", "a") == "0"
