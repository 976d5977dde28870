"""The dashboard for everybody: axe without findings, keyboard alone, a phone, light and dark."""

import pytest
from harness import wait_for
from harness.browser import PHONE
from harness.policy import failing_payments


@pytest.fixture
def waiting(world):
    world.triggers(payments=failing_payments(response=["code-rollback"], autonomy="advise"))
    world.shop["duties"] = [{"name": "tell", "text": "Tell users", "deadline": "1h", "from": "detection"}]
    world.start()
    world.two_releases(bad="ok")
    world.push("payments", {"ok": True})
    world.deploy("v2")
    world.push("payments", *[{"ok": False, "reason": "the provider answered 502"}] * 4)
    world.waiting = world.until(world.opened("payments")["id"], "waiting")
    return world


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing(waiting, browse, scheme, size):
    page = browse(role=None)
    page.colours(scheme)
    if size == "phone":
        page.size(PHONE)
    page.open()
    page.sees("Token")
    assert page.accessibility() == []
    page.sign_in(waiting.tokens["admin"])
    for route, seen in (("/", "waits for you"), (f"/incidents/{waiting.waiting['id']}", "What was seen"),
                        ("/services/shop", "failures in a row"), ("/incidents", "INC-1"), ("/journal", "newest first")):
        page.open(route)
        page.sees(seen)
        assert page.accessibility() == [], route
    page.open(f"/incidents/{waiting.waiting['id']}")
    page.click("button", "Approve …")
    page.sees("What it does")
    assert page.accessibility() == []
    page.press("Escape")
    waiting.daemon.kill()
    page.sees("Not live.")
    assert page.accessibility() == []


def test_a_plan_is_approved_with_the_keyboard_alone(waiting, browse):
    page = browse(role=None)
    page.open()
    page.until("() => document.activeElement?.id === 'token'")
    page.type(waiting.tokens["approve"])
    page.press("Enter")
    page.sees("One incident waits for you")
    page.press("1")
    page.sees("What was seen")
    page.press("a")
    page.sees("What it does")
    page.press("Escape")
    page.sees_none("heading", "Approve this plan?")
    page.press("a")
    page.until("() => [...document.querySelectorAll('dialog button')].some((one) => one.textContent === 'Approve and run it' && !one.disabled)")
    focused = "() => document.activeElement?.textContent"
    wait_for(lambda: page.press("Tab") or page.run(focused) == "Approve and run it", what="the focus on the last press")
    page.press("Enter")
    wait_for(lambda: waiting.incident(waiting.waiting["id"])["runs"][0]["by"] == "test-approve")


def test_every_control_is_reached_by_tab_and_the_focus_is_seen(waiting, browse):
    page = browse("admin", f"/incidents/{waiting.waiting['id']}")
    page.sees("What was seen")
    seen: set[str] = set()

    def goes_on() -> bool:
        page.press("Tab")
        label, outline = page.run("() => { const one = document.activeElement; return [one.innerText || one.ariaLabel || '', getComputedStyle(one).outlineStyle]; }")
        assert outline != "none" or label == "", label
        seen.add(label.split("\n")[0])
        return {"Approve …", "Reject …", "Copy the report", "Sign out"} <= {text.split(" …")[0] + (" …" if " …" in text else "") for text in seen}

    wait_for(goes_on, what="all controls")


def test_keys_can_be_switched_off(waiting, browse):
    page = browse("admin")
    page.sees("waits for you")
    page.press("?")
    page.chain(["getByLabel", "Single keys open these"], ["first"], ["uncheck"])
    page.click("button", "Close")
    page.press("i")
    assert page.run("() => location.hash") in ("", "#/")


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_a_small_screen(waiting, browse, width):
    page = browse("admin")
    page.size({"width": width, "height": 800})
    for route, seen in (("/", "waits for you"), (f"/incidents/{waiting.waiting['id']}", "What was seen"),
                        ("/services/shop", "failures in a row"), ("/incidents", "INC-1"), ("/journal", "newest first")):
        page.open(route)
        page.sees(seen)
        page.until(f"() => document.documentElement.scrollWidth <= {width}")


def test_on_a_phone_the_decision_is_on_the_first_screen(waiting, browse):
    page = browse("approve")
    page.size(PHONE)
    page.open(f"/incidents/{waiting.waiting['id']}")
    page.sees_role("button", "Approve …")
    bottom = page.run("() => document.querySelector('.decisions .primary').getBoundingClientRect().bottom")
    assert bottom < PHONE["height"]
