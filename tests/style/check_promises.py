"""docs/promises.md names, for every promise of the policy's engine, the tests that catch its breach.
A name that is no test any more, or a promise without one, is an error: the document cannot rot.

A test is named `path/x_test.cpp` "its sentence", or `path/test_x.py` `test_name`.

Usage: check_promises.py [ROOT]"""

import re
from pathlib import Path

from report import Finding, main

DOCUMENT = "docs/promises.md"
PROMISES = tuple(str(n) for n in range(1, 10)) + tuple("abcdef")
FILE = re.compile(r"`(tests/[\w/]+\.(?:cpp|py))`")
NAME = re.compile(r'"([^"]+)"|`(test_\w+)`')
CASE = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
DEF = re.compile(r"^def (test_\w+)", re.M)


def names_in(path: Path) -> set[str]:
    text = path.read_text()
    if path.suffix == ".py":
        return set(DEF.findall(text))
    return {re.sub(r'"\s*"', "", found.strip())[1:-1] for found in CASE.findall(text)}


def wrong_names(root: Path, line: str, number: int) -> tuple[list[Finding], int]:
    """What is wrong with the tests that one row names, and how many of them there are."""
    findings, count, known = [], 0, None
    for match in re.finditer(f"{FILE.pattern}|{NAME.pattern}", line):
        file, sentence, function = match.groups()
        if file:
            path = root / file
            known = names_in(path) if path.is_file() else None
            if known is None:
                findings.append(Finding(DOCUMENT, number, f"there is no {file}"))
        elif known is not None:
            count += 1
            if (sentence or function) not in known:
                findings.append(Finding(DOCUMENT, number, f'no test is called "{sentence or function}"'))
    return findings, count


def check(root: Path) -> list[Finding]:
    document = root / DOCUMENT
    if not document.is_file():
        return [Finding(DOCUMENT, 1, "the document is missing")]
    findings, proven = [], set()
    for number, line in enumerate(document.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.split(" | ")]
        if not line.startswith("| ") or len(cells) < 3 or set(line) <= set("| -"):
            continue
        wrong, count = wrong_names(root, cells[-1], number)
        findings += wrong
        if count:
            proven.add(cells[0].removeprefix("| ").split(" ")[0].strip("()."))
    for missing in sorted(set(PROMISES) - proven):
        findings.append(Finding(DOCUMENT, 1, f"promise {missing} has no test"))
    return findings


if __name__ == "__main__":
    main(check, "check_promises")
