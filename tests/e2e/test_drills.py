"""Shipped policies against small real stacks, broken on purpose: detected, decided, done, verified, told. What a drill
measured, from the breach to recovered, is printed (pytest -s) and stands in docs/runbooks.md."""

import datetime

import pytest
from harness import wait_for
from harness.booking import BookingStack
from harness.world import playbooks


@pytest.fixture
def booking(world, tmp_path):
    made = BookingStack(world, tmp_path)
    yield made
    world.daemon.stop()
    made.close()


def of_trigger(world, trigger: str) -> dict:
    """The incident of the booking site that this trigger is part of."""
    for item in world.incidents("booking"):
        whole = world.incident(item["id"])
        if any(one["name"] == trigger for one in whole["triggers"]):
            return whole
    raise AssertionError(f"no incident of {trigger}")


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def seconds_to_recovered(world, incident: str, trigger: str) -> float:
    """From the breach, where the trigger fired, to its being verified, as the daemon's own records have it."""
    whole = world.incident(incident)
    fired = max(moment(one["fired_at"]) for one in whole["triggers"] if one["name"] == trigger)
    lines = world.api("operate").read(f"/v1/incidents/{incident}/timeline")["items"]
    recovered = next(line for line in lines if line["kind"] == "incident.recovered")
    return (moment(recovered["at"]) - fired).total_seconds()


def test_flag_off_by_itself_from_users_that_fail_to_users_that_do_not(world, booking):
    booking.start()
    before = booking.env.read_text()
    booking.env.write_text(before.replace('"false"', '"true"'))     # switched on, and it does not work

    incident = wait_for(lambda: of_trigger(world, "some-users-fail"), what="it to be detected")
    id_ = incident["id"]
    wait_for(lambda: world.incident(id_)["runs"][0]["state"] == "succeeded", what="it to be recovered")
    incident = world.incident(id_)

    seconds = seconds_to_recovered(world, id_, "some-users-fail")
    print(f"\nflag off: {seconds:.2f} s from the breach to recovered")
    # Decided by the matrix: medium impact, some users.
    assert incident["severity"] in ("P2", "P1")
    assert playbooks(incident) == ["flag-off"]
    explained = world.ctl("explain", id_).stdout
    assert "affected(requests, 10m)" in explained and "5" in explained
    # Done: one value, and nothing else of the file.
    assert booking.env.read_text() == before
    assert booking.booking.answer("/checkout")[0] == 200
    # Told, to the end.
    wait_for(lambda: "incident.verified" in world.sink.events(id_), what="people to be told")
    report = world.ctl("report", id_).stdout
    assert "flag-off" in report


def test_a_bad_push_goes_back_by_itself_and_the_branch_holds_the_good_tree(world, booking):
    world.policy["services"]["booking"]["start_period"] = "1s"     # what a real deployment needs is no part of it
    booking.start()
    good = booking.site.version()
    world.api("ingest").must(201, "/v1/services/booking/deployments", {"version": good, "known_good": True})
    bad = booking.site.commit("bad")
    booking.site.push()

    incident = wait_for(lambda: of_trigger(world, "production-down"), what="it to be detected")
    id_ = incident["id"]
    wait_for(lambda: world.incident(id_)["recovered_at"], what="it to be recovered")
    incident = world.incident(id_)

    assert playbooks(incident) == ["code-rollback"] and incident["severity"] == "P0"
    run = incident["runs"][0]
    assert run["target"] == good
    assert [step["state"] for step in run["steps"]] == ["done"] * len(run["steps"])
    # main goes on with a commit whose tree is the good one; what was deployed is it, and the bad one is kept out.
    assert booking.site.git(booking.site.bare, "diff", good, "main") == ""
    assert booking.site.git(booking.site.bare, "merge-base", bad, "main") == bad
    assert booking.booking.answer("/health")[0] == 200
    standing = world.api("read").read(f"/v1/services/booking/versions/{bad}")["standing"]
    assert standing == "bad"
    assert world.ctl("gate", "booking", bad, role="ingest").returncode == 1
    wait_for(lambda: "incident.verified" in world.sink.events(id_), what="people to be told")
    seconds = seconds_to_recovered(world, id_, "production-down")
    print(f"\ncode rollback: {seconds:.2f} s from the breach to recovered")
