"""The daemon as a process: start, stop, kill -9, restart, and what it logged."""

import os
import signal
import subprocess
from pathlib import Path

from harness.api import Api
from harness.net import free_port
from harness.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
BINARIES = Path(os.environ.get("ROLLBACKD_BIN_DIR", ROOT / "build/bin"))
START_SECONDS_MAX = 20   # a binary with sanitizers on a busy machine


class Daemon:
    def __init__(self, folder: Path, environment: dict[str, str] | None = None,
                 wrapper: tuple[str, ...] = ()):
        self.folder = folder
        self.config = folder / "rollbackd.yaml"
        self.log = folder / "rollbackd.log"
        self.binary = BINARIES / "rollbackd"
        self.port = free_port()
        self.environment = environment or {}
        self.wrapper = wrapper
        self.process: subprocess.Popen | None = None

    def spawn(self) -> subprocess.Popen:
        """Starts it and does not wait: for starts that are meant to fail."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, str(self.binary), "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=dict(os.environ, **self.environment), start_new_session=True,
            )
        return self.process

    def start(self) -> None:
        process = self.spawn()

        def ready() -> bool:
            assert process.poll() is None, f"rollbackd ended with {process.returncode}:\n{self.tail()}"
            return Api(self.port).get("/readyz").status == 200

        try:
            wait_for_start(ready, process)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def refuses_to_start(self, timeout: float = 60) -> str:
        """Starts it, expects it to end with an error by itself, answers what it said."""
        process = self.spawn()
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"rollbackd started, though it should refuse:\n{self.tail()}") from None
        assert code not in (0, None) and code > 0, f"ended with {code}:\n{self.tail()}"
        return self.tail()

    def stop(self, timeout: float = 60) -> int:
        """SIGTERM; answers the exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop within {timeout} s:\n{self.tail()}") from None

    def kill(self) -> None:
        """kill -9 of the daemon alone: what it started lives on."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def reload(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        if self.running:
            self.stop()
        self.start()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tail(self, lines: int = 60) -> str:
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def wait_for_start(ready, process: subprocess.Popen) -> None:
    """A daemon that has ended is not waited for."""

    def ended_or_ready() -> bool:
        return process.poll() is not None or ready()

    wait_for(ended_or_ready, START_SECONDS_MAX, "rollbackd to be ready")
    assert process.poll() is None, f"rollbackd ended with {process.returncode}"
