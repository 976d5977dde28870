"""Very much happens at once: people are told all of it, in few messages, the worst first."""

import pytest
from harness import Sink, wait_for
from harness.sink import second_channel

BREACHES = 30


@pytest.fixture
def chat(world):
    with second_channel(world, "chat", "slack") as sink:
        yield sink


def start(world, **channel) -> None:
    world.policy["notify"]["chat"].update(channel)
    signals = {"p": {"push": {"kind": "outcomes"}}}
    for number in range(BREACHES):
        worst = number == BREACHES - 1
        trigger = {"when": "consecutive_failures(p) > 3", "severity": "P0" if worst else "P2",
                   "response": "alert"}
        world.policy["services"][f"s{number:02}"] = {"signals": signals, "triggers": {"t": trigger}}
    world.start()


def breach(world) -> None:
    for number in range(BREACHES):
        world.push("p", {"failure": 9, "success": 0}, service=f"s{number:02}")


def text_of(chat: Sink) -> str:
    return "\n".join(message["text"] for message in chat.messages)


def all_told(chat: Sink) -> bool:
    text = text_of(chat)
    return sum(f" s{number:02}: " in text for number in range(BREACHES)) + more(text) >= BREACHES


def more(text: str) -> int:
    return sum(int(line.split()[2]) for line in text.splitlines() if line.startswith("- and "))


def test_people_are_told_of_thirty_breaches_in_a_few_messages(world, chat):
    start(world)
    breach(world)
    wait_for(lambda: all_told(chat), timeout=60, what="all to be told")
    assert len(chat.messages) <= 15, [message["text"] for message in chat.messages]
    assert any("Together with it" in message["text"] for message in chat.messages)
    wait_for(lambda: not queued(world), timeout=60, what="all to be recorded as sent")
    told = world.sink.events()
    assert told.count("incident.opened") == BREACHES, "a program is told of each"


def test_what_waits_for_its_turn_goes_out_at_last_and_the_worst_first(world, chat):
    start(world, per_minute=12)
    chat.status = 503
    breach(world)
    wait_for(lambda: world.sink.events().count("incident.opened") == BREACHES, timeout=60, what="all to be known")
    wait_for(lambda: queued(world) == BREACHES, timeout=60, what="all to wait in this channel alone")
    world.daemon.kill()
    world.daemon.start()
    chat.status = 200
    wait_for(lambda: all_told(chat), timeout=90, what="all to be told")
    # What waits by then is more than may go at once: one message, which the P0 leads.
    first = chat.messages[0]["text"]
    assert first.startswith("P0 s29: t"), first
    assert len(chat.messages) <= 3


def queued(world) -> int:
    metrics = world.api(None).get("/metrics").text
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in metrics.splitlines()
               if line.startswith('rollbackd_queue_length{queue="outbox"}'))
