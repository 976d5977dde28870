"""docs/promises.md names, for every promise of the policy's engine, the tests that catch its breach, and
docs/security.md for every threat the tests that show what stops it. A name that is no test any more, a promise
or a threat without one, is an error: the documents cannot rot.

A test is named `path/x_test.cpp` "its sentence", or `path/test_x.py` `test_name`.

Usage: check_promises.py [ROOT]"""

import re
from pathlib import Path

from report import Finding, main

DOCUMENT = "docs/promises.md"
THREATS = "docs/security.md"
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


def wrong_names(root: Path, document: str, line: str, number: int) -> tuple[list[Finding], int]:
    """What is wrong with the tests that one row names, and how many of them there are."""
    findings, count, known = [], 0, None
    for match in re.finditer(f"{FILE.pattern}|{NAME.pattern}", line):
        file, sentence, function = match.groups()
        if file:
            path = root / file
            known = names_in(path) if path.is_file() else None
            if known is None:
                findings.append(Finding(document, number, f"there is no {file}"))
        elif known is not None:
            count += 1
            if (sentence or function) not in known:
                findings.append(Finding(document, number, f'no test is called "{sentence or function}"'))
    return findings, count


def rows(root: Path, document: str) -> list[tuple[int, str, str]]:
    """Of each row of its tables but the heads: the line's number, the first cell, the last."""
    found = []
    for number, line in enumerate((root / document).read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        head = cells[-1] in ("test", "tests that catch its breach")
        if line.startswith("| ") and len(cells) >= 3 and not head:
            found.append((number, cells[0], cells[-1]))
    return found


def check(root: Path) -> list[Finding]:
    missing = [Finding(document, 1, "the document is missing") for document in (DOCUMENT, THREATS)
               if not (root / document).is_file()]
    if missing:
        return missing
    findings, proven = [], set()
    for number, promise, tests in rows(root, DOCUMENT):
        wrong, count = wrong_names(root, DOCUMENT, tests, number)
        findings += wrong
        if count:
            proven.add(promise.split(" ")[0].strip("()."))
    findings += [Finding(DOCUMENT, 1, f"promise {name} has no test") for name in sorted(set(PROMISES) - proven)]
    for number, threat, tests in rows(root, THREATS):
        wrong, count = wrong_names(root, THREATS, tests, number)
        findings += wrong or ([] if count else [Finding(THREATS, number, f'"{threat}" has no test')])
    return findings


if __name__ == "__main__":
    main(check, "check_promises")
