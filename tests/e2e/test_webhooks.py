"""Payment webhooks: the same promises whatever they are read from. An access log, what the application pushes, a
Redis stream, a table, the provider's API; each killed in mid-stream."""

import json
import time
from datetime import datetime, timezone

import pytest
from harness import settled, wait_for
from harness.faults import checkpoint
from harness.page import Page
from harness.servers import Postgres, Redis
from harness.sites import NginxSite

ALERT = {"severity": "P1", "response": "alert"}
Event = tuple[str, str, float, bool]    # id, provider, when (seconds since 1970), delivered


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat().replace("+00:00", "Z")


class Log:
    """nginx; the provider is a parameter of the query string."""

    def __init__(self, world):
        self.site = NginxSite(world.folder / "nginx", shop="json_line").start()
        keys = {"time": "at", "status": "code", "path": "target", "id": "/event/id"}
        self.form = {"access_log": {"path": str(self.site.log("shop")), "keys": keys, "match": {"path": "^/(ok|bad)$"}}}

    def send(self, *events: Event) -> None:
        for id_, provider, at, ok in events:
            self.site.ask("shop", f"/{'ok' if ok else 'bad'}?provider={provider}", X_Event=id_, X_Sent=stamp(at))

    def stop(self) -> None:
        self.site.stop()


class Pushed:
    """The application tells it, and tells again what it has no answer for."""

    def __init__(self, world):
        self.world = world
        self.form = {"push": {"kind": "outcomes"}}

    def told(self, *events: Event) -> None:
        """All of it so far, for a daemon that may have forgotten the last seconds."""
        self.all = getattr(self, "all", []) + list(events)
        self.send(*self.all)

    def send(self, *events: Event) -> None:
        lines = "\n".join(json.dumps({"ok": ok, "id": id_, "provider": provider, "at": stamp(at)})
                          for id_, provider, at, ok in events)

        def taken() -> bool:
            answer = self.world.api("ingest").request("POST", "/v1/services/shop/signals/webhooks", lines.encode(),
                                                      {"Content-Type": "application/x-ndjson"})
            assert answer.status == 202, answer.text
            return True

        wait_for(taken)

    def stop(self) -> None:
        pass


class Stream:
    def __init__(self, world):
        self.redis = Redis(world.folder / "redis").start()
        self.form = {"redis": {"address": f"127.0.0.1:{self.redis.port}", "stream": "webhooks",
                               "password_file": str(self.redis.password_file)}}

    def ready(self) -> None:
        wait_for(lambda: "rollbackd-shop-webhooks" in self.redis.ask("XINFO", "GROUPS", "webhooks"))

    def send(self, *events: Event) -> None:
        self.ready()
        for id_, provider, at, ok in events:
            assert self.redis.ask("XADD", "webhooks", "*", "ok", str(ok).lower(), "id", id_, "provider", provider,
                                  "at", stamp(at))

    def stop(self) -> None:
        self.redis.stop()


class Table:
    def __init__(self, world):
        self.server = Postgres(world.folder / "postgres").with_app()
        self.server.psql("CREATE TABLE events (n serial, id text, provider text, at timestamptz, ok boolean);"
                         "GRANT ALL ON ALL TABLES IN SCHEMA public TO shop")
        query = "SELECT id, at, provider, ok AS success, NOT ok AS failure FROM events ORDER BY n DESC LIMIT 1000"
        self.form = {"sql": {"dsn_file": str(self.server.dsn_file), "query": query}, "every": "200ms", "timeout": "1s"}

    def send(self, *events: Event) -> None:
        rows = ", ".join(f"('{id_}', '{provider}', '{stamp(at)}', {ok})" for id_, provider, at, ok in events)
        self.server.psql(f"INSERT INTO events (id, provider, at, ok) VALUES {rows}")

    def stop(self) -> None:
        self.server.stop()


class Provider:
    """Its list of deliveries, the newest first, as such lists are."""

    def __init__(self, world):
        self.page = Page()
        self.items: list[dict] = []
        self.page.text = '{"data":[]}'
        self.form = {"http_json": {"url": self.page.url, "items": "/data", "fail": {"/status": "failed"}, "id": "/event",
                                   "at": "/created"}, "every": "200ms", "timeout": "2s"}

    def send(self, *events: Event) -> None:
        for id_, provider, at, ok in events:
            self.items.insert(0, {"event": id_, "provider": provider, "created": at, "status": "sent" if ok else "failed"})
        self.page.text = json.dumps({"data": self.items[:1000]})

    def stop(self) -> None:
        self.page.stop()


@pytest.fixture(params=[Log, Pushed, Stream, Table, Provider], ids=lambda kind: kind.__name__.lower())
def source(request, world):
    made = request.param(world)
    world.shop["signals"]["webhooks"] = {**made.form, "by": "provider"}
    world.triggers(streak={"when": "consecutive_failures(webhooks) > 3", **ALERT},
                   window={"when": "failures(webhooks, 30m) >= 5000", **ALERT},
                   total={"when": "count(webhooks, 30m) >= 5000", **ALERT})
    world.start()
    yield made
    made.stop()


def shown(world) -> tuple:
    return tuple(world.trigger(name)["count"] or 0 for name in ("streak", "window", "total"))


def shows(world, streak: int, failures: int, total: int) -> None:
    expected = (streak, failures, total)
    wait_for(lambda: shown(world) == expected, 20, f"streak, failures, events to be {expected}, not {shown(world)}")
    assert settled(lambda: shown(world)) == expected


def test_the_fourth_failure_in_a_row_of_one_provider_fires(world, source):
    now = time.time() - 60
    source.send(*[(f"a{n}", "stripe", now + 2 * n, False) for n in range(3)],
                *[(f"b{n}", "adyen", now + 2 * n + 1, n == 2) for n in range(3)])
    shows(world, 3, 5, 6)
    assert world.incidents() == []
    source.send(("b3", "adyen", now + 10, False), ("a3", "stripe", now + 11, False))
    world.opened("streak")
    assert "4 > 3 (by stripe" in world.trigger("streak")["why"]


def test_a_delivery_tried_again_counts_once_and_its_success_ends_the_streak(world, source):
    now = time.time() - 60
    source.send(*[("a1", "stripe", now + n, False) for n in range(5)])
    shows(world, 1, 1, 1)
    source.send(("a1", "stripe", now + 9, True), ("a1", "stripe", now + 10, True))
    shows(world, 0, 1, 2)
    source.send(("a1", "adyen", now + 11, False))       # another provider may use the same ids
    shows(world, 1, 2, 3)


def test_what_comes_late_counts_when_it_happened_and_rewrites_no_streak(world, source):
    now = time.time() - 600
    source.send(("ok", "stripe", now, True), *[(f"a{n}", "stripe", now + 100 + n, False) for n in range(3)])
    shows(world, 3, 3, 4)
    source.send(("late-ok", "stripe", now + 50, True), ("late-bad", "stripe", now + 60, False))
    shows(world, 3, 4, 6)
    source.send(("older", "stripe", now - 7200, False))     # before the window began
    shows(world, 3, 4, 6)
    source.send(("a3", "stripe", now + 200, False))
    world.opened("streak")


def test_what_is_read_at_once_is_judged_in_the_order_of_its_times(world, source):
    if isinstance(source, Pushed):
        events_before = []
    else:
        # All of it is there when the daemon comes: a log and a stream are read at once then.
        source.send(("first", "adyen", time.time() - 900, True))
        wait_for(lambda: shown(world)[2] == 1)
        wait_for(lambda: "webhooks" in checkpoint(world), 20)
        events_before = [1]
        world.daemon.stop()
    now = time.time() - 600
    events = [("ok", "stripe", now + 10, True), *[(f"a{n}", "stripe", now + 20 + n, False) for n in range(3)],
              *[(f"old{n}", "stripe", now + n, False) for n in range(3)]]
    source.send(*events[4:], *events[1:4], events[0])
    if events_before:
        world.daemon.start()
    shows(world, 3, 6, 7 + len(events_before))


def test_killed_in_mid_stream_every_event_counts_once(world, source):
    now = time.time() - 600
    first = ("ok", "stripe", now, True)
    source.send(first)
    shows(world, 0, 0, 1)
    sent = 0
    for round_ in range(3):
        batch = [(f"a{sent + n}", "stripe", now + 1 + sent + n, False) for n in range(5)]
        source.send(*batch[:3])
        if round_ == 1:
            wait_for(lambda: shown(world)[0] > 5)       # read, and perhaps in no checkpoint yet
        world.daemon.kill()
        if isinstance(source, Pushed):
            world.daemon.start()
            source.told(first, *batch)      # what may have been lost is told again, under its id
        else:
            source.send(*batch[3:])
            world.daemon.start()
        sent += 5
    shows(world, sent, sent, sent + 1)
    world.opened("streak")
