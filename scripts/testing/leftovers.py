"""Finds the processes a test run left behind. This process becomes the reaper of its descendants, so
whatever outlives its parent, in whatever process group, ends up as our child and is seen."""

import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 3.0


class Leftovers:
    def __init__(self) -> None:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def _children(self) -> list[tuple[int, str]]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
                command = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            state, parent = text.rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.append((int(stat.parent.name), command.strip()))
        return found

    def _reap(self) -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    def end_all(self) -> list[str]:
        """Ends what is left and answers what it was. A short grace lets the dying finish."""
        deadline = time.monotonic() + GRACE_SECONDS
        self._reap()
        while (left := self._children()) and time.monotonic() < deadline:
            time.sleep(0.05)
            self._reap()
        for pid, _ in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while self._children():   # their children become ours and end too
            for pid, _ in self._children():
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
            self._reap()
        self._reap()
        return [f"{pid}: {command[:200]}" for pid, command in left]
