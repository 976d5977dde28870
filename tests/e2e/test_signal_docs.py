"""docs/signals.md is true: every policy line in it passes `rollbackctl check`, and every type the program
has stands in it, and is tested as signal_matrix.py says."""

import re
import subprocess

import pytest
from harness import BINARIES
from harness.daemon import ROOT
from signal_matrix import COLUMNS, MATRIX

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


def test_every_type_is_tested_against_the_real_source_and_its_failures():
    """signal_matrix.py says by which test; a test that is gone, or got another name, leaves a hole."""
    reference = (ROOT / "docs/configuration.md").read_text()
    assert set(re.findall(r"^### Signal types: `(\w+)`", reference, re.M)) == set(MATRIX)
    holes = []
    for kind, cells in MATRIX.items():
        assert tuple(cells) == COLUMNS, kind
        for column, told in cells.items():
            if told.startswith("- "):
                continue
            path, test = told.split("::")
            text = (ROOT / "tests" / path).read_text()
            if f"def {test}(" not in text and f'TEST_CASE("{test}' not in text:
                holes.append(f"{kind}, {column}: {told}")
    assert holes == []
