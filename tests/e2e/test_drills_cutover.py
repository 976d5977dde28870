"""compose-cutover.yaml against a stack that is all in Docker Compose, broken on purpose."""

import pytest
from harness import wait_for
from harness.composed import IdentityStack
from harness.engine import why_no_engine
from harness.machine import why_no_machine
from harness.world import playbooks


@pytest.fixture
def identity(world, tmp_path):
    if reason := why_no_machine() or why_no_engine(("dockerd", "docker", "docker-compose")):
        pytest.skip(reason)
    made = IdentityStack(world, tmp_path)
    yield made
    world.daemon.stop()
    made.close()


def test_a_cutover_that_fails_goes_back_to_code_and_env_file_of_before(world, identity):
    identity.watched()
    env = (identity.tree / ".env").read_text()
    identity.deploy("bad", env.replace("blue", "green"))
    id_ = identity.of_trigger("services-down")["id"]
    identity.recovered(id_)
    assert playbooks(world.incident(id_)) == ["code-rollback"]
    assert identity.machine.git("/srv/identity", "rev-parse", "HEAD") == identity.good
    assert (identity.tree / ".env").read_text() == env
    assert identity.running() == {"identity-backend-1", "identity-db-1", "identity-nginx-1"}
    assert identity.postgres.psql("SELECT count(*) FROM users") == "200"
    identity.measure(id_, "services-down", "option A: code and env file of before", 300, limit=15)


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
