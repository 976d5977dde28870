"""Nobody answers, or nobody can be told: everybody is told again, and who is to be told instead."""

import pytest
from harness import Sink, settled, wait_for
from harness.faults import break_disk, failing_disk
from harness.policy import failing_payments
from harness.sink import second_channel


@pytest.fixture
def boss(world):
    """A second receiver, who hears nothing of the shop's triggers by themselves."""
    with second_channel(world, "boss", "generic") as sink:
        yield sink


def breach(world) -> None:
    world.push("payments", *[{"ok": False, "reason": "declined"}] * 4)


def start(world, respond_within: dict | None = None) -> None:
    """A trigger that alerts `ops`, whose fallback is the boss, and a good past."""
    world.triggers(payments=failing_payments(response="alert", notify=["ops"]))
    world.policy["notify"]["ops"]["fallback"] = "boss"
    world.policy["daemon"]["respond_within"] = respond_within or {}
    world.start()
    world.healthy_first()


def events(sink: Sink) -> list[str]:
    return [message["event"] for message in sink.messages]


def test_what_nobody_answers_is_told_to_every_channel_again_until_somebody_does(world, boss):
    start(world, respond_within={"P0": "1s"})
    breach(world)
    wait_for(lambda: events(boss).count("incident.unanswered") >= 2, what="the boss to be told twice")
    said = boss.messages[0]
    id_ = said["incident"]["id"]
    assert said["text"].startswith("UNANSWERED P0 shop: payments"), said["text"]
    assert f"Who takes it: rollbackctl ack {id_}" in said["text"] and said["command"]
    assert "incident.unanswered" in events(world.sink)
    assert world.ctl("ack", id_).returncode == 0
    told = len(boss.messages)
    assert settled(lambda: len(boss.messages), quiet=5) in (told, told + 1)   # one may have been on its way


def test_while_a_channel_fails_its_fallback_is_told_and_it_gets_its_messages_later(world, boss):
    start(world)
    world.sink.status = 503
    breach(world)
    wait_for(lambda: "incident.opened" in events(boss), timeout=40, what="the fallback to be told")
    assert boss.messages[0]["text"].endswith("(told here because its channel fails: ops: status 503)"), boss.messages[0]["text"]
    world.daemon.kill()
    world.daemon.start()
    world.push("payments", *[{"ok": True}] * 3)
    wait_for(lambda: "incident.resolved" in events(boss), timeout=40, what="what waits behind it, too")
    # At least once: one that was told just before the kill is told again.
    assert list(dict.fromkeys(events(boss))) == ["incident.opened", "incident.resolved"]
    world.sink.status = 200
    wait_for(lambda: list(dict.fromkeys(events(world.sink))) == ["incident.opened", "incident.resolved"], timeout=90,
             what="the channel to get its own in the end")


def test_a_message_that_is_refused_for_good_goes_to_the_fallback(world, boss):
    start(world)
    world.sink.status = 404
    breach(world)
    wait_for(lambda: events(boss) == ["incident.opened"], what="the fallback to be told")
    assert settled(lambda: events(boss)) == ["incident.opened"]


def test_without_a_journal_the_fallback_is_told_from_memory(world, boss):
    with failing_disk(world.folder) as mount:
        world.policy["daemon"]["store"] = f"sqlite:{mount}/rollbackd.db"
        start(world)
        world.sink.status = 503
        break_disk(mount)
        breach(world)
        wait_for(lambda: boss.messages, timeout=40, what="the fallback to be told")
        assert "not recorded" in boss.messages[0]["text"]
        world.daemon.stop()
