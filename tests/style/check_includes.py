"""A folder includes only from the floors below it, never sideways or up, and only the third-party
headers its floor allows (floors.py holds the table).

Usage: check_includes.py [ROOT]"""

import re
from pathlib import Path

from cpp import sources, strip
from floors import EXPECTED, IMPURE_STANDARD, ONLY_IN_CPP, STANDARD, Room, is_posix, room_of
from report import Finding, main

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def wrong_own(room: Room, target: str) -> str | None:
    """Why `#include "target"` may not stand in a file of `room`."""
    if target.startswith((".", "..")) or "/" not in target:
        return f'"{target}" is not root-relative: write the path from the top of the repository'
    other = room_of(target)
    if other is None:
        return f'"{target}" is in no room that code may include from'
    if other.folder == room.folder or other.folder in room.below:
        return None
    if other.floor < room.floor:
        return f'{room.folder}/ may not include from {other.folder}/ (floor {other.floor})'
    way = "sideways" if other.floor == room.floor else "upwards"
    return f"{room.folder}/ (floor {room.floor}) includes {way} from {other.folder}/ (floor {other.floor})"


def wrong_system(room: Room, name: str, header: str) -> str | None:
    """Why `#include <header>` may not stand in the file `name` of `room`."""
    if header in STANDARD:
        if room.pure and header in IMPURE_STANDARD:
            return f"{room.folder}/ is pure: <{header}> brings a clock, file, thread or log into it"
        return None
    if is_posix(header):
        return f"{room.folder}/ is pure: no operating system header <{header}>" if room.pure else None
    if re.match(EXPECTED, header):
        return None
    if not any(re.match(pattern, header) for pattern in room.extern):
        return f"<{header}> is not among the third-party headers of {room.folder}/"
    for files, headers in room.only_in:
        if re.match(headers, header) and not re.fullmatch(files, name):
            return f"in {room.folder}/ only {files} may include <{header}>"
    if name.endswith(".hpp") and not name.endswith("pch.hpp") \
            and any(re.match(pattern, header) for pattern in ONLY_IN_CPP):
        return f"<{header}> stays in a .cpp file, behind an interface of ours"
    return None


def check_file(path: Path, name: str) -> list[Finding]:
    source = strip(path.read_text(), keep_strings=True)
    room = room_of(name)
    findings = []
    for match in INCLUDE.finditer(source):
        line = source.count("\n", 0, match.start(1)) + 1
        quoted, header = match.group(1) == '"', match.group(2)
        if room is None:
            why = None
            if header == "catch2/catch.hpp" and name != "tests/catch.hpp":
                why = 'include "tests/catch.hpp": a newer Catch2 must be a change of one file'
        else:
            why = wrong_own(room, header) if quoted else wrong_system(room, name, header)
        if why:
            findings.append(Finding(name, line, why))
    return findings


def check(root: Path) -> list[Finding]:
    findings = []
    for path in sources(root):
        findings += check_file(path, str(path.relative_to(root)))
    return findings


if __name__ == "__main__":
    main(check, "check_includes")
