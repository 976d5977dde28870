"""The named crash points, and the page by which the campaign arms one and learns that it was reached."""

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "shim.c"
SIDES = {"before": 1, "after": 2, "torn": 3}
DAEMON, SUPERVISOR, STEP = 1, 2, 4
VICTIMS = {DAEMON: "daemon", SUPERVISOR: "supervisor", STEP: "step"}
HEAD = struct.Struct("10i")   # struct page of shim.c, up to its counts


def names() -> list[str]:
    body = re.search(r"enum kind \{(.*?)\n\s*kinds\n\};", SOURCE.read_text(), re.S).group(1)
    return re.findall(r"^\s*(\w+),", body, re.M)


NAMES = names()
OF_SUPERVISOR = NAMES[NAMES.index("room_take"):]
WRITES = {"wal_write", "base_write", "lock_write", "spec_write", "mark_write"}


@dataclass(frozen=True)
class Point:
    """The `count`-th call of a kind in one life of the daemon; who is killed there."""

    name: str
    count: int
    side: str
    victims: int = DAEMON

    def __str__(self) -> str:
        return f"{self.side}:{self.name}:{self.count}:{victims_text(self.victims)}"


@dataclass(frozen=True)
class Moment:
    """So many seconds after the daemon was started."""

    seconds: float
    victims: int = DAEMON

    def __str__(self) -> str:
        return f"moment:{self.seconds:.3f}:{victims_text(self.victims)}"


def victims_text(victims: int) -> str:
    return "+".join(name for bit, name in VICTIMS.items() if victims & bit)


def parse(text: str) -> Point | Moment:
    """What str() of a Point or a Moment wrote."""
    words = text.split(":")
    victims = sum(bit for bit, name in VICTIMS.items() if name in words[-1].split("+"))
    if words[0] == "moment":
        return Moment(float(words[1]), victims)
    if words[0] not in SIDES or words[1] not in NAMES or len(words) != 4 or not victims:
        raise ValueError(f"{text}: expected SIDE:POINT:COUNT:WHO or moment:SECONDS:WHO")
    return Point(words[1], int(words[2]), words[0], victims)


def sides_of(name: str) -> list[str]:
    return ["before", "after", "torn"] if name in WRITES else ["before", "after"]


class Page:
    def __init__(self, path: Path):
        self.path = path
        size = HEAD.size + 4 * len(NAMES)
        path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)

    def _field(self, index: int) -> int:
        return struct.unpack_from("i", self._map, 4 * index)[0]

    def _set(self, index: int, value: int) -> None:
        struct.pack_into("i", self._map, 4 * index, value)

    def arm(self, point: Point | None, daemon: int, message_port: int, answer_port: int) -> None:
        """For the life to come, or what is left of this one. Forgets what was counted."""
        armed = (NAMES.index(point.name), SIDES[point.side], point.victims, point.count) if point \
            else (len(NAMES), 0, 0, 0)
        HEAD.pack_into(self._map, 0, daemon, *self.helpers(), 0, *armed, message_port, answer_port)
        self._map[HEAD.size:] = bytes(4 * len(NAMES))

    @property
    def fired(self) -> bool:
        return self._field(3) == 1

    def helpers(self) -> tuple[int, int]:
        """Pids of the newest supervisor and its step; 0 where there is none."""
        return self._field(1), self._field(2)

    def forget_helpers(self) -> None:
        self._set(1, 0)
        self._set(2, 0)

    def counts(self) -> dict[str, int]:
        return {name: self._field(HEAD.size // 4 + n) for n, name in enumerate(NAMES)}

    def close(self) -> None:
        self._map.close()
