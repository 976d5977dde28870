"""compose-flags.yaml where its own steps cannot be carried out: the ladder goes on to what is safe, or people are called."""

from harness import wait_for
from harness.booking import ENV
from harness.world import guards, playbooks
from test_drills_flags_data import ORPHANS, rows
from test_drills_flags_faults import BACKUPS, PROVIDER


def full(booking) -> None:
    """No room for one more dump."""
    booking.machine.small_disk(BACKUPS, 4096)
    booking.machine.fill(f"{BACKUPS}/junk", 100)


def test_where_the_flags_file_cannot_be_written_the_page_shields_who_would_pay(world, booking):
    booking.watched(paths=PROVIDER)
    booking.machine.read_only("/srv/booking")
    booking.env.write_text(ENV + "PROVIDER=down\n")
    id_ = booking.of_trigger("payments-failing")["id"]
    booking.run_of(id_, "safe-mode", "verifying", "succeeded", timeout=60)
    whole = world.incident(id_)
    assert playbooks(whole) == ["safe-mode"] and guards(whole)["no_target"] == "d"
    refusal = next(one for one in whole["refusals"] if one["playbook"] == "payments-off")
    assert "/srv/booking: no folder that root can write to" in refusal["text"], refusal
    assert booking.env.read_text() == ENV + "PROVIDER=down\n"
    booking.shielded()
    booking.env.write_text(ENV)
    booking.recovered(id_, 60)
    booking.by_hand("safe-mode-off")
    assert booking.status("/") == 200


def test_where_writers_cannot_be_stopped_the_page_keeps_users_from_writing_and_nothing_is_restored(world, booking):
    booking.postgres.psql(ORPHANS)
    damaged = rows(booking)
    booking.watched()
    booking.machine.without("docker-compose")
    id_ = booking.of_trigger("data-corruption", timeout=90)["id"]
    booking.approve(id_, "restore-data")
    whole = booking.frozen(id_, "docker-compose")
    assert playbooks(whole) == ["stop-writers", "restore-data"]
    assert booking.failed_step(id_, "stop-writers") == booking.failed_step(id_, "restore-data") == "compose"
    booking.shielded()
    assert rows(booking) == damaged and booking.databases() == ["app"]


def test_a_unit_that_does_not_start_either_leads_to_the_page(world, booking):
    """No engine answers, and its fallback fails too."""
    booking.machine.unit("booking-api.service", "echo 'no such file' >&2; return 1", "true", "false")
    booking.watched()
    gone = booking.machine.path("/run/docker.sock").rename(booking.machine.path("/run/gone.sock"))
    try:
        booking.machine.run("docker", "--host", "unix:///run/gone.sock", "stop", "booking-api-1")
        id_ = booking.of_trigger("production-down")["id"]
        booking.run_of(id_, "safe-mode", "verifying", timeout=60)
        assert playbooks(world.incident(id_)) == ["restart", "safe-mode"]
        assert booking.failed_step(id_, "restart") == "systemd"
        booking.shielded()
        assert not world.incident(id_)["recovered_at"]
    finally:
        gone.rename(booking.machine.path("/run/docker.sock"))


def test_a_deployment_that_never_shows_and_a_forge_that_refuses_are_peoples_with_the_branch_there(world, booking):
    """The revert is pushed, and the hook is broken; then the forge's token is worth nothing any more."""
    parts = world.policy["services"]["booking"]["playbooks"]
    next(step for step in parts["code-rollback"]["steps"] if step.get("name") == "deployed")["timeout"] = "3s"
    booking.starts_slowly()
    booking.watched(known_good=True)
    booking.busy()
    bad = booking.commit("half")
    booking.push()
    booking.machine.path("/srv/booking.git/hooks/post-receive").unlink()
    booking.forge.token = "another"
    id_ = booking.of_trigger("errors")["id"]
    failed = booking.run_of(id_, "code-rollback", "failed", timeout=60)
    assert [step["name"] for step in failed["steps"] if step["state"] == "failed"] == ["deployed"]
    git = booking.machine.git
    assert git("/srv/booking.git", "diff", booking.good, "main") == "" and git("/srv/booking", "rev-parse", "HEAD") == bad
    booking.approve(id_, "previous-version")
    booking.frozen(id_, "Bad credentials")
    assert booking.failed_step(id_, "previous-version") == "pull_request"
    branch = next(line for line in git("/srv/booking.git", "branch", "--list").splitlines() if "hotfix/rollback" in line).strip()
    assert git("/srv/booking.git", "diff", booking.good, branch) == "" and booking.status("/health") == 200


def test_without_room_for_a_dump_a_breach_is_closed_all_the_same_and_no_deployment_begins(world, booking):
    full(booking)
    booking.watched()
    before = rows(booking)
    booking.refused("before-deployment", "0 bytes are free", version="v2")
    world.ctl("raise", "booking", "breach", "--reason", "an account was taken over", role="operate")
    id_ = booking.of_trigger("breach")["id"]
    booking.frozen(id_, "0 bytes are free")
    assert booking.failed_step(id_, "contain-breach") == "pg_backup"
    booking.shielded("/", "/webhooks/events")
    assert rows(booking) == before


def test_redis_that_nobody_can_restart_is_peoples(world, booking):
    booking.watched()
    booking.machine.without("docker-compose")
    booking.machine.run("docker", "stop", "booking-redis-1")
    id_ = booking.of_trigger("redis-down", timeout=60)["id"]
    wait_for(lambda: "docker-compose" in world.sink.texts(), what="people to be told")
    whole = world.incident(id_)
    assert whole["runs"] == [] and "docker-compose" in whole["refusals"][0]["text"]
    assert booking.status("/") == 200
