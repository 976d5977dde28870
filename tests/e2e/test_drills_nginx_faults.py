"""compose-nginx.yaml where a disk is full, and where its own steps fail: nothing is lost, and people are told what to do."""

from harness import wait_for
from harness.world import guards, playbooks


def test_a_disk_full_of_logs_is_emptied_and_all_of_them_is_kept(world, music):
    logs = "/var/log/nginx"
    music.machine.small_disk(logs, 8192)
    music.machine.run("nginx", "-s", "reopen")
    world.policy["services"]["music"]["signals"]["disk"]["disk"]["path"] = logs
    music.watched()
    music.machine.fill(f"{logs}/music.access.log", 97)
    id_ = music.of_trigger("disk-95", timeout=30)["id"]
    music.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["free-logs"]
    (kept,) = music.machine.path(f"{music.kept}/evidence").glob("music.access.log_*.gz")
    assert int(music.machine.run("sh", "-c", f"zcat {music.kept}/evidence/{kept.name} | wc -c").stdout) > 4 << 20
    music.measure(id_, ("disk-95", "disk-full"), "disk full of logs: emptied, and kept", 3600)


def test_a_rollback_without_room_and_without_its_image_changes_nothing_until_it_can(world, music):
    """No room for what is kept of the broken code; the base image was pruned; then both are back."""
    music.machine.small_disk(music.kept, 2048)
    music.machine.fill(f"{music.kept}/junk", 100)
    music.starts_slowly()
    image = music.machine.run("docker", "image", "inspect", "--format", "{{.Id}}", "base:1").stdout.strip()
    music.watched()
    bad = music.deploy("half")        # health is well, every second page fails
    id_ = music.of_trigger("failed-deployment")["id"]
    refused(music, id_, "0 bytes are free")
    assert music.machine.git("/srv/music", "rev-parse", "HEAD") == bad

    music.machine.run("rm", f"{music.kept}/junk")
    music.machine.run("docker", "rmi", "--force", "base:1")
    music.called("code-rollback")
    music.frozen(id_)
    assert music.failed_step(id_, "code-rollback") == "compose"
    assert "base" in music.step_texts(id_)
    runs_on(music)

    music.machine.run("docker", "tag", image, "base:1")
    music.called("code-rollback")
    music.run_of(id_, "code-rollback", "succeeded", timeout=60)
    assert music.machine.git("/srv/music", "rev-parse", "HEAD") == music.good and music.status("/") == 200


def test_a_release_that_git_has_pruned_is_no_target_and_people_are_told_so(world, music):
    git = music.machine.git
    music.starts_slowly()
    music.watched()
    git("/srv/music", "checkout", "--quiet", "--orphan", "anew")
    git("/srv/music", "branch", "-D", "main")
    (music.tree / "behaviour").write_text("half\n")
    git("/srv/music", "add", "--all")
    git("/srv/music", "commit", "--quiet", "--message", "all in one")
    git("/srv/music", "reflog", "expire", "--expire=now", "--all")
    git("/srv/music", "gc", "--quiet", "--prune=now")
    bad = git("/srv/music", "rev-parse", "HEAD")
    music.compose("build")
    music.record(bad)
    music.compose("up", "-d")
    id_ = music.of_trigger("failed-deployment")["id"]
    refused(music, id_, f"no commit {music.good}")
    assert git("/srv/music", "rev-parse", "HEAD") == bad


def test_a_breach_where_no_port_can_be_closed_is_peoples_at_once(world, music):
    """No firewall is installed."""
    music.watched()
    world.ctl("raise", "music", "breach", "--reason", "an account was taken over", role="operate")
    id_ = music.of_trigger("breach")["id"]
    music.frozen(id_)
    assert music.failed_step(id_, "contain-breach") == "firewall"
    runs_on(music)


def refused(music, id_: str, why: str) -> None:
    """Known before the first step: nothing was begun, and people are told."""
    wait_for(lambda: guards(music.world.incident(id_)) == {"no_target": "d"}, what="it to be judged")
    whole = music.world.incident(id_)
    assert whole["runs"] == [] and why in whole["refusals"][0]["text"]
    wait_for(lambda: why in music.world.sink.texts(), what="people to be told")
    runs_on(music)


def runs_on(music) -> None:
    assert music.running() == {"music-api-1", "music-worker-1"} and music.status("/api/health") == 200
