import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
from harness import BINARIES  # noqa: E402
from stage import Stage  # noqa: E402
from tools import Tools  # noqa: E402


def pytest_configure(config):
    for name in ("rollbackd", "rollbackctl"):
        if not (BINARIES / name).is_file():
            raise pytest.UsageError(f"{BINARIES / name} is missing: run scripts/build first")


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    return Tools(tmp_path_factory.mktemp("crash") / "tools")


@pytest.fixture
def stage(tmp_path, tools):
    """A story in which nobody is killed unless the test says so."""
    made = Stage(tmp_path / "stage", tools, [])
    yield made
    made.close()
