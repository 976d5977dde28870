"""compose-flags.yaml against a small real stack, broken on purpose: detected, decided, done, verified, told. What a drill
measured, from the breach to recovered, is printed (pytest -s) and stands in docs/runbooks.md."""

from harness import wait_for
from harness.world import playbooks

# What a release that fails is seen by first: its health, or what users meet.
BROKEN = ("production-down", "errors")


def test_flag_off_by_itself_from_users_that_fail_to_users_that_do_not(world, booking):
    booking.watched()
    before = booking.env.read_text()
    booking.env.write_text(before.replace('"false"', '"true"'))     # switched on, and it does not work

    id_ = booking.of_trigger("some-users-fail")["id"]
    incident = booking.recovered(id_)

    # Decided by the matrix: medium impact, some users.
    assert incident["severity"] in ("P2", "P1") and playbooks(incident) == ["flag-off"]
    explained = world.ctl("explain", id_).stdout
    assert "affected(requests, 10m)" in explained and "5" in explained
    # Done: one value, and nothing else of the file.
    assert booking.env.read_text() == before
    assert "flag-off" in world.ctl("report", id_).stdout
    booking.measure(id_, "some-users-fail", "feature flag off", "seconds", limit=2)


def test_a_bad_push_goes_back_by_itself_and_the_branch_holds_the_good_tree(world, booking):
    booking.watched(known_good=True)
    booking.commit("on its way")                # a release of two commits
    bad = booking.commit("bad")
    booking.push()

    id_ = booking.of_trigger(*BROKEN)["id"]
    wait_for(lambda: [entry["affected"] for entry in booking.page()] == ["Bookings"], what="the public to be told")
    incident = booking.recovered(id_)
    wait_for(lambda: booking.page()[0]["state"] in ("monitoring", "resolved"), what="the public to be told of the end")

    assert playbooks(incident) == ["code-rollback"] and incident["severity"] in ("P0", "P1")
    run = incident["runs"][0]
    assert run["target"] == booking.good
    assert [step["state"] for step in run["steps"]] == ["done"] * len(run["steps"])
    # main goes on with a commit whose tree is the good one; what was deployed is it, and the bad one is kept out.
    git = booking.machine.git
    assert git("/srv/booking.git", "diff", booking.good, "main") == ""
    assert git("/srv/booking.git", "rev-parse", "main~1") == bad
    assert world.api("read").read(f"/v1/services/booking/versions/{bad}")["standing"] == "bad"
    assert world.ctl("gate", "booking", bad, role="ingest").returncode == 1
    booking.measure(id_, BROKEN, "git revert: a bad push", "minutes", limit=15)


def test_a_push_that_is_refused_leaves_nothing_and_leads_to_the_branch_and_a_person(world, booking):
    """main is protected against the revert, so the good tree goes to a branch, and a person merges it."""
    hook = booking.machine.path("/srv/booking.git/hooks/update")
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ] || ! git log -1 --format=%s "$3" | grep -q ^Revert || '
                    '{ echo "main is protected"; exit 1; }\n')
    hook.chmod(0o755)
    booking.starts_slowly()
    booking.watched(known_good=True)
    booking.busy()      # so that `errors`, which counts them, is there before `some-users-fail`, which waits
    git = booking.machine.git
    bad = booking.commit("half")        # health is well, every second page fails
    booking.push()

    id_ = booking.of_trigger("errors")["id"]
    failed = booking.run_of(id_, "code-rollback", "failed")
    assert next(step for step in failed["steps"] if step["type"] == "git_revert")["state"] == "failed"
    assert "main is protected" in booking.step_texts(id_)
    assert git("/srv/booking.git", "rev-parse", "main") == bad == git("/var/lib/rollbackd/booking", "rev-parse", "HEAD")
    booking.approve(id_, "previous-version")
    wait_for(lambda: booking.forge.asked, what="the pull request")
    branch = booking.forge.asked[0]["head"]
    assert git("/srv/booking.git", "diff", booking.good, branch) == ""
    git("/srv/dev", "fetch", "--quiet", "origin")
    git("/srv/dev", "merge", "--quiet", f"origin/{branch}")
    booking.push()
    incident = booking.recovered(id_)
    assert playbooks(incident) == ["code-rollback", "previous-version"]
    booking.measure(id_, "errors", "previous version: a branch and a pull request", "minutes")


def test_without_compose_the_restart_fails_at_once_and_the_page_shields_users(world, booking):
    """No release to blame, and no tool to restart with: the last rung, which asks nobody."""
    booking.watched()
    booking.machine.without("docker-compose")
    booking.machine.run("docker", "stop", "booking-api-1")

    id_ = booking.of_trigger("production-down")["id"]
    booking.run_of(id_, "safe-mode", "verifying")
    assert world.incident(id_)["runs"][0]["state"] == "failed"
    assert "docker-compose" in booking.step_texts(id_)
    assert world.api("read").read("/v1/services/booking")["mode"] == "safe_mode"
    assert booking.status("/") == 503
    # Shielded is not mended: not before the API answers is it recovered, and not over before the page is off.
    assert not world.incident(id_)["recovered_at"]
    booking.machine.run("docker", "start", "booking-api-1")
    incident = booking.recovered(id_)
    assert playbooks(incident) == ["restart", "safe-mode"]
    assert incident["state"] == "verifying"
    booking.by_hand("safe-mode-off")
    assert booking.status("/") == 200


def test_safe_mode_is_on_in_two_seconds_and_what_nginx_refuses_is_undone(world, booking):
    booking.watched()
    run = booking.by_hand("safe-mode")
    (incident,) = [item for item in world.incidents("booking") if playbooks(world.incident(item["id"])) == ["safe-mode"]]
    booking.measure_run(incident["id"], "safe-mode", "safe mode, called by a person", "none", limit=2)
    booking.by_hand("safe-mode-off")
    config = booking.machine.path("/etc/nginx/nginx.conf")
    good = config.read_text()
    config.write_text(good.replace("events {}", "events { nonsense; }"))
    failed = booking.by_hand("safe-mode", state="failed")
    assert "nonsense" in booking.step_texts(failed["incident"])
    config.write_text(good)
