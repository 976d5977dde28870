"""No ERROR in the log, counted since the new version began: what a success list waits for, from a file."""

from datetime import datetime, timedelta, timezone

import pytest
from harness import settled, wait_for
from harness.policy import code_rollback

QUIET = "2s"


def append(path, *lines: str) -> None:
    with path.open("a") as log:
        log.writelines(line + "\n" for line in lines)


@pytest.fixture
def log(world):
    """A service whose rollback has succeeded only after some seconds without ERROR."""
    path = world.folder / "logs" / "app.log"
    path.parent.mkdir()
    append(path, "started")
    world.shop["signals"]["app-log"] = {"log": {"path": str(path)}}
    world.shop["playbooks"]["code-rollback"] = code_rollback(
        success=[{"hold": f"failures(app-log, {QUIET}) == 0", "for": QUIET}])
    world.start()
    world.two_releases()
    return path


def recovered(world) -> dict:
    """v2 was bad and is rolled back: the run has succeeded, success is still waited for."""
    world.deploy("v2")
    incident = world.opened("down")

    def verified() -> dict:
        whole = world.incident(incident["id"])
        assert whole["runs"] and whole["runs"][0]["state"] == "succeeded"
        return whole

    return wait_for(verified)


def test_errors_of_the_old_version_do_not_count_against_the_new_one(world, log):
    append(log, *["ERROR of the bad version"] * 50)
    incident = recovered(world)
    append(log, "started", "all is well")
    world.until(incident["id"], "resolved")


def test_an_error_of_the_new_version_begins_the_wait_anew(world, log):
    append(log, "ERROR of before")
    incident = recovered(world)
    append(log, "ERROR of the new version")
    written = datetime.now(timezone.utc)
    wait_for(lambda: "of the new version" in (world.signal("app-log")["last_reason"] or ""))
    assert world.incident(incident["id"])["state"] != "resolved"
    append(log, "all is well")
    resolved = datetime.fromisoformat(world.until(incident["id"], "resolved")["resolved_at"].replace("Z", "+00:00"))
    assert resolved - written > timedelta(seconds=3.5), "two seconds without ERROR, held for two seconds"


def test_a_log_that_cannot_be_read_proves_no_success(world, log):
    log.rename(log.with_suffix(".away"))
    wait_for(lambda: "no such file" in (world.signal("app-log")["last_reason"] or ""), 20)
    incident = recovered(world)
    assert settled(lambda: world.incident(incident["id"])["state"], quiet=4.0) != "resolved"
    append(log, "started")
    world.until(incident["id"], "resolved")
