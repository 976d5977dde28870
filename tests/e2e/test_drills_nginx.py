"""compose-nginx.yaml against a small real stack, broken on purpose."""

import pytest
from harness.own_network import ANYBODY, OPERATOR
from harness.world import playbooks

# What a release that fails is seen by first: its health, or what users meet.
BROKEN = ("outage", "failed-deployment")


def test_a_failed_deployment_goes_back_and_what_was_is_kept(world, music):
    music.watched()
    music.deploy("bad")
    id_ = music.of_trigger(*BROKEN)["id"]
    music.recovered(id_)
    assert playbooks(world.incident(id_)) == ["code-rollback"]
    assert music.machine.git("/srv/music", "rev-parse", "HEAD") == music.good
    assert list(music.machine.path(music.kept).glob("music_code_broken_*.tar.gz"))
    music.measure(id_, BROKEN, "failed deployment: the general procedure", 900, limit=15)


def test_an_outage_without_a_deployment_starts_everything_again(world, music):
    music.watched()
    music.machine.run("docker", "stop", "music-api-1", "music-worker-1")
    id_ = music.of_trigger("outage")["id"]
    music.recovered(id_)
    assert playbooks(world.incident(id_)) == ["restart-all"]
    assert music.running() == {"music-api-1", "music-worker-1"}
    music.measure(id_, "outage", "complete outage: everything started again", 900)


def test_payments_that_fail_for_the_provider_are_switched_off_by_the_verb_that_takes_effect(world, music):
    music.watched()
    env = music.env + "PROVIDER=down\n"
    (music.tree / ".env").write_text(env)
    id_ = music.of_trigger("payments-failing")["id"]
    music.run_of(id_, "payments-off", "verifying", "succeeded")
    assert (music.tree / ".env").read_text() == env.replace("PAYMENTS=true", "PAYMENTS=false")
    assert playbooks(world.incident(id_)) == ["payments-off"]
    # The provider's failure is not over by that, and is not told as if it were.
    assert not world.incident(id_)["recovered_at"]
    (music.tree / ".env").write_text(music.env.replace("PAYMENTS=true", "PAYMENTS=false"))
    music.recovered(id_)


def test_logs_are_emptied_in_place_and_all_of_them_is_kept(world, music):
    music.watched()
    log = music.machine.path("/var/log/nginx/music.access.log")
    before = log.stat().st_size
    assert before > 0
    run = music.by_hand("free-logs")
    assert [step["state"] for step in run["steps"]].count("failed") == 0
    assert list(music.machine.path(f"{music.kept}/evidence").glob("music.access.log_*.gz"))


def test_old_backups_go_only_after_a_person_has_agreed_and_the_newest_good_ones_stay(world, music):
    music.watched()
    old = music.machine.path(f"{music.kept}/music_20200101_020000.dump")
    old.write_bytes(next(music.machine.path(music.kept).glob("music_*.dump")).read_bytes())
    kept = set(music.machine.path(music.kept).glob("music_*.dump")) - {old}
    begun = world.api("operate").must(201, "/v1/services/music/playbooks/free-backups/runs", {"reason": "a drill"})
    assert begun["state"] == "waiting" and old.exists()
    id_ = world.incidents("music")[0]["id"]
    music.approve(id_, "free-backups")
    music.run_of(id_, "free-backups", "succeeded")
    left = set(music.machine.path(music.kept).glob("music_*.dump"))
    assert old not in left and len(left) >= 7 and left <= kept


@pytest.mark.usefixtures("own_network")
def test_a_breach_closes_the_ports_and_they_are_opened_again_to_operators_first(world, music):
    music.watched()
    env = (music.tree / ".env").read_text()
    world.ctl("raise", "music", "breach", "--reason", "an account was taken over", role="operate")
    id_ = music.of_trigger("breach")["id"]
    music.run_of(id_, "contain-breach", "succeeded", timeout=60)
    assert not music.network.reaches(80) and not music.network.reaches(443) and music.running() == set()
    assert list(music.machine.path(music.kept).glob("music_forensic_*"))
    music.measure(id_, "breach", "breach: ports closed, evidence kept, stopped", "immediately")

    music.called("rotate")
    music.approve(id_, "rotate")
    music.confirm(id_, "rotate", "manual")
    music.confirm(id_, "rotate", "manual")
    music.run_of(id_, "rotate", "succeeded", timeout=60)
    assert "JWT_SECRET=x\n" in env and "JWT_SECRET=x\n" not in (music.tree / ".env").read_text()
    assert not music.network.reaches(443)

    def looked() -> None:
        assert music.network.reaches(443, OPERATOR) and not music.network.reaches(443, ANYBODY)

    music.called("reopen")
    music.approve(id_, "reopen")
    music.confirm(id_, "reopen", "manual", before=looked)
    music.run_of(id_, "reopen", "succeeded", timeout=60)
    assert music.network.reaches(80) and music.network.reaches(443)
    assert music.running() == {"music-api-1", "music-worker-1"}
