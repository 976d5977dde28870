import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import BINARIES, World  # noqa: E402
from harness.pm2 import find_pm2  # noqa: E402


def pytest_configure(config):
    for name in ("rollbackd", "rollbackctl"):
        if not (BINARIES / name).is_file():
            raise pytest.UsageError(f"{BINARIES / name} is missing: run scripts/build first")


def pytest_collection_modifyitems(config, items):
    """Debian packages no PM2: its tests are for a machine that has one or could fetch it, and left out of others."""
    if find_pm2():
        return
    without = [item for item in items if "pm2" in getattr(item, "fixturenames", ())]
    if without:
        items[:] = [item for item in items if item not in without]
        config.hook.pytest_deselected(items=without)
        print(f"\nleft out: {len(without)} tests of PM2 (scripts/setup tests fetches it with npm; ROLLBACKD_TEST_PM2 names one)")


@pytest.fixture
def world(tmp_path):
    """A service, what it depends on, and a policy the test may change before `world.start()`."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("world")
    if report.failed and made is not None:
        report.sections.append(("rollbackd.log", made.daemon.tail()))
        report.sections.append(("incidents", made.story()))
