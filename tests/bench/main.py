"""scripts/bench: measures the release binaries and compares with the limits they promise."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import measure  # noqa: E402
from farm import Farm  # noqa: E402


@dataclass
class Figure:
    name: str
    value: float
    unit: str
    limit: float | None = None   # at most
    note: str = ""

    @property
    def over(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def line(self) -> str:
        limit = "" if self.limit is None else f"limit {self.limit:g}"
        verdict = "" if self.limit is None else "OVER" if self.over else "ok"
        return f"{self.name:<34}{self.value:>9.3f} {self.unit:<12}{limit:<12}{verdict:<6}{self.note}"


def ranged(values: list[float]) -> str:
    got = measure.spread(values)
    return f"{len(values)} times, {got['min']:.2f} to {got['max']:.2f}"


def schedule(folder: Path, farm: Farm, quick: bool):
    many = 200 if quick else 10_000
    late = measure.schedule(folder, farm, many, *((1, 11) if quick else (70, 60)))
    note = f"{many} signals, {late['probes']:.0f} probes, CPU {late['cpu']:.1f} s, RSS {late['memory']:.0f} MiB"
    yield Figure("probe lag p50, of the interval", late["p50"] * 100, "%", None, note)
    yield Figure("probe lag p99, of the interval", late["p99"] * 100, "%", 5)


def calls(folder: Path, farm: Farm, quick: bool):
    got = measure.calls(folder, farm, *((50, 1, 1, 500) if quick else (1000, 12, 20, 2000)))
    ours, nginx = got["status"], got["nginx"]
    note = f"{ours['rate']:.0f} a second, p50 {ours['p50'] / 1e3:.2f} ms, p99.9 {ours['p999'] / 1e3:.2f} ms, {ours['bytes']} bytes"
    yield Figure("GET /v1/status p99, signals probed", ours["p99"] / 1e3, "ms", 2, note)
    note = f"{ours['p99'] / nginx['p99']:.1f} times that; p50 {nginx['p50'] / 1e3:.2f} ms, p99.9 {nginx['p999'] / 1e3:.2f} ms"
    yield Figure("nginx, a file of that size, p99", nginx["p99"] / 1e3, "ms", None, note)


def figures(folder: Path, farm: Farm, quick: bool):
    """Each figure as soon as it is known."""
    starts = measure.starts(folder, farm, 100, 2 if quick else 10)
    yield Figure("start to ready, 100 signals", median(starts), "ms", 50, ranged(starts))
    memory = measure.idle(folder, farm, 100, 1 if quick else 15)
    yield Figure("idle RSS, 100 signals", memory["VmRSS"], "MiB", 24)
    yield Figure("idle RssAnon, 100 signals", memory["RssAnon"], "MiB", 8)
    sync = measure.syncs(folder, 10 if quick else 100)
    yield Figure("one sync of this file system", median(sync), "ms", None, ranged(sync))
    pushes = measure.pushes(folder, 3 if quick else 40)
    yield Figure("push to step started", median(pushes), "ms", None, ranged(pushes))
    yield Figure("push to step, less one sync", median(pushes) - median(sync), "ms", 5)
    yield from calls(folder, farm, quick)
    yield from schedule(folder, farm, quick)
    cpu, rate = measure.probes(folder, farm, 50 if quick else 1000, *((1, 11) if quick else (20, 60)))
    yield Figure("CPU per 1000 HTTP probes", cpu, "s", 0.3, f"{rate:.1f} probes a second")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it works")
    parser.add_argument("--schedule", action="store_true", help="only how 10,000 signals keep theirs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--calls", action="store_true", help="only how long calls of the API take")
    chosen = parser.parse_args()
    every: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="rollbackd-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        farm = Farm(folder / "farm")
        try:
            for figure in (schedule if chosen.schedule else calls if chosen.calls else figures)(folder, farm, chosen.quick):
                every.append(figure)
                print(figure.line(), flush=True)
        finally:
            farm.stop()
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(figure) for figure in every], indent=2) + "\n")
    over = [figure.name for figure in every if figure.over]
    if over:
        print(f"over the limit: {', '.join(over)}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
