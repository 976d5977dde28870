"""status_file: what is broken, as files that a web server serves."""

import json
import re

import pytest
from harness import wait_for
from harness.policy import failing_payments


@pytest.fixture
def page(world):
    """A folder that a web server serves, and what stands in it."""
    folder = world.folder / "www"
    folder.mkdir()
    world.policy["notify"]["page"] = {"status_file": {
        "json": str(folder / "status.json"), "html": str(folder / "index.html"), "title": "Example <status>",
        "names": {"shop": "The shop & its tills"}}}
    return folder


def shown(page) -> dict:
    return json.loads((page / "status.json").read_text()) if (page / "status.json").exists() else {}


def states(page) -> list[str]:
    return [entry["state"] for entry in shown(page).get("incidents", [])]


def broken(world) -> str:
    world.triggers(payments=failing_payments(response="alert"))
    world.start()
    world.healthy_first()
    world.push("payments", *[{"ok": False, "reason": "card <b>4242</b> declined"}] * 4)
    return world.opened("payments")["id"]


def test_the_page_says_what_is_affected_since_when_and_that_it_is_over(world, page):
    id_ = broken(world)
    wait_for(lambda: states(page) == ["investigating"], what="the page")
    said = shown(page)
    assert said["title"] == "Example <status>" and said["status"] == "disrupted"
    entry = said["incidents"][0]
    assert entry["incident"] == id_ and entry["affected"] == "The shop & its tills"
    assert entry["since"] == world.incident(id_)["opened_at"] and entry["next_update"] > entry["updated_at"]
    html = wait_for(lambda: (page / "index.html").exists() and (page / "index.html").read_text(), what="the page for people")
    assert "<h2>The shop &amp; its tills</h2>" in html and "<title>Example &lt;status&gt;</title>" in html
    assert "Next update by" in html and "4242" not in html + json.dumps(said) and "rollbackctl" not in html
    world.push("payments", *[{"ok": True}] * 3)
    wait_for(lambda: states(page) == ["resolved"], what="the end on the page")
    assert shown(page)["status"] == "operational"
    wait_for(lambda: "Everything works." in (page / "index.html").read_text(), what="the same for people")
    assert sorted(file.name for file in page.iterdir()) == ["index.html", "status.json"]
    assert (page / "index.html").stat().st_mode & 0o777 == 0o644


def test_a_rollback_is_seen_from_outside_as_mending_and_watched(world, page):
    seen = []
    world.shop["playbooks"]["code-rollback"]["success"] = [{"hold": "ok(health)", "for": "3s"}]
    world.start()
    world.two_releases()
    world.deploy("v2")

    def over() -> bool:
        if states(page) and states(page) != seen[-1:]:
            seen.extend(states(page))
        return states(page) == ["resolved"]

    wait_for(over, what="the end on the page")
    assert "monitoring" in seen and re.fullmatch("(investigating |mending |checking )*(monitoring )+resolved ", "".join(f"{s} " for s in seen)), seen


def test_what_the_page_could_not_be_told_is_written_once_it_can_be(world, page):
    page.chmod(0o755)
    page.rename(page.with_name("gone"))
    broken(world)
    wait_for(lambda: "page: " in world.daemon.log.read_text(), what="the failure to be told")
    world.daemon.kill()
    page.with_name("gone").rename(page)
    world.daemon.start()
    wait_for(lambda: states(page) == ["investigating"], timeout=60, what="the page")


def test_a_page_that_somebody_has_broken_is_written_anew(world, page):
    (page / "status.json").write_text("{ not ours")
    broken(world)
    wait_for(lambda: (page / "status.json").read_text().startswith("{\n") and states(page) == ["investigating"], what="the page")
