"""How the story is told: one line a moment, who did it, and at the end what was proved."""

import sys
import textwrap
import threading
import time
from datetime import datetime

from daemon import Daemon

COLOURS = {"you": "36", "world": "33", "rollbackd": "32", "message": "35", "bad": "31"}
WIDTH = 100


def seconds(text: str) -> float:
    """An RFC 3339 time as seconds since 1970."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Teller:
    """Prints from several threads without mixing lines."""

    def __init__(self) -> None:
        self._began = time.time()
        self._lock = threading.Lock()
        self._colour = sys.stdout.isatty()

    def tell(self, who: str, text: str, at: float | None = None) -> None:
        stamp = f"{(at or time.time()) - self._began:6.1f} s  "
        name = f"{who:<10}"
        if self._colour:
            name = f"\033[{COLOURS.get(who, '0')}m{name}\033[0m"
        lines = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH - 20) or [""]]
        with self._lock:
            for n, line in enumerate(lines):
                print((stamp + name if n == 0 else " " * 20) + line, flush=True)

    def title(self, text: str) -> None:
        with self._lock:
            print(f"\n── {text} " + "─" * max(0, WIDTH - len(text) - 4), flush=True)

    def plain(self, text: str = "") -> None:
        with self._lock:
            print(text, flush=True)


class Narrator:
    """Follows the daemon's events and tells each incident's timeline as it grows."""

    def __init__(self, daemon: Daemon, teller: Teller):
        self._daemon, self._teller = daemon, teller
        self._stop = threading.Event()
        self._told: set[tuple[str, int, str]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for kind, _ in self._daemon.events(self._stop):
                if kind.startswith(("incident", "run", "step", "trigger")):
                    self._tell_new()
        except (OSError, ValueError):
            pass    # the daemon has ended, or is ending

    def _tell_new(self) -> None:
        for item in self._daemon.read("/v1/incidents?limit=100")["items"]:
            entries = self._daemon.read(f"/v1/incidents/{item['id']}/timeline")["items"]
            for entry in entries:
                key = (item["id"], entry["seq"], entry["text"])
                if key not in self._told:
                    self._told.add(key)
                    self._teller.tell("rollbackd", f"{item['id']}: {entry['text']}", seconds(entry["at"]))

    def stop(self) -> None:
        self._stop.set()


class Checks:
    """What must have happened, and whether it did."""

    def __init__(self, teller: Teller):
        self._teller = teller
        self.results: list[tuple[bool, str]] = []

    def check(self, ok: bool, text: str) -> None:
        self.results.append((bool(ok), text))

    @property
    def good(self) -> bool:
        return bool(self.results) and all(ok for ok, _ in self.results)

    def show(self) -> None:
        for ok, text in self.results:
            self._teller.plain(f"  {'yes' if ok else 'NO '}  {text}")
