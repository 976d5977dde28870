import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import BINARIES, World  # noqa: E402


def pytest_configure(config):
    for name in ("rollbackd", "rollbackctl"):
        if not (BINARIES / name).is_file():
            raise pytest.UsageError(f"{BINARIES / name} is missing: run scripts/build first")


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
