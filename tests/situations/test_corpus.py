"""The corpus says what it means: every line is understood, nothing is understood that is not a line, and the
policies are ones that rollbackd takes."""

import subprocess

import pytest

from corpus import fault, happening, read_corpus, span
from judging import Told, judge
from real_stage import faster
from run import BINARIES

CORPUS = read_corpus()
BY_NAME = {one.name: one for one in CORPUS}


def test_the_corpus_holds_what_the_issue_asks_for():
    assert len(CORPUS) >= 60 and sum(one.real for one in CORPUS) >= 20
    assert sum(one.kind == "releases" for one in CORPUS) >= 10
    assert {one.label.split(",")[0] for one in CORPUS} >= {"roll back to v1", "ask", "alert only", "nothing"}


@pytest.mark.parametrize("policy", sorted({one.policy for one in CORPUS}))
def test_its_policies_are_taken(policy, tmp_path):
    for name, text in (("story.yaml", policy), ("faster.yaml", faster(policy))):
        (tmp_path / name).write_text(text)
        done = subprocess.run([str(BINARIES / "rollbackctl"), "check", str(tmp_path / name)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", [
    "deploy v2", "2m deploy", "2m deploy v2 (tomorrow)", "2m shop: requests fail often", "2m the sky falls",
    "2m deploy v2: requests fail 40%, health slow 2s", "5 deploy v2",
])
def test_a_line_that_says_nothing_is_an_error(line):
    with pytest.raises(ValueError):
        happening(line)


def test_a_line_is_read_as_it_is_written():
    found = happening("2m..8m deploy v2: requests fail 40% by stripe after 4m; health slow 1500ms (announced 30s late, schema 2)")
    assert found["after"] == span("2m..8m") == {"low_ms": 120_000, "high_ms": 480_000}
    assert found["late"] == span("30s") and found["schema"] == 2
    first, second = found["faults"]
    assert (first["fails"], first["by"], first["after"]) == (0.4, "stripe", span("4m"))
    assert (second["signal"], second["slow_ms"], second["fails"]) == ("health", 1500.0, 0.0)
    assert fault("everything fails on and off every 10s..25s")["signal"] == "*"


def told(effects: list, journal: list = ()) -> Told:
    return Told(effects, {"shop": {"running": "v1", "well": True}}, set(), list(journal))


@pytest.mark.parametrize("name", [one.name for one in CORPUS if one.label in ("ask", "alert only", "nothing")
                                  and "shop" in one.policy])
def test_a_rollback_that_is_not_asked_for_is_false(name):
    found = judge(BY_NAME[name], told([{"service": "shop", "step": "git_checkout", "from": "v2", "to": "v1"}]))
    assert not found.right and found.false_rollbacks == 1


def test_a_rollback_to_another_version_twice_or_unverified_is_wrong():
    def rollback(to: str) -> dict:
        return {"service": "shop", "step": "git_checkout", "from": "v2", "to": to}

    for effects in ([], [rollback("v0")], [rollback("v1")], [rollback("v1"), rollback("v1")]):
        assert not judge(BY_NAME["errors"], told(effects)).right


def test_faster_shortens_what_is_pace_and_leaves_what_is_measured():
    text = faster("every: 5s\ntimeout: 2s\nwhen: failure_ratio(r, 5m) > 2% and rate(requests, 1m) < 5\n"
                  "slow: p95(health, 2m) > 1s\n")
    assert text == ("every: 166ms\ntimeout: 2s\nwhen: failure_ratio(r, 10000ms) > 2% and rate(requests, 2000ms) < 150\n"
                    "slow: p95(health, 4000ms) > 1s")
