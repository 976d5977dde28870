#!/usr/bin/python3
"""Writes what drills measured into the table of docs/runbooks.md.

    ROLLBACKD_DRILL_TIMES=FILE scripts/test policies policies-long && scripts/testing/drill_table.py FILE

Each line of FILE is one measurement: policy, scenario, documented (seconds, or the runbook's word), seconds. Of several
of one scenario the fastest and the slowest are shown, and the ratio is of the slowest."""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/runbooks.md"
BEGIN, END = "<!-- drills -->\n", "<!-- /drills -->"


def told(seconds: float | str) -> str:
    if isinstance(seconds, str):
        return seconds
    if seconds >= 3600:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def row(measured: list[dict]) -> str:
    first = measured[0]
    times = sorted(one["seconds"] for one in measured)
    fastest, slowest = f"{times[0]:.1f}", f"{times[-1]:.1f}"
    span = f"{fastest} s" if fastest == slowest else f"{fastest} - {slowest} s"
    documented = first["documented"]
    ratio = "-" if isinstance(documented, str) else f"{documented / times[-1]:.0f} times faster"
    policy = first["policy"].removesuffix(".yaml")
    return f"| `{policy}` | {first['scenario']} | {told(documented)} | {span} | {ratio} |\n"


def table(lines: list[dict]) -> str:
    together: dict[tuple[str, str], list[dict]] = {}
    for line in lines:
        together.setdefault((line["policy"], line["scenario"]), []).append(line)
    head = "| policy | scenario | documented | measured | ratio |\n|---|---|---|---|---|\n"
    return head + "".join(row(together[key]) for key in sorted(together))


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table(lines) + END + after)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
