"""Alertmanager's webhook as a signal: from notifications as it sends them, and from a real one."""

from datetime import datetime, timedelta, timezone

import pytest
from harness import settled, wait_for
from harness.faults import checkpoint
from harness.servers import Alertmanager


def stamp(seconds: float = 0) -> str:
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def alert(status: str = "firing", name: str = "HighErrors", started: str | None = None, **changes) -> dict:
    return {"status": status, "labels": {"alertname": name, "severity": "page"},
            "annotations": {"summary": "5 % of requests fail"}, "startsAt": started or stamp(),
            "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else stamp(),
            "generatorURL": "http://example.com/", "fingerprint": name.lower(), **changes}


def notice(*alerts: dict, **changes) -> dict:
    return {"receiver": "rollbackd", "status": alerts[0]["status"] if alerts else "firing", "alerts": list(alerts),
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://example.com",
            "version": "4", "groupKey": "{}", "truncatedAlerts": 0, **changes}


def post(world, *alerts: dict, role: str | None = "ingest", status: int = 202, **changes) -> dict:
    return world.api(role).must(status, "/v1/alerts", notice(*alerts, **changes))


@pytest.fixture
def watched(world):
    world.shop["signals"]["prom"] = {"alerts": {"match": {"alertname": "HighErrors"}}}
    world.triggers(errors={"when": "failed(prom)", "severity": "P2", "response": "alert"})
    return world


def state(world) -> str | None:
    return world.signal("prom")["state"]


def test_a_firing_alert_fails_the_signal_and_a_resolved_one_mends_it(watched):
    watched.start()
    assert watched.trigger("errors")["verdict"] == "unknown"
    began = stamp()
    assert post(watched, alert(started=began)) == {"accepted": 1, "unmatched": 0}
    assert state(watched) == "failed"
    assert watched.signal("prom")["last_reason"] == "alert: HighErrors (page): 5 % of requests fail"
    incident = watched.opened("errors")
    post(watched, alert("resolved", started=began))
    assert state(watched) == "ok"
    # Alertmanager says it once: one good sample is enough for an alert-only incident to end.
    watched.until(incident["id"], "resolved")


def test_repeats_and_twins_change_nothing_and_what_nobody_means_is_counted(watched):
    watched.triggers(errors={"when": "consecutive_failures(prom) >= 2", "severity": "P2", "response": "alert"})
    watched.start()
    began = stamp()
    for _ in range(5):
        post(watched, alert(started=began), alert(started=began))
    assert watched.trigger("errors")["count"] == 1
    assert post(watched, alert(name="Elsewhere")) == {"accepted": 1, "unmatched": 1}
    assert "rollbackd_alerts_unmatched_total 1" in watched.api(None).get("/metrics").text
    assert settled(watched.incidents) == []


def test_a_repeat_of_what_fires_ends_a_silence_and_is_no_second_failure(watched):
    watched.shop["signals"]["prom"]["stale_after"] = "1s"
    watched.triggers(silent={"when": "stale(prom)", "severity": "P2", "response": "alert"},
                     many={"when": "consecutive_failures(prom) >= 2", "severity": "P2", "response": "alert"})
    watched.start()
    began = stamp()

    def said_again() -> bool:
        post(watched, alert(started=began))
        silent, many = watched.trigger("silent"), watched.trigger("many")
        assert many["count"] in (None, 1), many
        return silent["verdict"] == "false" and many["count"] == 1

    post(watched, alert(started=began))
    incident = watched.opened("silent")
    wait_for(said_again, what="the silence to end")
    watched.daemon.restart()
    wait_for(said_again, what="the silence to end after a restart")
    post(watched, alert("resolved", started=began))
    watched.until(incident["id"], "resolved")


def test_an_alert_of_long_ago_that_still_fires_fails_the_signal(watched):
    watched.start()
    post(watched, alert(started="2024-01-31T12:00:00Z"))
    assert state(watched) == "failed"
    post(watched, alert("resolved", started="2024-01-31T12:00:00Z", endsAt="2024-01-31T13:00:00Z"))
    assert state(watched) == "ok"


def test_past_its_end_an_alert_is_over(watched):
    watched.start()
    post(watched, alert(endsAt=stamp(3)))
    watched.opened("errors")
    wait_for(lambda: state(watched) == "ok", what="the end of the alert")


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_what_fires_is_known_over_a_restart_and_told_once(watched, how):
    watched.start()
    began = stamp()
    post(watched, alert(started=began))
    incident = watched.opened("errors")
    if how == "kill":
        # Observed is kept over a crash once it was checkpointed, every 5 s.
        wait_for(lambda: "higherrors" in checkpoint(watched), 20, "a checkpoint")
        watched.daemon.kill()
        watched.daemon.start()
    else:
        watched.daemon.restart()
    post(watched, alert(started=began))
    assert state(watched) == "failed"
    assert settled(lambda: [i["id"] for i in watched.incidents()]) == [incident["id"]]
    post(watched, alert("resolved", started=began))
    watched.until(incident["id"], "resolved")


def test_what_fires_is_known_over_a_reload_that_changes_the_match(watched):
    watched.start()
    began = stamp()
    post(watched, alert(started=began))
    incident = watched.opened("errors")
    watched.shop["signals"]["prom"]["alerts"]["match"] = {"severity": "page"}
    watched.write_policy()
    assert watched.api("admin").post("/v1/config/reload").status == 200
    wait_for(lambda: state(watched) == "failed", what="what fires")
    assert settled(lambda: [i["id"] for i in watched.incidents()]) == [incident["id"]]
    watched.daemon.restart()
    assert state(watched) == "failed"
    post(watched, alert("resolved", started=began))
    watched.until(incident["id"], "resolved")


def test_an_alert_rolls_a_release_back(watched):
    watched.shop["triggers"] = {"errors": {"when": "failed(prom)", "severity": "P0", "response": ["code-rollback"]}}
    watched.repository.prepare("v2", "fail")
    watched.start()
    v1 = watched.deploy("v1", known_good=True)["version"]
    post(watched, alert("resolved", started=stamp(-60)))     # good before
    watched.deploy("v2")
    began = stamp()
    post(watched, alert(started=began))
    incident = watched.opened("errors")
    watched.until(incident["id"], "verifying")
    assert watched.repository.head == v1
    post(watched, alert("resolved", started=began))
    watched.until(incident["id"], "resolved")


BAD = [
    ({"alerts": "none"}, 422), ({"version": "3"}, 422), ({"alerts": [{"status": "firing"}]}, 422),
    ({"alerts": [{"status": "odd", "labels": {}}]}, 422),
]


@pytest.mark.parametrize("changes, status", BAD)
def test_what_is_no_notification_is_refused_and_changes_nothing(watched, changes, status):
    watched.start()
    post(watched, status=status, **changes)
    assert state(watched) is None and watched.signal("prom")["last_value"] is None


def test_who_may_not_push_may_not_notify(watched):
    watched.start()
    for role, status in ((None, 401), ("read", 403), ("approve", 403), ("operate", 403), ("admin", 202)):
        answer = watched.api(role).post("/v1/alerts", notice(alert()))
        assert answer.status == status, role


@pytest.fixture
def manager(watched):
    token = watched.folder / "ingest.token"
    token.write_text(watched.tokens["ingest"])
    server = Alertmanager(watched.folder / "alertmanager", f"http://127.0.0.1:{watched.daemon.port}/v1/alerts", token)
    yield server
    server.stop()


def test_a_real_alertmanager_is_understood(watched, manager):
    watched.shop["signals"]["prom"]["alerts"]["alive"] = {"alertname": "Watchdog"}
    watched.start()
    manager.start()
    manager.alert(alertname="Watchdog")
    wait_for(lambda: state(watched) == "ok", what="the alert that always fires")
    manager.alert(alertname="HighErrors", severity="page")
    wait_for(lambda: state(watched) == "failed", what="the alert")
    incident = watched.opened("errors")
    # It repeats itself every half second; that is one failure all the same.
    assert settled(lambda: watched.trigger("errors")["verdict"], quiet=2) == "true"
    manager.alert(ends_at=stamp(-1), alertname="HighErrors", severity="page")
    wait_for(lambda: state(watched) == "ok", what="the end of the alert")
    watched.until(incident["id"], "resolved")
    assert [i["id"] for i in watched.incidents()] == [incident["id"]]


def test_a_real_alertmanager_delivers_what_happened_while_the_daemon_was_down(watched, manager):
    watched.start()
    manager.start()
    watched.daemon.stop()
    manager.alert(alertname="HighErrors", severity="page")
    watched.daemon.start()
    wait_for(lambda: state(watched) == "failed", 60, "Alertmanager to try again")
    assert len(settled(watched.incidents, quiet=1.5)) == 1
