"""compose-cutover.yaml against a stack that is all in Docker Compose, broken on purpose."""

from harness import wait_for
from harness.world import playbooks

# What a release that fails is seen by first: its health, what users meet, or what providers do.
BROKEN = ("services-down", "endpoints-fail", "webhooks-failing", "error-spike")
LOST = ("database-corrupted", "data-loss")


def test_a_cutover_that_fails_goes_back_to_code_and_env_file_of_before(world, identity):
    identity.watched()
    env = (identity.tree / ".env").read_text()
    identity.deploy("bad", env.replace("blue", "green"))
    id_ = identity.of_trigger(*BROKEN)["id"]
    identity.recovered(id_)
    assert playbooks(world.incident(id_)) == ["code-rollback"]
    assert identity.machine.git("/srv/identity", "rev-parse", "HEAD") == identity.good
    assert (identity.tree / ".env").read_text() == env
    assert identity.running() == {"identity-backend-1", "identity-db-1", "identity-nginx-1"}
    assert identity.postgres.psql("SELECT count(*) FROM users") == "200"
    identity.measure(id_, BROKEN, "option A: code and env file of before", 300, limit=15)


def test_an_error_spike_without_a_release_to_blame_shields_users_in_seconds(world, identity):
    identity.watched()
    (identity.tree / ".env").write_text(identity.env + "SPIKE=on\n")
    id_ = identity.of_trigger("error-spike")["id"]
    incident = identity.recovered(id_)
    assert playbooks(incident) == ["safe-mode"] and incident["state"] == "verifying"
    identity.measure(id_, "error-spike", "option D: safe mode", 120, limit=2)
    (identity.tree / ".env").write_text(identity.env)
    identity.by_hand("safe-mode-off")
    wait_for(lambda: world.api("read").read("/v1/services/identity")["mode"] == "normal", what="it to be off")


def test_a_cutover_that_loses_data_is_contained_and_code_and_data_go_back_after_a_person_has_agreed(world, identity):
    identity.watched()
    good = identity.rows()
    identity.deploy("lossy", started=True)        # its code answers; what it did to the data does not belong there
    identity.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    damaged = identity.rows()
    id_ = identity.of_trigger(*LOST, timeout=45)["id"]
    identity.run_of(id_, "code-and-data", "waiting", timeout=60)
    assert playbooks(world.incident(id_)) == ["stop-writers", "code-and-data"]
    assert "identity-backend-1" not in identity.running() and identity.rows() == damaged
    identity.approve(id_, "code-and-data")
    identity.recovered(id_, 90)
    assert identity.rows() == good
    assert identity.machine.git("/srv/identity", "rev-parse", "HEAD") == identity.good
    (before,) = [name for name in identity.databases() if name.startswith("app_before_")]
    assert identity.rows(before) == damaged
    assert list((identity.tree / "backups").glob("identity_emergency_*"))
    assert world.api("read").read("/v1/services/identity")["mode"] == "normal"
    identity.measure(id_, LOST, "option A, with the database of before", 300)


def test_option_b_users_are_sent_to_staging_and_back_again(world, identity):
    identity.stage()
    identity.watched()
    id_ = identity.called("to-staging")
    identity.approve(id_, "to-staging")
    identity.run_of(id_, "to-staging", "succeeded", timeout=60)
    assert identity.running() == {"staging-backend-1", "identity-db-1", "identity-nginx-1"}
    assert identity.status("/health") == 200
    identity.measure_run(id_, "to-staging", "option B: users go to staging", 600)
    # Open until it is undone.
    assert world.incident(id_)["state"] == "verifying"
    # What fired while nobody answered is over, else its end would call the plan off.
    wait_for(lambda: all(one["cleared"] for one in world.incident(id_)["triggers"]), what="nothing to fire any more")
    identity.called("from-staging")
    identity.approve(id_, "from-staging")
    identity.run_of(id_, "from-staging", "succeeded", timeout=60)
    assert "identity-backend-1" in identity.running()
    identity.machine.run("docker", "stop", "staging-backend-1")
    assert identity.status("/health") == 200


def test_option_c_the_database_alone_comes_back_from_the_newest_sane_backup(world, identity):
    good = identity.rows()
    identity.postgres.psql("DELETE FROM users WHERE id % 10 = 0")
    damaged = identity.rows()
    newest = sorted((identity.tree / "backups").glob("identity_*.dump"))[-1]
    newest.write_bytes(identity.dump("/srv/damaged.dump").read_bytes())       # the newest has the damage already
    identity.watched()
    id_ = identity.of_trigger("corruption", timeout=45)["id"]
    identity.approve(id_, "data-restore")
    assert "identity-backend-1" not in identity.running() and identity.rows() == damaged
    identity.recovered(id_, 90)
    assert playbooks(world.incident(id_)) == ["stop-writers", "data-restore"]
    assert identity.rows() == good and newest.name in identity.step_texts(id_)
    identity.measure(id_, "corruption", "option C: the database alone", 900)


def test_option_e_everything_is_saved_read_by_a_person_and_then_made_anew(world, identity):
    identity.other_disk()
    identity.watched()
    good, env = identity.rows(), (identity.tree / ".env").read_text()
    id_ = identity.called("rebuild")
    identity.approve(id_, "rebuild")

    def saved() -> None:
        safe = identity.machine.path("/var/backups/identity/moved")
        assert (safe / ".env").read_text() == env and list((safe / "backups").glob("identity_*.dump"))
        assert list(safe.glob("identity_emergency_*.dump")) and list(safe.glob("identity_tree_emergency_*"))
        assert "identity-backend-1" in identity.running()       # nothing is taken down before that

    identity.confirm(id_, "rebuild", "manual", before=saved)
    identity.run_of(id_, "rebuild", "succeeded", timeout=120)
    assert identity.rows() == good and (identity.tree / ".env").read_text() == env
    assert identity.machine.git("/srv/identity", "rev-parse", "HEAD") == identity.good
    assert identity.running() == {"identity-backend-1", "identity-db-1", "identity-nginx-1"} and identity.status("/") == 200
    assert identity.machine.path(f"/srv/identity.{id_}").exists()
    identity.measure_run(id_, "rebuild", "option E: everything anew", 1200)
