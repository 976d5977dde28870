"""After a recovery people are reminded of what to follow up: at its pace, to its end, through a restart."""

import time

from harness import settled, wait_for

SAY = "watch the error rate of {{ service }}"


def recovered(world, **follow_up) -> str:
    """A rollback that worked, with this to follow up; its incident."""
    world.shop["playbooks"]["code-rollback"]["follow_up"] = ["look at the graphs", {"say": SAY, **follow_up}]
    world.start()
    world.two_releases()
    world.deploy("v2")
    id_ = world.opened()["id"]
    world.until(id_, "resolved")
    return id_


def told(world) -> list[dict]:
    return [message for message in world.sink.messages if message["event"] == "follow_up.due"]


def reminder(world, id_: str) -> dict:
    return world.incident(id_)["reminders"][0]


def test_people_are_reminded_at_the_pace_of_a_follow_up_until_its_time_is_over(world):
    id_ = recovered(world, every="2s", **{"for": "6s"})
    wait_for(lambda: len(told(world)) == 3, what="three reminders")
    assert settled(lambda: len(told(world)), quiet=4) == 3
    first, last = told(world)[0], told(world)[-1]
    assert first["text"].startswith(f"shop: follow up {id_}, recovered at "), first["text"]
    assert "watch the error rate of shop" in first["text"]
    assert f"rollbackctl resolve {id_}" in first["text"] and first["command"] == f"rollbackctl show {id_}"
    assert "this was the last one" in last["text"]
    shown = reminder(world, id_)
    assert shown["told"] == 3 and shown["next_at"] is None and shown["why"] == "its time is over"
    assert "told 3 times" in world.ctl("report", id_).stdout
    assert "told 3 times, over: its time is over" in " ".join(world.ctl("show", id_).stdout.split())


def test_what_fell_due_while_the_daemon_was_dead_is_told_once(world):
    id_ = recovered(world, every="3s", **{"for": "10m"})
    wait_for(lambda: told(world), what="the first reminder")
    world.daemon.kill()
    count, back = len(told(world)), time.time() + 10
    wait_for(lambda: time.time() >= back, what="three of them to fall due")
    world.daemon.start()
    late = wait_for(lambda: [each for each in told(world)[count:] if "due meanwhile" in each["text"]],
                    what="what was missed to be told")
    assert len(late) == 1, late
    assert len(told(world)) <= count + 3, "no burst: one before the kill may be told again, one is due by now"
    assert reminder(world, id_)["next_at"] is not None


def test_a_person_who_has_seen_enough_ends_the_reminders(world):
    id_ = recovered(world, every="1s", **{"for": "10m"})
    wait_for(lambda: told(world), what="the first reminder")
    done = world.ctl("resolve", id_, "--reason", "all quiet", role="operate")
    assert done.returncode == 0, done.stderr
    assert reminder(world, id_)["why"] == "ended by test-operate"
    count = settled(lambda: len(told(world)), quiet=3)
    assert count <= reminder(world, id_)["told"] + 1      # one may have been on its way
