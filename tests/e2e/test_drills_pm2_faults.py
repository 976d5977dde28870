"""pm2-postgres.yaml where its own steps fail: containment goes as far as it gets, and nothing that was there is lost."""


def states(run: dict) -> dict[str, str]:
    return {step["name"]: step["state"] for step in run["steps"]}


def corrupt(pm2) -> str:
    """As it is found, when it is watched from then on."""
    pm2.postgres.psql("DELETE FROM accounts WHERE id = 7")
    return pm2.rows()


def contained(pm2) -> None:
    assert '"online"' not in pm2.pm2("jlist")
    pm2.shielded()


def test_queues_that_cannot_be_paused_by_the_api_are_by_sql_and_writers_are_stopped_all_the_same(world, pm2):
    corrupt(pm2)
    pm2.machine.path("/srv/control/queues-stuck").touch()
    pm2.watched()
    id_ = pm2.of_trigger("data-corruption")["id"]
    pm2.run_of(id_, "older-dump", "waiting", timeout=60)
    assert states(pm2.run_of(id_, "stop-writers", "failed"))["pause-by-api"] == "failed"
    assert "status: 500" in pm2.step_texts(id_)
    contained(pm2)
    assert pm2.paused() == "true"
    pm2.approve(id_, "older-dump")
    pm2.confirm(id_, "older-dump", "manual")
    pm2.recovered(id_, 60)
    assert pm2.postgres.psql("SELECT count(*) FROM accounts") == "100"
    assert pm2.paused() == "false" and pm2.status("/health") == 200


def test_a_restore_that_fails_at_its_pause_its_dump_or_its_page_is_peoples_with_the_data_whole(world, pm2):
    """The row of the pause is missing; nothing can be dumped; nginx breaks when everything but the page is done."""
    good = pm2.rows()
    damaged = corrupt(pm2)
    pm2.postgres.psql("DELETE FROM settings")
    pm2.watched()
    id_ = pm2.of_trigger("data-corruption")["id"]
    pm2.run_of(id_, "older-dump", "waiting", timeout=60)
    assert states(pm2.run_of(id_, "stop-writers", "failed"))["pause-by-sql"] == "failed"
    contained(pm2)
    pm2.approve(id_, "older-dump")
    pm2.frozen(id_, "not as many rows as expected")
    assert pm2.failed_step(id_, "older-dump") == "sql"
    assert pm2.rows() == damaged and pm2.databases() == ["app"]
    contained(pm2)

    pm2.postgres.psql("INSERT INTO settings VALUES ('queues_paused', 'false')")
    pm2.machine.program("pg_dump", "#!/bin/sh\necho 'pg_dump: error: No space left on device' >&2; exit 1\n")
    pm2.called("older-dump")
    pm2.approve(id_, "older-dump")
    assert pm2.failed_step(id_, "older-dump") == "pg_backup" and "No space left" in pm2.step_texts(id_)
    assert pm2.rows() == damaged and pm2.databases() == ["app"]
    contained(pm2)

    pm2.machine.path("/usr/local/sbin/pg_dump").unlink()
    pm2.called("older-dump")
    pm2.run_of(id_, "older-dump", "waiting")
    pm2.machine.program("nginx", "#!/bin/sh\necho 'nginx: [emerg] unknown directive' >&2; exit 1\n")
    world.api("approve").must(200, f"/v1/incidents/{id_}/approve", {
        "plan": pm2.run_of(id_, "older-dump", "waiting")["plan"], "force": True})
    failed = pm2.failed_step(id_, "older-dump")
    pm2.machine.path("/usr/local/sbin/nginx").unlink()
    assert failed == "safe_mode" and "unknown directive" in pm2.step_texts(id_)
    assert pm2.rows() == good and pm2.paused() == "true"
    pm2.shielded()


def test_a_database_that_does_not_start_again_is_peoples_and_no_release_is_blamed(world, pm2):
    pm2.watched()
    unit = pm2.machine.path("/run/units/postgresql.service")
    sound = unit.read_text()
    unit.write_text(sound.replace("begin() {", "begin() { echo 'could not create lock file: No space left on device' >&2; return 1; "))
    pm2.machine.run("systemctl", "stop", "postgresql.service")
    pm2.service = "postgresql"
    id_ = pm2.of_trigger("crashed")["id"]
    pm2.frozen(id_, "postgresql.service")
    assert pm2.failed_step(id_, "restart") == "systemd"
    assert [item for item in world.incidents("control") if item["runs"]] == []
    unit.write_text(sound)
    pm2.machine.run("systemctl", "start", "postgresql.service")
