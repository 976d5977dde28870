import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/e2e")]
from container import Container, why_not  # noqa: E402

BINARIES = Path(os.environ.get("ROLLBACKD_BIN_DIR", ROOT / "build/bin"))
INSTALLED = {
    BINARIES / "rollbackd": "usr/bin/rollbackd",
    BINARIES / "rollbackctl": "usr/bin/rollbackctl",
    BINARIES / "rollbackd-step": "usr/libexec/rollbackd/rollbackd-step",
    ROOT / "systemd/rollbackd.service": "lib/systemd/system/rollbackd.service",
    ROOT / "systemd/rollbackd.rules": "etc/polkit-1/rules.d/50-rollbackd.rules",
    ROOT / "systemd/rollbackd.sysusers.conf": "usr/lib/sysusers.d/rollbackd.conf",
    ROOT / "systemd/rollbackd.tmpfiles.conf": "usr/lib/tmpfiles.d/rollbackd.conf",
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A booted machine with the package's files installed."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("machine")
    files = folder / "files"
    for source, place in INSTALLED.items():
        (files / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, files / place)
    for path in files.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    files.chmod(0o755)
    container = Container(folder, files)
    try:
        container.start()
        container.run("systemd-sysusers")
        container.run("systemd-tmpfiles", "--create", "rollbackd.conf")
        yield container
    finally:
        container.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    container = getattr(item, "funcargs", {}).get("machine")
    if report.failed and container is not None:
        report.sections.append(("journal of rollbackd", container.journal()))
