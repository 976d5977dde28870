"""compose-cutover.yaml where its own steps fail: a clear failed step, people are called, and nothing is worse than before."""

from harness import wait_for
from harness.world import playbooks


def damaged(identity) -> str:
    identity.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    return identity.rows()


def frozen(world, identity, id_: str, rows: str) -> None:
    """People decide; the data is as it was found, and nothing writes."""
    wait_for(lambda: world.incident(id_)["state"] == "frozen", 60, "people to be called")
    wait_for(lambda: "incident.frozen" in world.sink.events(id_), what="people to be told")
    assert playbooks(world.incident(id_)) == ["stop-writers", "data-restore"]
    identity.machine.run("docker", "start", "identity-db-1")
    wait_for(lambda: identity.postgres.psql("SELECT 1", check=False) == "1", what="the database")
    assert identity.rows() == rows and identity.databases() == ["app"]
    assert "identity-backend-1" not in identity.running()


def test_without_any_sane_backup_the_database_stays_as_it_is_and_people_are_called(world, identity):
    rows = damaged(identity)
    bad = identity.dump("/srv/damaged.dump").read_bytes()
    for file in (identity.tree / "backups").glob("identity_*.dump"):
        file.write_bytes(bad)
    identity.watched()
    id_ = identity.of_trigger("corruption", timeout=45)["id"]
    identity.approve(id_, "data-restore")
    frozen(world, identity, id_, rows)
    assert "what it holds is not as expected" in identity.step_texts(id_)


def test_where_the_present_state_cannot_be_dumped_nothing_is_restored(world, identity):
    rows = damaged(identity)
    identity.watched()
    id_ = identity.of_trigger("corruption", timeout=45)["id"]
    identity.run_of(id_, "data-restore", "waiting", timeout=60)
    identity.machine.program("pg_dump", '#!/bin/sh\necho "pg_dump: error: could not write to file: No space left on device" >&2; exit 1\n')
    identity.approve(id_, "data-restore")
    frozen(world, identity, id_, rows)
    failed = identity.run_of(id_, "data-restore", "failed")
    assert [step["name"] for step in failed["steps"] if step["state"] == "failed"] == ["dump"]
    assert "No space left on device" in identity.step_texts(id_)


def test_paid_and_not_upgraded_is_looked_into_step_by_step(world, identity):
    for name in ("lightning", "btc"):
        identity.postgres.psql(f"INSERT INTO payments SELECT id, now() - interval '11 minutes' FROM users WHERE id = {len(name)}")
    script = identity.machine.path("/opt/identity/test-event.sh")
    script.write_text('#!/bin/sh\nexec curl --fail --silent --max-time 5 '
                      f'"http://127.0.0.1:{identity.api}/api/webhooks?provider=$1"\n')
    script.chmod(0o755)
    identity.watched()
    id_ = identity.of_trigger("paid-not-upgraded", timeout=60)["id"]
    identity.confirm(id_, "payment-checks", "manual", before=lambda: identity.postgres.psql(
        "UPDATE users SET tier = 'paid' WHERE id IN (SELECT user_id FROM payments)"))
    identity.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["payment-checks"]
