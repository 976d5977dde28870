"""How a style check speaks: one line a finding, an exit code at the end."""

import sys
from dataclasses import dataclass
from pathlib import Path

from cpp import ROOT


@dataclass(frozen=True, order=True)
class Finding:
    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: error: {self.what}"


def main(check, name: str) -> None:
    """`check(root)` answers findings; the root is the argument, or this repository."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    findings = sorted(set(check(root)))
    for finding in findings:
        print(finding)
    print(f"{name}: {len(findings)} problem{'' if len(findings) == 1 else 's'}", file=sys.stderr)
    sys.exit(1 if findings else 0)
