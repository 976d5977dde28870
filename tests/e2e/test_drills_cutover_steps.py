"""compose-cutover.yaml where its own steps cannot be carried out: production is not taken down for what does not come."""

import os

from harness.world import playbooks
from test_drills_cutover import BROKEN

ALL = {"identity-backend-1", "identity-db-1", "identity-nginx-1"}


def as_before(identity, rows: str) -> None:
    assert ALL <= identity.running() and identity.status("/health") == 200 and identity.rows() == rows
    servers = (identity.tree / "nginx/upstream/servers.inc").read_text()
    assert f"127.0.0.1:{identity.api}" in servers and str(identity.staging) not in servers


def test_users_are_not_sent_to_a_staging_that_is_away_does_not_answer_or_that_nginx_does_not_take(world, identity):
    identity.stage()
    rows = identity.rows()
    identity.watched()
    host = world.policy["hosts"]["staging"]
    key = f"{host['identity_file']}.away"
    os.rename(host["identity_file"], key)
    identity.refused("to-staging", "staging")
    os.rename(key, host["identity_file"])
    as_before(identity, rows)

    env = identity.machine.path("/srv/staging/.env")
    env.write_text(identity.env.replace("blue", "unknown"))
    step = next(one for one in world.policy["services"]["identity"]["playbooks"]["to-staging"]["steps"]
                if one["name"] == "staging-answers")
    assert "--retry" in step["exec"]["argv"]
    id_ = identity.fails_at("to-staging", "staging-answers", "exit 22")
    identity.frozen(id_)
    as_before(identity, rows)

    env.write_text(identity.env)
    identity.called("to-staging")
    plan = identity.run_of(id_, "to-staging", "waiting")["plan"]
    config = identity.tree / "nginx/nginx.conf"
    sound = config.read_text()
    config.write_text(sound.replace("events {}", "events { nonsense; }"))
    world.api("approve").must(200, f"/v1/incidents/{id_}/approve", {"plan": plan, "force": True})
    assert identity.failed_step(id_, "to-staging") == "route" and "nonsense" in identity.step_texts(id_)
    as_before(identity, rows)
    config.write_text(sound)


def test_a_rebuild_whose_code_cannot_be_fetched_takes_nothing_down(world, identity):
    identity.other_disk()
    rows = identity.rows()
    identity.watched()
    id_ = identity.called("rebuild")
    identity.approve(id_, "rebuild")
    identity.confirm(id_, "rebuild", "manual", before=lambda: identity.machine.path("/srv/forge.git").rename(
        identity.machine.path("/srv/gone.git")))
    identity.frozen(id_, "does not exist")
    assert identity.failed_step(id_, "rebuild") == "exec"
    as_before(identity, rows)


def test_migrations_that_fail_after_a_restore_leave_the_restored_data_behind_the_page(world, identity):
    good = identity.rows()
    identity.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    damaged = identity.rows()
    identity.machine.program("npx", "#!/bin/sh\necho 'Error: P3018 a migration failed to apply' >&2; exit 1\n")
    identity.watched()
    id_ = identity.of_trigger("corruption", timeout=45)["id"]
    identity.approve(id_, "data-restore")
    identity.frozen(id_, "P3018")
    assert identity.failed_step(id_, "data-restore") == "migrate"
    assert identity.rows() == good and identity.running() == {"identity-db-1"}
    (before,) = [name for name in identity.databases() if name.startswith("app_before_")]
    assert identity.rows(before) == damaged


def test_a_code_that_cannot_be_built_takes_nothing_down_and_users_are_shielded(world, identity):
    identity.starts_slowly()
    identity.watched()
    bad = identity.deploy("half")
    identity.machine.run("docker", "rmi", "--force", "base:1")
    id_ = identity.of_trigger(*BROKEN)["id"]
    identity.run_of(id_, "safe-mode", "verifying", "succeeded", timeout=60)
    assert playbooks(world.incident(id_)) == ["code-rollback", "safe-mode"]
    assert identity.failed_step(id_, "code-rollback") == "compose" and "base" in identity.step_texts(id_)
    assert identity.running() == ALL and bad in identity.machine.git("/srv/identity", "log", "--all", "--format=%H")
    identity.shielded()
    assert identity.status("/health") == 200


def test_a_breach_without_room_for_its_dump_is_closed_for_all(world, identity):
    rows = identity.rows()
    identity.watched()
    identity.machine.small_disk("/srv/identity/backups", 1024)
    identity.machine.fill("/srv/identity/backups/junk", 100)
    world.ctl("raise", "identity", "breach", "--reason", "an admin was taken over", role="operate")
    id_ = identity.of_trigger("breach")["id"]
    identity.frozen(id_, "0 bytes are free")
    assert identity.failed_step(id_, "contain-breach") == "pg_backup"
    identity.shielded("/", "/health")
    assert identity.rows() == rows
