"""compose-nginx.yaml where its own steps cannot be carried out: what is safe is done, and nothing that was there is lost."""

from harness.daemon import BINARIES
from harness.world import playbooks
from test_drills_nginx import BROKEN
from test_drills_nginx_faults import runs_on

OLD = "music_20200101_020000.dump"


def test_a_full_disk_without_room_for_logs_and_without_an_engine_is_emptied_of_old_backups(world, music):
    """No room to keep a log, no engine to ask for images; what a person agrees to goes on from there."""
    music.machine.small_disk(music.kept, 16384)
    world.policy["services"]["music"]["signals"]["disk"]["disk"]["path"] = music.kept
    music.watched()
    gone = music.machine.path("/run/docker.sock").rename(music.machine.path("/run/gone.sock"))
    try:
        music.machine.fill(f"{music.kept}/{OLD}", 100)
        id_ = music.of_trigger("disk-95", timeout=40)["id"]
        music.approve(id_, "free-containers")
        music.run_of(id_, "free-containers", "failed")
        music.approve(id_, "free-backups")
        music.run_of(id_, "free-backups", "verifying", "unverified", timeout=60)
    finally:
        gone.rename(music.machine.path("/run/docker.sock"))
    music.recovered(id_, 60)        # not before the log can be seen again, which would tell of no space
    said = music.step_texts(id_) + str(world.incident(id_)["refusals"])
    assert f"{music.kept}/evidence: 0 bytes are free" in said and "Cannot connect to the Docker daemon" in said
    assert playbooks(world.incident(id_))[-2:] == ["free-containers", "free-backups"]
    left = music.machine.run("ls", music.kept).stdout.split()
    assert OLD not in left and len([name for name in left if name.startswith("music_")]) == 7
    assert music.machine.path("/var/log/nginx/music.access.log").stat().st_size > 0


def test_payments_that_cannot_be_switched_off_stay_as_they_are_and_people_are_called(world, music):
    """The flag is written; its container cannot be made again, and the one that runs is not taken down for that."""
    music.watched()
    music.machine.without("docker-compose")
    env = music.env + "PROVIDER=down\n"
    (music.tree / ".env").write_text(env)
    id_ = music.of_trigger("payments-failing", timeout=40)["id"]
    music.told(id_, "docker-compose")
    assert world.incident(id_)["runs"] == [] and (music.tree / ".env").read_text() == env
    runs_on(music)


def test_where_a_new_secret_cannot_be_written_the_old_one_serves_on(world, music):
    before = (music.tree / ".env").read_text()
    music.watched()
    music.machine.read_only("/srv/music")
    id_ = music.called("rotate")
    music.approve(id_, "rotate")
    music.confirm(id_, "rotate", "manual")
    music.frozen(id_, "Read-only file system")
    assert music.failed_step(id_, "rotate") == "rotate"
    assert (music.tree / ".env").read_text() == before
    runs_on(music)


def test_a_deployment_by_hand_goes_through_the_gate_and_what_was_rolled_back_ends_there(world, music):
    git = music.machine.git
    git("/srv", "clone", "--quiet", "--bare", "music", "forge.git")
    git("/srv/music", "remote", "add", "origin", "/srv/forge.git")
    git("/srv/music", "fetch", "--quiet", "origin")
    music.machine.program("rollbackctl", f'#!/bin/sh\nROLLBACKD_URL=http://127.0.0.1:{world.daemon.port} '
                          f'ROLLBACKD_TOKEN={world.tokens["admin"]} exec {BINARIES}/rollbackctl "$@"\n')
    music.watched()
    bad = music.deploy("bad")
    id_ = music.of_trigger(*BROKEN)["id"]
    music.recovered(id_)
    git("/srv/music", "push", "--quiet", "origin", f"{bad}:main")
    music.fails_at("deploy-by-hand", "gate", f"{bad} of music is bad")
    assert git("/srv/music", "rev-parse", "HEAD") == music.good
    runs_on(music)

    (music.tree / "behaviour").write_text("mended\n")
    git("/srv/music", "commit", "--quiet", "--all", "--message", "mended")
    mended = git("/srv/music", "rev-parse", "HEAD")
    git("/srv/music", "push", "--quiet", "--force", "origin", f"{mended}:main")
    git("/srv/music", "checkout", "--quiet", music.good)
    music.by_hand("deploy-by-hand")
    assert git("/srv/music", "rev-parse", "HEAD") == mended
    assert world.api("read").read("/v1/services/music")["current"] == mended
    runs_on(music)


def test_a_server_that_nobody_could_reboot_and_an_nginx_that_does_not_start_are_peoples(world, music):
    music.watched()
    id_ = music.called("reboot")
    music.approve(id_, "reboot")
    music.not_done(id_, "reboot")
    music.frozen(id_)
    assert music.failed_step(id_, "reboot") == "manual"
    config = music.machine.path("/etc/nginx/nginx.conf")
    sound = config.read_text()
    config.write_text(sound.replace("events {}", "events { nonsense; }"))
    music.called("reboot")
    music.approve(id_, "reboot")
    music.confirm(id_, "reboot", "manual")
    assert music.failed_step(id_, "reboot") == "systemd" and "nginx.service" in music.step_texts(id_)
    # All of it is up again but for nginx, and its configuration is theirs to mend.
    assert music.running() == {"music-api-1", "music-worker-1"}
    config.write_text(sound)
    music.machine.run("systemctl", "start", "nginx.service")
    runs_on(music)
