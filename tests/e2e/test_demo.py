"""`scripts/run --once` tells its story to a good end, and the README shows what it prints."""

import os
import re
import subprocess

from harness import BINARIES
from harness.daemon import ROOT


def skeleton(text: str) -> str:
    """What stays the same from one telling to the next: no numbers, hashes or line breaks."""
    plain = re.sub(r"\b[0-9a-f]{7,40}\b|\d+(?:\.\d+)?", "#", text.replace("─", ""))
    return re.sub(r"\s+", " ", plain).strip()


def transcript() -> list[str]:
    block = re.search(r"^```text\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert block, "the README has no transcript"
    lines = [part for line in block.group(1).splitlines() for part in line.split("…")]
    return [line for line in map(skeleton, lines) if line]


def test_the_demonstration_ends_well_and_the_readme_tells_it_as_it_is():
    done = subprocess.run(["/usr/bin/python3", "-B", str(ROOT / "scripts/demo/main.py"), "--once"],
                          env=dict(os.environ, ROLLBACKD_BIN_DIR=str(BINARIES)), capture_output=True,
                          text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    told = skeleton(done.stdout)
    assert [line for line in transcript() if line not in told] == []
