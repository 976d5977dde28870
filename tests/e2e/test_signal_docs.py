"""docs/signals.md is true: every policy line in it passes `rollbackctl check`, and every type the program
has stands in it."""

import re
import subprocess

import pytest
from harness import BINARIES
from harness.daemon import ROOT

PAGE = (ROOT / "docs/signals.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
SHELL = "version: 1\nservices:\n  shop:\n"


def check(folder, text: str) -> str:
    """What rollbackctl says against it; empty where nothing."""
    if not text.startswith("version:"):
        text = SHELL + "".join(f"    {line}\n" for line in text.splitlines())
    (folder / "page.yaml").write_text(text)
    done = subprocess.run([str(BINARIES / "rollbackctl"), "check", "page.yaml"], cwd=folder, text=True,
                          capture_output=True)
    said = done.stdout + done.stderr
    said = "\n".join(line for line in said.splitlines()
                     if "warning: there is no file" not in line and not line.startswith("page.yaml: fine"))
    return said if done.returncode or "warning:" in said or "error:" in said else ""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[1].strip().split(":")[0])
def test_a_policy_line_of_the_page_passes_its_check(tmp_path, block):
    assert check(tmp_path, block) == ""


def test_every_type_of_signal_has_a_section():
    reference = (ROOT / "docs/configuration.md").read_text()
    types = set(re.findall(r"^### Signal types: `(\w+)`", reference, re.M))
    assert {"exec", "disk"} <= types
    described = set(re.findall(r"^### (\w+)", PAGE, re.M)) | set(re.findall(r"^## (\w+)", PAGE, re.M))
    assert types - described == set()
