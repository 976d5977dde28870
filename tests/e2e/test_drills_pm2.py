"""pm2-postgres.yaml against a real PM2, PostgreSQL, Redis and nginx, broken on purpose."""

import pytest
from harness import wait_for
from harness.pm2 import find_pm2
from harness.world import playbooks

# What a release that fails is seen by first: its health, its processes, its log, or what users meet.
BROKEN = ("down", "crash-loop", "runtime-errors", "all-fail")


def back_to_good(pm2, id_: str) -> None:
    incident = pm2.recovered(id_, 60)
    assert pm2.machine.git("/srv/control", "rev-parse", "HEAD") == pm2.good
    assert (pm2.machine.path("/srv/control/.env")).read_text() == "DATABASE_URL=x\nJWT_SECRET=x\n"
    bad = incident["blamed"]
    assert pm2.world.api("read").read(f"/v1/services/control/versions/{bad}")["standing"] == "bad", incident["blamed"]


@pytest.mark.parametrize("behaviour", ["bad", "crash"])
def test_a_bad_deployment_goes_back_to_the_archived_code_by_itself(world, pm2, behaviour):
    pm2.watched()
    pm2.deploy(behaviour)
    id_ = pm2.of_trigger(*BROKEN)["id"]
    back_to_good(pm2, id_)
    assert playbooks(world.incident(id_)) == ["code-rollback"]
    pm2.measure(id_, BROKEN, f"bad deployment ({behaviour}): code rollback", 300, limit=15)


def test_a_broken_archive_harms_nothing_and_the_next_older_one_is_taken(world, pm2):
    newest = sorted(pm2.machine.path("/var/backups/control").glob("control_code_*.tgz"))[-1]
    newest.write_bytes(newest.read_bytes()[:2000])
    pm2.watched()
    pm2.deploy("bad")
    id_ = pm2.of_trigger(*BROKEN)["id"]
    back_to_good(pm2, id_)
    assert newest.name in pm2.step_texts(id_)


def test_without_npm_the_rollback_fails_half_way_and_the_good_code_is_started_by_the_next_rung(world, pm2):
    pm2.watched()
    pm2.machine.program("npm", '#!/bin/sh\n[ "$1" = --prefix ] && exec /usr/bin/npm "$@"\necho "npm: not found" >&2; exit 127\n')
    pm2.deploy("noisy")         # answers: its log alone is bad, so that nothing but the rollback takes it down
    id_ = pm2.of_trigger("runtime-errors")["id"]
    back_to_good(pm2, id_)
    assert playbooks(world.incident(id_)) == ["code-rollback", "restart"]
    assert "npm: not found" in pm2.step_texts(id_)


def test_a_broken_schema_stops_writers_and_after_approval_database_and_code_go_back(world, pm2):
    pm2.watched()
    good = pm2.rows()
    # Its log says so.
    pm2.deploy("schema", "INSERT INTO _prisma_migrations VALUES ('2_half'); ALTER TABLE accounts DROP COLUMN status")
    id_ = pm2.of_trigger("schema-broken")["id"]
    pm2.run_of(id_, "database-and-code", "waiting", timeout=40)
    assert '"stopped"' in pm2.pm2("jlist") and '"online"' not in pm2.pm2("jlist")
    contained = pm2.run_of(id_, "stop-writers", "failed")
    assert next(step for step in contained["steps"] if step["name"] == "pause-by-api")["state"] == "done"
    pm2.approve(id_, "database-and-code")
    back_to_good(pm2, id_)
    assert pm2.rows() == good and pm2.paused() == "false"
    assert pm2.postgres.psql("SELECT count(*) FROM _prisma_migrations") == "1"
    assert [name for name in pm2.databases() if name.startswith("app_before_")]
    assert list(pm2.machine.path("/var/backups/control").glob("control_prod_broken_*"))
    pm2.measure(id_, "schema-broken", "schema broken: database and code", 900)


def test_corrupt_data_is_restored_from_the_newest_dump_that_keeps_the_rules(world, pm2):
    good = pm2.rows()
    pm2.postgres.psql("DELETE FROM accounts WHERE id = 7")
    newest = sorted(pm2.machine.path("/var/backups/control").glob("control_prod_*.sql.gz"))[-1]
    newest.write_bytes(pm2.dump("/srv/damaged.sql.gz", plain=True).read_bytes())     # it has the damage already
    pm2.watched()
    id_ = pm2.of_trigger("data-corruption")["id"]
    pm2.run_of(id_, "older-dump", "waiting", timeout=40)
    assert playbooks(world.incident(id_)) == ["stop-writers", "older-dump"]
    pm2.approve(id_, "older-dump")
    pm2.confirm(id_, "older-dump", "manual")
    pm2.recovered(id_, 60)
    assert pm2.rows() == good and pm2.postgres.psql("SELECT count(*) FROM accounts") == "100"
    assert f"{newest.name}: what it holds is not as expected" in pm2.step_texts(id_)
    pm2.measure(id_, "data-corruption", "data corruption: an older dump", 1800)


def test_without_any_sound_dump_nothing_is_lost_and_writers_stay_stopped_for_people(world, pm2):
    pm2.postgres.psql("DELETE FROM accounts WHERE id = 7")
    damaged = pm2.rows()
    bad = pm2.dump("/srv/damaged.sql.gz", plain=True).read_bytes()
    for file in pm2.machine.path("/var/backups/control").glob("control_prod_*.sql.gz"):
        file.write_bytes(bad)
    pm2.watched()
    id_ = pm2.of_trigger("data-corruption")["id"]
    pm2.approve(id_, "older-dump")
    wait_for(lambda: world.incident(id_)["state"] == "frozen", 60, "people to be called")
    assert playbooks(world.incident(id_)) == ["stop-writers", "older-dump"]
    assert pm2.rows() == damaged and pm2.databases() == ["app"]
    assert '"online"' not in pm2.pm2("jlist")
    wait_for(lambda: "incident.frozen" in world.sink.events(id_), what="people to be told")


def test_a_plan_whose_database_lets_nobody_in_is_void_and_nothing_is_changed(world, pm2):
    """Reported by a customer; the password is wrong by the time a person agrees."""
    pm2.watched()
    before = pm2.rows()
    world.ctl("raise", "control", "data-corruption", "--reason", "invoices of March are gone", role="operate")
    id_ = pm2.of_trigger("data-corruption")["id"]
    run = pm2.run_of(id_, "older-dump", "waiting", timeout=40)
    pm2.machine.secret("control.dsn", pm2.postgres.dsn("shop", "no_such"))
    refused = world.api("approve").post(f"/v1/incidents/{id_}/approve", {"plan": run["plan"]})
    assert refused.status == 409 and b"dependency_failing" in refused.body
    assert pm2.rows() == before and pm2.databases() == ["app"]


def test_a_database_that_has_stopped_is_started_again_and_no_release_is_blamed(world, pm2):
    pm2.watched()
    pm2.machine.run("systemctl", "stop", "postgresql.service")
    pm2.service = "postgresql"
    id_ = pm2.of_trigger("crashed")["id"]
    pm2.recovered(id_)
    assert playbooks(world.incident(id_)) == ["restart"]
    pm2.measure(id_, "crashed", "database stopped: started again", "none")


def test_without_pm2_the_tree_stays_as_it_is_and_people_are_called(world, pm2):
    pm2.watched()
    pm2.machine.program("pm2", f'#!/bin/sh\n[ -n "$DRILL" ] && exec {find_pm2()} "$@"\necho "pm2: not found" >&2; exit 127\n')
    bad = pm2.deploy("bad")
    id_ = pm2.of_trigger(*BROKEN)["id"]
    pm2.frozen(id_, "pm2: not found")
    assert playbooks(world.incident(id_))[-1] == "restart"
    assert pm2.machine.git("/srv/control", "rev-parse", "HEAD") == bad
    assert pm2.machine.path("/srv/control/behaviour").read_text() == "bad\n"
