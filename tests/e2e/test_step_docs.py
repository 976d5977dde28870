"""docs/steps.md is true: every policy in it passes `rollbackctl check`."""

import re

import pytest
from harness.daemon import ROOT
from test_signal_docs import SHELL, check

BLOCKS = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/steps.md").read_text(), re.M | re.S)
SIGNALS = 'signals:\n  health: { http: { url: "http://127.0.0.1:3000/health" }, every: 5s, timeout: 2s }\n'


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[1].strip())
def test_a_policy_of_the_page_passes_its_check(tmp_path, block):
    text = SHELL + "".join(f"    {line}\n" for line in (SIGNALS + block).splitlines())
    said = check(tmp_path, text)
    assert not [line for line in said.splitlines() if "error:" in line], said
