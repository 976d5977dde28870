"""The benchmark works: what it measures is for people to read, never for a test to judge."""

import json
import subprocess
from pathlib import Path

from harness import BINARIES

ROOT = Path(__file__).resolve().parents[2]


def test_the_benchmark_measures_every_figure(tmp_path):
    figures = tmp_path / "figures.json"
    done = subprocess.run(["/usr/bin/python3", "-B", str(ROOT / "tests/bench/main.py"), "--quick", "--json",
                           str(figures)], env={"PATH": "/usr/bin:/usr/sbin:/bin", "ROLLBACKD_BIN_DIR": str(BINARIES)},
                          capture_output=True, text=True, timeout=600)
    assert figures.is_file(), done.stdout + done.stderr
    measured = {figure["name"]: figure for figure in json.loads(figures.read_text())}
    assert {"start to ready, 100 signals", "idle RssAnon, 100 signals", "push to step started",
            "probe lag p99, of the interval", "GET /v1/status p99, signals probed", "nginx, a file of that size, p99",
            "CPU per 1000 HTTP probes"} <= set(measured)
    assert all(figure["value"] > 0 for name, figure in measured.items() if "less" not in name), measured
    over = [name for name, figure in measured.items() if figure["limit"] and figure["value"] > figure["limit"]]
    assert done.returncode == (1 if over else 0), done.stdout + done.stderr
