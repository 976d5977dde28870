"""compose-alembic.yaml where its own steps cannot be carried out: ports and page stay closed, nothing that was there is lost."""

import subprocess

import pytest
from harness import wait_for
from harness.own_network import OPERATOR
from harness.world import playbooks

pytestmark = pytest.mark.usefixtures("own_network")      # before the world is made


def redis(web, *words: str) -> str:
    return subprocess.run(["redis-cli", "-p", str(web.redis), *words], capture_output=True, text=True).stdout.strip()


def test_a_queue_is_cleared_by_an_approval_and_never_where_it_cannot_be_kept_or_redis_is_gone(world, web):
    web.watched()
    redis(web, "RPUSH", "queue:default", "1", "2")
    redis(web, "SET", "session:1", "x")
    web.machine.read_only(web.kept)
    web.refused("clear-queue", f"{web.kept}: no folder that root can write to")
    assert redis(web, "LLEN", "queue:default") == "2"
    web.machine.writable(web.kept)

    id_ = web.called("clear-queue")
    web.run_of(id_, "clear-queue", "waiting")
    web.machine.run("docker", "stop", "web-redis-1")
    plan = web.run_of(id_, "clear-queue", "waiting")["plan"]
    refused = world.api("approve").post(f"/v1/incidents/{id_}/approve", {"plan": plan})
    assert refused.status == 409 and b"Could not connect" in refused.body, refused.body
    web.machine.run("docker", "start", "web-redis-1")
    assert web.status("/") == 200


def test_a_deploy_script_that_fails_and_a_migration_that_cannot_go_up_leave_what_runs(world, web):
    script = web.tree / "deploy.sh"
    script.write_text("#!/bin/sh\necho 'deploy: no space left on device' >&2\nexit 1\n")
    script.chmod(0o755)
    web.watched()
    rows = web.rows()
    bad = web.deploy("other", started=True)
    id_ = web.fails_at("deploy-script", "script", "no space left on device")
    web.frozen(id_)
    assert web.machine.git("/srv/web", "rev-parse", "HEAD") == bad and web.status("/") == 200

    web.migration("two", "one")
    file = web.tree / "migrations/versions/two.py"
    file.write_text(file.read_text().replace("CREATE TABLE labels (id int)", "CREATE TABLE labels (id no_such_type)"))
    web.compose("build", "backend")
    web.fails_at("forward", "to-head", "no_such_type")
    assert web.revision() == "one" and web.rows() == rows and web.status("/") == 200
    assert list(web.machine.path(web.kept).glob("web_emergency_*"))


def test_an_application_that_fails_its_critical_paths_after_a_restore_is_seen_by_nobody(world, web):
    critical = web.machine.path("/opt/web/critical-paths.sh")
    critical.write_text("#!/bin/sh\necho 'cannot log in' >&2\nexit 1\n")
    web.watched()
    rows = web.rows()
    web.deploy("lossy", started=True)
    web.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    damaged = web.rows()
    id_ = web.of_trigger("corrupted-by-release", timeout=80)["id"]
    web.run_of(id_, "full-restore", "waiting", timeout=60)
    web.approve(id_, "full-restore")
    wait_for(lambda: web.run_of(id_, "full-restore", "failed"), 90, "it to fail")
    web.frozen(id_, "cannot log in")
    assert playbooks(world.incident(id_)) == ["take-offline", "full-restore"]
    assert not web.network.reaches(443) and not web.network.reaches(443, OPERATOR)
    (before,) = [name for name in web.databases() if name.startswith("app_before_")]
    assert web.rows() == rows and web.rows(before) == damaged


def test_without_a_firewall_nothing_is_taken_down_for_a_restore(world, web):
    web.watched()
    rows = web.rows()
    web.machine.without("nft")
    web.refused("rebuild-after-breach", "has no commit", version="0" * 40, before="now")
    web.deploy("other", started=True)
    web.refused("full-restore", "nft")
    assert web.status("/") == 200 and web.rows() == rows and web.running() >= {"web-db-1", "web-backend-1"}
