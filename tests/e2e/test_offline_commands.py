"""rollbackctl without a daemon, as a user calls it: test, backtest, import, init."""

import json
import subprocess
from datetime import datetime, timedelta

import pytest
from harness.daemon import BINARIES, ROOT

CTL = BINARIES / "rollbackctl"
EXAMPLES = ROOT / "config/examples"
NOON = datetime(2026, 1, 31, 12)


def ctl(*words, cwd=None, exits=0) -> subprocess.CompletedProcess:
    done = subprocess.run([str(CTL), *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
                          cwd=cwd)
    assert done.returncode == exits, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("tests", sorted(EXAMPLES.glob("*.test.yaml")), ids=lambda path: path.name)
def test_the_shipped_tests_of_policies_pass(tests):
    assert "FAILED" not in ctl("test", tests).stdout


def test_a_failed_expectation_is_exit_1_and_says_what_came(tmp_path):
    text = (EXAMPLES / "shop.test.yaml").read_text().replace("policy: shop.yaml", f"policy: {EXAMPLES}/shop.yaml")
    wrong = tmp_path / "wrong.test.yaml"
    wrong.write_text(text.replace("exp_standing: bad", "exp_standing: known-good"))
    done = ctl("test", wrong, exits=1)
    assert "expected: known-good" in done.stdout
    assert "came:     bad" in done.stdout
    assert done.stderr.startswith("rollbackctl: 1 of 7 tests failed")


def access_log(path, bad):
    """Three hours, two requests a second; the first fails for ten minutes from `bad` on."""
    lines = []
    for second in range(3 * 3600):
        now = NOON + timedelta(seconds=second)
        for n in range(2):
            fails = bad <= now < bad + timedelta(minutes=10) and n == 0
            lines.append(f'192.0.2.{second % 250 + 1} - - [{now:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/1.1" '
                         f'{502 if fails else 200} 5 "-" "-"\n')
    path.write_text("".join(lines))


def test_a_bad_release_in_a_log_would_have_been_rolled_back(tmp_path):
    log = tmp_path / "access.log"
    access_log(log, NOON + timedelta(minutes=65))
    policy = EXAMPLES / "shop.yaml"
    words = ["backtest", policy, "--log", log, "--known-good", "shop=v1", "--json"]
    blamed = json.loads(ctl(*words, "--deploy", "shop=v2@2026-01-31T13:00:00Z").stdout)
    errors = [found for found in blamed["incidents"] if found["trigger"] == "errors"]
    assert [found["would_run"]["target"] for found in errors] == ["v1"]
    assert errors[0]["opened_at"].startswith("2026-01-31T13:05")
    nobody = json.loads(ctl(*words).stdout)
    refused = [found for found in nobody["incidents"] if found["trigger"] == "errors"]
    assert "would_run" not in refused[0]
    assert "no_deployment (a)" in refused[0]["refusals"][0]


def test_a_runbook_becomes_a_policy_that_passes_its_check(tmp_path):
    policy = tmp_path / "shop.yaml"
    done = ctl("import", ROOT / "tests/fuzz/corpus/runbook/plain", "--service", "shop", "--output", policy)
    assert "2 playbooks" in done.stderr
    assert "fine" in ctl("check", policy).stdout
    assert "autonomy: observe" in policy.read_text()


@pytest.mark.parametrize("documented", ["docs/runbooks.md", "README.md", "docs/steps.md"])
def test_any_page_of_markdown_becomes_one(tmp_path, documented):
    policy = tmp_path / "policy.yaml"
    ctl("import", ROOT / documented, "--service", "any", "--output", policy)
    ctl("check", policy)


def test_init_finds_what_is_there_and_its_policy_passes_its_check(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / "ecosystem.config.js").write_text("module.exports = { apps: [{ name: 'api' }] }\n")
    found = json.loads(ctl("init", "--service", "shop", "--json", cwd=tmp_path).stdout)
    assert found["compose"] == found["repo"] == str(tmp_path)
    assert found["pm2_app"] == "api"
    assert "docker" in found["root_rules"]
    ctl("check", "rollbackd.yaml", cwd=tmp_path)
    text = (tmp_path / "rollbackd.yaml").read_text()
    assert "compose: { do: up" in text
    assert "autonomy: observe" in text
