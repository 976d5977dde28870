"""compose-alembic.yaml against a small real stack, broken on purpose, on a network of its own."""

import pytest
from harness import wait_for
from harness.own_network import ANYBODY, OPERATOR
from harness.world import playbooks

pytestmark = pytest.mark.usefixtures("own_network")      # before the world is made
ALL = {f"web-{name}-1" for name in ("frontend", "backend", "worker", "db", "redis")}


def at_good(web) -> None:
    assert web.machine.git("/srv/web", "rev-parse", "HEAD") == web.good
    assert web.running() == ALL
    assert web.world.api("read").read("/v1/services/web")["mode"] == "normal"


def seen_by_operators_alone(web) -> None:
    """Nobody else before they have looked."""
    assert web.network.reaches(443, OPERATOR) and not web.network.reaches(443, ANYBODY)


def test_type_1_code_and_env_file_go_back_and_the_data_of_now_stays(world, web):
    web.watched()
    env = (web.tree / ".env").read_text()
    web.deploy("bad", env.replace("blue", "green"))
    web.postgres.psql("INSERT INTO notes VALUES (1000)")        # written since
    rows = web.rows()
    id_ = web.of_trigger("crash")["id"]
    web.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["code-rollback"]
    at_good(web)
    assert (web.tree / ".env").read_text() == env and web.rows() == rows
    assert list(web.machine.path(web.kept).glob("web_post_rollback_*"))
    web.measure(id_, "crash", "type 1: code only", 300, limit=15)


def test_type_2_the_schema_goes_back_by_the_new_codes_files_after_a_person_has_agreed(world, web):
    web.watched()
    rows = web.rows()
    web.migration("two", "one")
    web.deploy("bad", migrate="two")
    assert web.revision() == "two"
    id_ = web.of_trigger("migration-issue", timeout=60)["id"]
    web.run_of(id_, "code-and-database", "waiting", timeout=60)
    # Contained by itself: users see the page, and nothing writes.
    assert web.running() == {"web-db-1", "web-redis-1"} and web.revision() == "two"
    assert playbooks(world.incident(id_)) == ["take-offline", "code-and-database"]
    web.approve(id_, "code-and-database")
    web.recovered(id_, 90)
    at_good(web)
    assert web.revision() == "one" and web.rows() == rows
    assert list(web.machine.path(web.kept).glob("web_emergency_*"))
    web.measure(id_, "migration-issue", "type 2: code and schema", 600)


def test_a_migration_half_way_goes_back_by_one(world, web):
    web.watched()
    rows = web.rows()
    web.migration("two", "one")
    web.deploy("migration", migrate="two")
    id_ = web.of_trigger("migration-half-way")["id"]
    web.approve(id_, "back-one")
    web.run_of(id_, "back-one", "verifying", "succeeded", timeout=90)
    assert web.revision() == "one" and web.rows() == rows


def test_type_3_ports_are_closed_and_everything_comes_back_from_before_the_deployment(world, web):
    web.watched()
    rows = web.rows()
    web.deploy("lossy", started=True)
    web.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    damaged = web.rows()
    id_ = web.of_trigger("corrupted-by-release", timeout=80)["id"]
    web.run_of(id_, "full-restore", "waiting", timeout=60)
    assert playbooks(world.incident(id_)) == ["take-offline", "full-restore"]
    assert web.network.reaches(443) and web.rows() == damaged
    web.approve(id_, "full-restore")

    web.confirm(id_, "full-restore", "manual", before=lambda: seen_by_operators_alone(web))
    web.recovered(id_, 90)
    at_good(web)
    assert web.rows() == rows and web.network.reaches(443) and web.network.reaches(80)
    (before,) = [name for name in web.databases() if name.startswith("app_before_")]
    assert web.rows(before) == damaged
    web.measure(id_, "corrupted-by-release", "type 3: everything from a backup", 2700)


def test_type_3_an_older_backup_comes_with_the_version_that_was_live_when_it_was_made(world, web):
    web.watched()
    (web.tree / "changes").write_text("since this morning's dump\n")
    newer = web.deploy("good", started=True)
    web.good_too(newer)
    web.deploy("lossy", started=True)
    web.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    id_ = web.of_trigger("corrupted-by-release", timeout=80)["id"]
    (run,) = web.run_of(id_, "full-restore", "waiting", timeout=60),
    assert run["target"] is None and "everything written since the backup of" in run["data_loss_window"]
    web.approve(id_, "full-restore")
    web.confirm(id_, "full-restore", "manual", before=lambda: seen_by_operators_alone(web))
    web.recovered(id_, 90)
    at_good(web)        # not at the newest good one
    report = world.ctl("report", id_, role="read").stdout
    assert f"version then in effect: {web.good}" in report


def test_the_data_alone_comes_back_where_no_release_is_to_blame(world, web):
    rows = web.rows()
    web.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    web.watched()
    id_ = web.of_trigger("data-corruption", timeout=80)["id"]
    web.approve(id_, "data-restore")
    web.recovered(id_, 90)
    assert playbooks(world.incident(id_)) == ["take-offline", "data-restore"]
    assert web.rows() == rows
    at_good(web)
    web.measure(id_, "data-corruption", "type 3: the data alone", 2700)


def test_a_frontend_that_is_broken_goes_back_alone(world, web):
    web.watched()
    backend = web.machine.run("docker", "inspect", "--format", "{{.State.StartedAt}}", "web-backend-1").stdout
    web.deploy("bad@frontend", services=("frontend",))
    id_ = web.of_trigger("frontend-broken")["id"]
    web.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["frontend-rollback"]
    at_good(web)
    assert web.machine.run("docker", "inspect", "--format", "{{.State.StartedAt}}", "web-backend-1").stdout == backend
    web.measure(id_, "frontend-broken", "frontend only", 300, limit=15)


def test_a_worker_that_gets_jobs_wrong_is_stopped_at_once_and_goes_back_alone(world, web):
    web.watched()
    web.jobs()
    wait_for(lambda: world.signal("jobs", "web")["last_at"], what="jobs")
    web.deploy("bad@worker", services=("worker",))
    id_ = web.of_trigger("worker-wrong", timeout=40)["id"]
    web.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["stop-worker", "worker-rollback"]
    at_good(web)
    web.measure(id_, "worker-wrong", "worker wrong: stopped, then back", "minutes")


def test_a_breach_closes_the_ports_and_people_rebuild_from_before_it(world, web):
    web.watched()
    rows = web.rows()
    world.ctl("raise", "web", "breach", "--reason", "an account was taken over", role="operate")
    id_ = web.of_trigger("breach")["id"]
    web.run_of(id_, "contain-breach", "succeeded", timeout=60)
    assert not web.network.reaches(80) and not web.network.reaches(443)
    assert web.running() == {"web-db-1", "web-redis-1"} and web.rows() == rows
    assert list(web.machine.path(web.kept).glob("forensic/*.env")) and list(web.machine.path(web.kept).glob("web_forensic_*"))
    web.measure(id_, "breach", "vulnerability: closed, evidence kept, stopped", "immediately")

    web.postgres.psql("DELETE FROM users WHERE id = 7")         # what they have done
    begun = web.called("rebuild-after-breach", version=web.good, before="now")
    web.approve(begun, "rebuild-after-breach")
    web.confirm(begun, "rebuild-after-breach", "manual")        # backdoors
    assert web.network.reaches(443) is False
    web.confirm(begun, "rebuild-after-breach", "manual")        # secrets
    web.confirm(begun, "rebuild-after-breach", "manual", before=lambda: seen_by_operators_alone(web))
    web.run_of(begun, "rebuild-after-breach", "succeeded", timeout=60)
    assert web.rows() == rows and web.network.reaches(443) and web.network.reaches(80)
    at_good(web)


def test_a_downgrade_that_fails_leaves_schema_and_data_and_the_restore_is_proposed(world, web):
    web.watched()
    rows = web.rows()
    web.migration("two", "one", down="DROP TABLE there_is_no_such_table")
    bad = web.deploy("bad", migrate="two")
    id_ = web.of_trigger("migration-issue", timeout=60)["id"]
    web.approve(id_, "code-and-database")
    assert web.failed_step(id_, "code-and-database") == "migrate"
    assert "there_is_no_such_table" in web.step_texts(id_)
    web.run_of(id_, "full-restore", "waiting", timeout=60)
    assert playbooks(world.incident(id_)) == ["take-offline", "code-and-database", "full-restore"]
    assert web.revision() == "two" and web.rows() == rows and web.databases() == ["app"]
    assert web.machine.git("/srv/web", "rev-parse", "HEAD") == bad and web.running() == {"web-db-1", "web-redis-1"}
    assert list(web.machine.path(web.kept).glob("web_emergency_*"))
