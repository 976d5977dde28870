"""rollbackctl drill: the service is broken on purpose, and what comes of it is timed and recorded."""

import re

import pytest
from harness import wait_for
from harness.daemon import BINARIES
from harness.policy import down, script


@pytest.fixture
def staging(world):
    """Runs v1, good for long; `breaks` deploys v2, which is bad."""
    world.triggers(down=down(), **{"drill-due": {"when": "drill_due(code-rollback, 90d)", "severity": "P3",
                                                 "response": "alert"}})
    world.start()
    world.two_releases()
    v2 = world.repository.versions["v2"]
    world.breaks = script(world, "breaks", f"{BINARIES}/rollbackctl deploy shop {v2}\n"
                                           f"git -C {world.repository.path} checkout -q {v2}\n")
    return world


def drill(world, *command: str, within: str = "30s", playbook: str = "code-rollback"):
    return world.ctl("drill", "shop", playbook, "--yes", "--within", within, "--", *command, timeout=240)


def recorded(world) -> dict | None:
    listed = world.api("read").read("/v1/services/shop")["playbooks"]
    return next(entry["drill"] for entry in listed if entry["name"] == "code-rollback")


def test_a_drill_is_timed_recorded_and_no_longer_due(staging):
    wait_for(lambda: staging.trigger("drill-due")["verdict"] == "true", what="a drill to be due")
    assert recorded(staging) is None
    done = drill(staging, staging.breaks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"the drill of code-rollback passed \(INC-\d+\)", done.stdout)
    assert staging.repository.head == staging.repository.versions["v1"]
    kept = recorded(staging)
    assert kept["passed"] and 0 < kept["noticed_seconds"] <= kept["acted_seconds"] < kept["recovered_seconds"], kept
    wait_for(lambda: staging.trigger("drill-due")["verdict"] == "false", what="it to be due no more")
    metrics = staging.api(None).get("/metrics").body.decode()
    assert re.search(r'rollbackd_last_drill_timestamp_seconds{[^}]*playbook="code-rollback"[^}]*} \d', metrics)
    staging.daemon.kill()
    staging.daemon.start()
    assert recorded(staging) == kept


def test_what_nobody_notices_is_a_failed_drill_and_is_not_recorded(staging):
    done = drill(staging, "/bin/true", within="2s")
    assert done.returncode == 1 and "nobody noticed" in done.stderr and recorded(staging) is None


def test_a_command_that_breaks_nothing_ends_it(staging):
    done = drill(staging, "/bin/false")
    assert done.returncode == 1 and "failed, exit 1: nothing was drilled" in done.stderr
    done = drill(staging, f"{staging.folder}/not-there")
    assert done.returncode == 1 and "not-there" in done.stderr and "nothing was drilled" in done.stderr


def test_what_is_not_rolled_back_is_a_failed_drill_and_the_next_waits_until_it_is_over(staging):
    done = drill(staging, "/bin/rm", f"{staging.repository.path}/behaviour", within="6s")    # no release's fault
    assert done.returncode == 1 and "not over within" in done.stderr and recorded(staging) is None, done.stderr
    done = drill(staging, staging.breaks)
    assert done.returncode == 1 and "a drill begins where nothing is wrong" in done.stderr


def test_without_a_terminal_it_wants_yes_and_a_command(staging):
    done = staging.ctl("drill", "shop", "code-rollback", "--", staging.breaks)
    assert done.returncode == 2 and "say --yes" in done.stderr
    assert staging.ctl("drill", "shop", "code-rollback", "--yes").returncode == 2
    assert staging.repository.head != staging.repository.versions["v2"]
    assert drill(staging, "/bin/true", playbook="nope").returncode == 1
