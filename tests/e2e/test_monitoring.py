"""What is shipped for Prometheus and Grafana: accepted by promtool, true by its stories, and of metrics that are there."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from harness.daemon import ROOT

RULES = ROOT / "config/prometheus/rollbackd.rules.yaml"
STORIES = ROOT / "tests/e2e/prometheus/rules_test.yaml"
DASHBOARD = ROOT / "config/grafana/rollbackd.json"


def promtool(*words: str) -> None:
    path = shutil.which("promtool")
    if not path:
        pytest.skip("promtool is not installed (scripts/setup tests)")
    done = subprocess.run([path, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def documented() -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.M))


def rules() -> list[dict]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    board = json.loads(DASHBOARD.read_text())
    targets = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return [rule["expr"] for rule in rules()] + targets + [one["query"] for one in board["templating"]["list"]
                                                          if one["type"] == "query"]


def test_the_alert_rules_are_rules():
    promtool("check", "rules", str(RULES))


def test_each_alert_fires_in_its_story_and_not_before(tmp_path: Path):
    bare = yaml.safe_load(RULES.read_text())      # when they fire; their words are for people to read
    for group in bare["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(bare))
    stories = tmp_path / "rules_test.yaml"
    stories.write_text(STORIES.read_text().replace("[RULES]", "[rules.yaml]"))
    promtool("test", "rules", str(stories))
    told = [one for story in yaml.safe_load(STORIES.read_text())["tests"] for one in story["alert_rule_test"]]
    for rule in rules():
        fired = [bool(one.get("exp_alerts")) for one in told if one["alertname"] == rule["alert"]]
        assert True in fired and False in fired, f"{rule['alert']} has no story in which it fires, or none where it must not"


def test_each_alert_says_what_is_not_sure_and_what_to_do():
    for rule in rules():
        assert rule["annotations"]["summary"] and rule["annotations"]["description"].rstrip().endswith((".", "}}")), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]


def test_every_metric_that_is_asked_for_is_documented():
    histograms = re.compile(r"_(bucket|count|sum)$")
    for text in expressions():
        for name in re.findall(r"\b(?:rollbackd|process)_\w+", text):
            assert name in documented() or histograms.sub("", name) in documented(), f"{name} in: {text}"


def test_every_panel_says_what_it_shows_and_asks_for_something():
    board = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["title"] and panel["targets"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
