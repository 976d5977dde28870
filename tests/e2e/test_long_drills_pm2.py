"""pm2-postgres.yaml: what takes a minute and more."""

from harness.servers import NameServer
from harness.world import playbooks
from test_drills_pm2 import BROKEN


def test_an_application_that_is_never_healthy_again_is_peoples_in_the_end(world, pm2):
    """What is wrong is no part of the release: the code of before fails as well."""
    pm2.watched()
    rows = pm2.rows()
    env = pm2.machine.path("/srv/control/.env")
    env.write_text(env.read_text() + "BROKEN=1\n")
    pm2.deploy("other")
    id_ = pm2.of_trigger(*BROKEN)["id"]
    pm2.run_of(id_, "restart", "failed", timeout=120)
    pm2.frozen(id_)
    assert playbooks(world.incident(id_)) == ["code-rollback", "restart"]
    assert "BROKEN=1" in env.read_text() and pm2.rows() == rows


def test_disaster_recovery_on_the_standby_from_what_is_kept_elsewhere(world, pm2, tmp_path):
    rows = pm2.rows()
    names = NameServer(tmp_path / "names")
    pm2.ends.callback(names.stop)
    names.start()
    names.name("control.example.com", "192.0.2.10")
    pm2.standby()
    world.policy["services"]["control"]["signals"]["name"]["dns"]["server"] = names.address
    pm2.watched()
    pm2.pm2("delete", "control-api")        # production is gone
    id_ = pm2.called("disaster-recovery")
    pm2.approve(id_, "disaster-recovery")
    pm2.confirm(id_, "disaster-recovery", "manual", before=lambda: pm2.write_env("/srv/standby/control"))
    pm2.confirm(id_, "disaster-recovery", "manual", before=lambda: names.name("control.example.com", "192.0.2.20"))
    pm2.run_of(id_, "disaster-recovery", "succeeded", timeout=120)
    assert pm2.rows("standby") == rows and pm2.status("/health") == 200
    assert pm2.machine.git("/srv/standby/control", "rev-parse", "HEAD") == pm2.good
    pm2.measure_run(id_, "disaster-recovery", "disaster recovery on the standby, without installing", 7200)
