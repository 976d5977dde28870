"""The dashboard in a real Chromium: what it shows, and what a person decides with it."""

import gzip
import re

import pytest
from harness import wait_for
from harness.policy import failing_payments, gated_step, payments_off

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest.fixture
def waiting(world):
    """A plan that waits for a person; what the provider said is an attack on whoever reads it."""
    world.triggers(payments=failing_payments(response=["code-rollback"], autonomy="advise"))
    world.shop["playbooks"]["code-rollback"]["budget"] = "5m"
    world.start()
    world.two_releases(bad="ok")
    world.push("payments", {"ok": True})
    world.deploy("v2")
    world.push("payments", *[{"ok": False, "reason": HOSTILE}] * 4)
    world.waiting = world.until(world.opened("payments")["id"], "waiting")
    world.page = f"/incidents/{world.waiting['id']}"
    return world


@pytest.fixture
def running(world):
    """A run by hand in the middle of a step that writes a line and waits at a gate."""
    step, world.lines, world.gate = gated_step(world)
    path = step["exec"]["argv"][0]
    text = open(path).read().replace("while ", "echo half way; echo token-s3cr3t-of-ours\nwhile ", 1)
    with open(path, "w") as file:
        file.write(text)
    world.shop["playbooks"]["payments-off"] = payments_off(steps=[step], budget="10m")
    world.start()
    world.healthy_first()
    run = world.api("operate").must(201, "/v1/services/shop/playbooks/payments-off/runs", {"reason": "by hand"})
    world.page, world.running = f"/incidents/{run['incident']}", run["incident"]
    wait_for(lambda: world.lines.exists(), what="the step to run")
    yield world
    world.gate.touch()


# Who may look


def test_it_asks_for_a_token_and_keeps_it_out_of_urls_cookies_and_local_storage(world, browse):
    world.start()
    page = browse(role=None)
    page.open()
    page.fill("Token", "wrong-token")
    page.click("button", "Sign in")
    page.sees("the token is not known")
    token = world.tokens["read"]
    page.fill("Token", token)
    page.click("button", "Sign in")
    page.sees("All is well")
    kept = page.run("() => [location.href, document.cookie, JSON.stringify(localStorage), document.documentElement.outerHTML]")
    assert not [text for text in kept if token in text]
    page.reload()
    page.sees("All is well")    # the tab still knows it
    page.click("button", "Sign out")
    page.sees_role("button", "Sign in")
    assert page.run("() => JSON.stringify(sessionStorage)") == "{}"


def test_another_tab_of_the_same_browser_knows_no_token(world, browse):
    world.start()
    page = browse("read")
    page.chain(["newPage"], ["goto", page.url], on="context")
    texts = wait_for(lambda: page.chain(["pages"], ["at", 1], ["locator", "body"], ["innerText"], on="context"))
    assert "Sign in" in texts and "All is well" not in texts


def test_without_any_token_it_may_look_only_and_says_so(world, browse):
    world.policy["daemon"]["tokens"] = []
    world.start()
    page = browse(role=None)
    page.open("/services/shop")
    page.sees("No token is configured")
    assert page.run("() => document.querySelector('button[title=\"needs the role operate\"]').disabled")


# What it shows


def test_all_services_are_listed_and_all_is_well(world, browse):
    world.start()
    world.healthy_first()
    page = browse("read")
    page.sees_role("heading", "All is well")
    page.click("link", "shop")
    for heading in ("Release", "Signals", "Triggers", "Playbooks", "Deployments", "Incidents"):
        page.sees_role("heading", heading)
    page.sees("failures in a row")
    page.until("() => document.querySelectorAll('.uplot canvas').length >= 1")
    label = page.run("() => document.querySelector('[role=img][aria-label^=health]').getAttribute('aria-label')")
    assert "threshold >= 3" in label


def test_an_incident_appears_by_itself_and_says_what_why_and_what_next(waiting, browse):
    page = browse("read")
    page.sees("One incident waits for you")
    page.click("link", "shop: payments")
    text = wait_for(lambda: (t := page.text("main")) if "What was seen" in (t := page.text("main")) else None)
    for part in ("= 4 > 3", "What was seen", "What the rule says", "Was it allowed?", "Which playbooks", "What came of it",
                 "Timeline", "planned code-rollback"):
        assert part in text, part


def test_what_is_new_is_shown_without_a_reload(world, browse):
    world.triggers(payments=failing_payments(response="alert"))
    world.start()
    page = browse("read")
    page.sees("All is well")
    world.push("payments", *[{"ok": False}] * 4)
    page.sees("One incident is open")
    world.push("payments", *[{"ok": True}] * 4)
    page.sees("All is well")


def test_markup_in_a_reason_does_nothing(waiting, browse):
    page = browse("admin", waiting.page)
    page.sees("onerror=")    # shown, as text
    page.open("/services/shop")
    page.sees("onerror=")
    assert page.run("() => document.title") .endswith("rollbackd")
    assert page.run("() => document.querySelectorAll('main img, main script').length") == 0


def test_nothing_is_loaded_from_elsewhere_and_nothing_breaks_the_policy(waiting, browse):
    page = browse("admin", waiting.page)
    page.sees("What was seen")
    page.open("/services/shop")
    page.sees("failures in a row")
    loaded = page.run("() => performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert loaded and all(name.startswith(page.url) for name in loaded)
    assert [text for text in page.errors() if "Content Security Policy" in text or "TrustedHTML" in text] == []


# What a person decides


def test_a_plan_is_approved_after_its_consequences_were_shown(waiting, browse):
    page = browse("approve", waiting.page)
    page.click("button", "Approve …")
    text = wait_for(lambda: (t := page.text("dialog")) if "What it does" in (t := page.text("dialog")) else None)
    assert "No data is lost" in text and "It undoes the release" in text and "ok(health)" in text
    assert waiting.incident(waiting.waiting["id"])["runs"][0]["state"] == "waiting"    # nothing yet
    page.click("button", "Approve and run it")
    page.sees_none("button", "Approve …")
    waiting.traffic("payments", by=lambda: True)
    page.sees("resolved")
    assert waiting.repository.head == waiting.repository.versions["v1"]
    assert waiting.incident(waiting.waiting["id"])["runs"][0]["by"] == "test-approve"


def test_a_plan_is_rejected_and_nothing_runs(waiting, browse):
    page = browse("approve", waiting.page)
    page.click("button", "Reject …")
    page.sees("Nothing runs.")
    page.click("button", "Reject it")
    page.sees("escalated")
    assert waiting.until(waiting.waiting["id"], "open")["runs"][0]["state"] == "aborted"
    assert waiting.repository.head == waiting.repository.versions["v2"]


def test_who_has_not_the_role_cannot_press_and_is_told_why(waiting, browse):
    page = browse("read", waiting.page)
    page.sees("Deciding needs the role approve")
    assert page.run("() => [...document.querySelectorAll('.decisions button')].every((button) => button.disabled)")


def test_data_loss_must_be_understood_before_the_last_press(world, browse):
    evidence = {"capture_evidence": {"commands": [["date"]], "files": []}}
    world.shop["playbooks"]["payments-off"] = payments_off(steps=[evidence, *payments_off()["steps"]], data_loss="certain")
    world.triggers(payments=failing_payments(response=["payments-off"], blame="any"))
    world.start()
    world.push("payments", *[{"ok": False}] * 4)
    incident = world.until(world.opened()["id"], "waiting")
    page = browse("approve", f"/incidents/{incident['id']}")
    page.click("button", "Approve …")
    page.sees("Data will be lost")
    pressable = "() => [...document.querySelectorAll('dialog button')].some((one) => one.textContent.startsWith('Approve') && !one.disabled)"
    assert not page.run(pressable)
    page.check("I understand that data will be lost.")
    assert page.run(pressable)


def test_output_is_shown_as_it_comes_and_the_run_can_be_aborted(running, browse):
    page = browse("operate", running.page)
    page.sees("half way")
    page.sees("of 10:00")    # the budget
    page.click("button", "Abort …")
    page.sees("stays done")
    page.click("button", "Abort the run")
    page.sees("frozen")
    assert running.incident(running.running)["runs"][0]["state"] == "aborted"
    page.click("button", "Let it act on shop again")
    wait_for(lambda: running.api().read("/v1/services/shop")["frozen_by"] is None)


def test_a_manual_step_is_confirmed(world, browse):
    world.shop["playbooks"]["payments-off"] = payments_off(steps=[{"manual": {"say": "call the provider"}}])
    world.start()
    world.healthy_first()
    run = world.api("operate").must(201, "/v1/services/shop/playbooks/payments-off/runs", {"reason": "by hand"})
    page = browse("operate", f"/incidents/{run['incident']}")
    page.click("button", "It is done …")
    page.sees("“call the provider” is done")
    page.click("button", "Yes, it was done")
    wait_for(lambda: world.incident(run["incident"])["runs"][0]["steps"][0]["state"] == "done")
    page.sees("confirmed by test-operate")


def test_a_duty_that_does_not_apply_needs_a_reason(world, browse):
    world.shop["duties"] = [{"name": "tell", "text": "Tell users", "deadline": "1h", "from": "detection"}]
    world.triggers(payments=failing_payments())
    world.start()
    world.push("payments", *[{"ok": False}] * 4)
    id_ = world.opened()["id"]
    page = browse("operate", f"/incidents/{id_}")
    page.click("button", "tell: it does not apply")
    page.fill("Why?", "nobody noticed")
    page.answer("It does not apply")
    duty = wait_for(lambda: next(d for d in world.incident(id_)["duties"] if d["state"] != "open"))
    assert duty["state"] == "does_not_apply" and duty["reason"] == "nobody noticed"


def test_a_silence_has_an_end_and_a_reason_and_can_be_ended(world, browse):
    world.start()
    page = browse("operate", "/services/shop")
    page.click("button", "Silence …")
    page.choose("For how long", "2h")
    page.fill("Why (required)", "we are moving house")
    page.click("button", "Silence it")
    page.sees("we are moving house")
    assert world.api().read("/v1/silences")["items"][0]["service"] == "shop"
    page.click("button", "End the silence")
    page.loses("we are moving house")
    assert world.api().read("/v1/silences")["items"] == []


def test_a_service_is_paused_and_resumed(world, browse):
    world.start()
    page = browse("operate", "/services/shop")
    page.click("button", "Pause …")
    page.sees("A run that is on goes on to its end")
    page.click("button", "Pause shop")
    page.sees("Paused: no run starts.")
    assert world.api().read("/v1/services/shop")["paused"]
    page.click("button", "Resume shop")
    page.loses("Paused: no run starts.")
    assert not world.api().read("/v1/services/shop")["paused"]


def test_a_run_by_hand_is_previewed_before_it_can_be_started(world, browse):
    world.start()
    world.healthy_first()
    page = browse("operate", "/services/shop")
    page.click("button", "Run payments-off")
    page.fill("Why (kept in the journal)", "the provider is down")
    page.click("button", "Show what it would do")
    page.sees("Preview: nothing has been done yet.")
    assert world.incidents() == [] and "PAYMENTS=on" in world.env_file.read_text()
    page.click("button", "Run it now")
    wait_for(lambda: "PAYMENTS=off" in world.env_file.read_text())
    page.sees("payments-off")
    assert world.incidents()[0]["runs"][0]["reason"] == "the provider is down"


def test_a_refusal_is_shown_where_it_was_asked_for(waiting, browse):
    page = browse("admin", waiting.page)
    page.click("button", "Approve …")
    page.sees("What it does")
    waiting.api("operate").must(200, "/v1/pause", {})
    page.click("button", "Approve and run it")
    page.until("() => /paus/.test(document.querySelector('[role=alert], main').innerText)")
    assert waiting.repository.head == waiting.repository.versions["v2"]


def test_the_report_is_copied(waiting, browse):
    page = browse("read", waiting.page)
    page.chain(["grantPermissions", ["clipboard-read", "clipboard-write"]], on="context")
    page.click("button", "Copy the report")
    page.sees("copied")
    assert page.run("() => navigator.clipboard.readText()").startswith(f"# {waiting.waiting['id']}")
    page.click("button", "Show it")
    page.sees("What rollbackd did")


# When it is not live


def test_a_daemon_that_is_gone_is_said_at_once_and_one_that_is_back_is_found(waiting, browse):
    page = browse("admin", waiting.page)
    page.sees("Approve …")
    waiting.daemon.kill()
    page.sees("Not live.")
    page.sees("waits for you")    # what was seen last stays, and cannot be acted on
    assert page.run("() => [...document.querySelectorAll('.decisions button')].every((button) => button.disabled)")
    assert page.run("() => document.title").startswith("(not live)")
    waiting.daemon.start()
    page.loses("Not live.")
    page.sees_role("button", "Approve …")
    page.until("() => [...document.querySelectorAll('.decisions button')].every((button) => !button.disabled)")


def test_a_token_that_is_taken_away_ends_the_view(world, browse):
    world.start()
    page = browse("read")
    page.sees("All is well")
    world.policy["daemon"]["tokens"] = [entry for entry in world.token_entries() if entry["role"] != "read"]
    world.write_policy()
    world.daemon.reload()
    page.sees("the token is not known")
    assert "All is well" not in page.text()


# Its size


def test_all_of_it_is_less_than_150_kb_on_its_way_and_kept_by_its_name(world):
    world.start()
    api = world.api(None)
    first = api.request("GET", "/", headers={"Accept-Encoding": "gzip"})
    names = re.findall(r"/assets/[\w.-]+", gzip.decompress(first.body).decode())
    answers = [api.request("GET", name, headers={"Accept-Encoding": "gzip"}) for name in names]
    assert len(names) >= 3 and all(answer.status == 200 for answer in answers)
    assert len(first.body) + sum(len(answer.body) for answer in answers) < 150_000
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)
    tag = answers[0].headers["etag"]
    again = api.request("GET", names[0], headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    assert again.status == 304 and again.body == b""
