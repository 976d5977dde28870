"""/metrics is Prometheus text that Prometheus itself has nothing to say against."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest
from harness import free_port, wait_for
from harness.policy import failing_payments


def busy(world) -> None:
    world.triggers(payments=failing_payments())
    world.start()
    world.healthy_first()
    world.push("payments", *[{"ok": False}] * 4)
    world.opened("payments")


def tool(name: str) -> str:
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed (scripts/setup tests)")
    return path


def test_promtool_accepts_the_metrics(world):
    busy(world)
    text = world.api(None).get("/metrics").body
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=text, capture_output=True)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr.decode()


def test_metrics_have_the_right_type_and_name_no_secret(world):
    busy(world)
    answer = world.api(None).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "rollbackd_" in answer.text
    assert not any(token in answer.text for token in world.tokens.values())


def test_a_real_prometheus_scrapes_it_without_a_warning(world):
    busy(world)
    port, config = free_port(), world.folder / "prometheus.yml"
    config.write_text(json.dumps({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "rollbackd", "static_configs": [
            {"targets": [f"127.0.0.1:{world.daemon.port}"]}]}],
    }))
    log = world.folder / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [tool("prometheus"), f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
             f"--storage.tsdb.path={world.folder}/tsdb", "--log.level=warn"], stdout=out, stderr=out)

    def up() -> bool:
        url = f"http://127.0.0.1:{port}/api/v1/targets"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                target = json.load(answer)["data"]["activeTargets"][0]
        except urllib.error.URLError as problem:
            raise AssertionError(f"prometheus is not up yet: {problem}") from problem
        assert target["health"] == "up", target
        return True

    try:
        wait_for(up, timeout=30, what="a scrape")
    finally:
        process.terminate()
        process.wait(60)
    assert not [line for line in log.read_text().splitlines() if "scrape" in line.lower()], log.read_text()
