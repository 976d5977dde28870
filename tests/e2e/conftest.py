import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import BINARIES, World  # noqa: E402
from harness.booking import BookingStack  # noqa: E402
from harness.browser import Browser, why_no_browser  # noqa: E402
from harness.composed import IdentityStack, MusicStack  # noqa: E402
from harness.control import ControlStack  # noqa: E402
from harness.drill import Drill  # noqa: E402
from harness.engine import why_no_engine  # noqa: E402
from harness.machine import why_no_machine  # noqa: E402
from harness.own_network import OwnNetwork  # noqa: E402
from harness.pm2 import find_pm2  # noqa: E402
from harness.webapp import WebStack  # noqa: E402

COMPOSE = ("dockerd", "docker", "docker-compose")


def pytest_configure(config):
    for name in ("rollbackd", "rollbackctl"):
        if not (BINARIES / name).is_file():
            raise pytest.UsageError(f"{BINARIES / name} is missing: run scripts/build first")


def pytest_collection_modifyitems(config, items):
    """What Debian does not package: its tests are for a machine that could fetch it, and left out of others."""
    if not find_pm2():
        leave_out(config, items, "pm2", "tests of PM2 (scripts/setup tests fetches it with npm; ROLLBACKD_TEST_PM2 names one)")
    if reason := why_no_browser():
        leave_out(config, items, "browse", f"tests in a browser: {reason}")


def leave_out(config, items, fixture: str, what: str) -> None:
    without = [item for item in items if fixture in getattr(item, "fixturenames", ())]
    if without:
        items[:] = [item for item in items if item not in without]
        config.hook.pytest_deselected(items=without)
        print(f"\nleft out: {len(without)} {what}")


@pytest.fixture
def world(tmp_path):
    """A service, what it depends on, and a policy the test may change before `world.start()`."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def browse(world):
    """Opens the dashboard of the world's daemon in a real Chromium, for as long as the test lasts."""
    opened: list[Browser] = []

    def open_(role: str | None = "admin", route: str = "/") -> Browser:
        browser = Browser(f"http://127.0.0.1:{world.daemon.port}")
        opened.append(browser)
        if role:
            browser.sign_in(world.tokens[role], route)
        return browser

    yield open_
    for browser in opened:
        browser.close()


def drilled(kind: type[Drill], world: World, folder: Path, *programs: str, network: OwnNetwork | None = None):
    """The stack of a shipped policy: its daemon ends before what it watches, and all of it whatever happens."""
    if reason := why_no_machine() or (why_no_engine(programs) if programs else None):
        pytest.skip(reason)
    stack = kind(world, folder, network)
    try:
        stack.build()
        yield stack
    finally:
        if world.daemon.running:
            world.daemon.stop()
        stack.close()


@pytest.fixture
def own_network():
    """To be used before `world` is made: what is begun from here on has a network of its own."""
    if os.geteuid() != 0:
        pytest.skip("a network of its own needs root")
    made = OwnNetwork()
    yield made
    made.stop()


@pytest.fixture
def booking(world, tmp_path):
    """compose-flags.yaml"""
    yield from drilled(BookingStack, world, tmp_path, *COMPOSE)


@pytest.fixture
def identity(world, tmp_path):
    """compose-cutover.yaml"""
    yield from drilled(IdentityStack, world, tmp_path, *COMPOSE)


@pytest.fixture
def music(request, world, tmp_path):
    """compose-nginx.yaml; with ports that can be closed where the test has `own_network`"""
    network = request.getfixturevalue("own_network") if "own_network" in request.fixturenames else None
    yield from drilled(MusicStack, world, tmp_path, *COMPOSE, network=network)


@pytest.fixture
def web(own_network, world, tmp_path):
    """compose-alembic.yaml"""
    yield from drilled(WebStack, world, tmp_path, *COMPOSE, network=own_network)


@pytest.fixture
def pm2(world, tmp_path):
    """pm2-postgres.yaml"""
    yield from drilled(ControlStack, world, tmp_path)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("world")
    if report.failed and made is not None:
        report.sections.append(("rollbackd.log", made.daemon.tail()))
        report.sections.append(("incidents", made.story()))
