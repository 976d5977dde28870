"""from: a signal asked from another machine, over a real sshd: with the same reasons as here, and unknown while
that machine cannot be reached."""

import contextlib
import functools
import http.server
import json
import threading

import pytest
from harness import settled, wait_for
from harness.faults import checkpoint
from harness.sshd import Sshd, why_no_sshd

FAST = {"every": "1s", "confirm_every": "500ms", "timeout": "20s", "from": "far"}
ALERT = {"severity": "P2", "response": "alert"}


@pytest.fixture
def far(world, tmp_path):
    if reason := why_no_sshd():
        pytest.skip(reason)
    folder = tmp_path / "sshd"
    folder.mkdir()
    made = Sshd(folder)
    try:
        made.start()
        world.policy["hosts"] = {"far": made.host}
        yield made
    finally:
        made.stop()


@contextlib.contextmanager
def pages(folder):
    """The files of a folder, over HTTP."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def hits(page, ok: int, bad: int) -> None:
    fresh = page.with_suffix(".new")
    fresh.write_text(f'hits_total{{code="200"}} {ok}\nhits_total{{code="500"}} {bad}\n')
    fresh.rename(page)      # never read half


def reason(world, signal: str) -> str:
    return world.signal(signal)["last_reason"] or ""


def test_probes_of_every_kind_are_asked_from_there(world, far):
    mark = world.folder / "mark"
    mark.write_text("12345")
    forms = {"page": {"http": {"url": "{{ url }}/health", "expect": {"json": {"/status": "ok"}}}},
             "port": {"tcp": {"address": world.database.address}},
             "size": {"file": {"path": str(mark), "measure": "size"}},
             "check": {"exec": {"argv": ["/bin/sh", "-c", "echo fine; exit 0"]}}}
    for name, form in forms.items():
        world.shop["signals"][name] = {**form, **FAST}
    world.triggers(bad={"when": "failed(page)", **ALERT})
    world.start()
    for name in ("page", "port", "check"):
        wait_for(lambda: world.signal(name)["state"] == "ok", 20, name)  # noqa: B023
    wait_for(lambda: world.signal("size")["last_value"] == 5.0)
    world.app.mode = "fail"
    world.database.down()
    world.opened("bad", 20)
    wait_for(lambda: reason(world, "page").startswith("status: "))
    wait_for(lambda: reason(world, "port").startswith("refused: "))


def test_a_machine_that_cannot_be_reached_is_unknown_and_then_back(world, far):
    world.shop["signals"]["page"] = {"http": {"url": "{{ url }}/health"}, **FAST}
    world.triggers(bad={"when": "failed(page)", **ALERT})
    world.start()
    wait_for(lambda: world.signal("page")["state"] == "ok", 20)
    far.stop()
    wait_for(lambda: reason(world, "page").startswith("unreachable: ") and world.trigger("bad")["verdict"] == "unknown", 20)
    assert settled(world.incidents) == []
    far.start()
    wait_for(lambda: world.signal("page")["state"] == "ok", 20)


def test_a_machine_that_is_another_than_it_was_is_not_believed(world, far):
    """Its key has changed: nobody knows who answers there."""
    known = far.folder / "known"
    other = far.folder / "other"
    other.write_text(known.read_text().replace("ssh-ed25519 ", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI")[:120] + "\n")
    world.policy["hosts"]["far"]["known_hosts"] = str(other)
    world.shop["signals"]["page"] = {"http": {"url": "{{ url }}/health"}, **FAST}
    world.triggers(bad={"when": "failed(page)", **ALERT})
    world.start()
    wait_for(lambda: reason(world, "page").startswith("unreachable: "), 20)
    assert world.signal("page")["state"] is None


def test_a_host_that_is_not_named_is_refused(world):
    world.shop["signals"]["page"] = {"http": {"url": "{{ url }}/health"}, "from": "nowhere"}
    world.write_policy()
    said = world.ctl("check", str(world.daemon.config))
    assert said.returncode == 1 and "nowhere" in said.stdout


def test_rows_and_counters_are_counted_once_from_there_too(world, far):
    """A list's members by their ids, an application's counters by their growth: over questions that share no
    process, and over a restart of the daemon."""
    listed = world.folder / "listed.json"
    counted = world.folder / "counted.txt"
    listed.write_text(json.dumps({"data": [{"id": f"evt_{n}", "status": "failed"} for n in range(3)]}))
    hits(counted, 10, 1)
    with pages(world.folder) as url:
        world.shop["signals"]["rows"] = {
            "http_json": {"url": f"{url}/listed.json", "items": "/data", "fail": {"/status": "failed"}, "id": "/id"},
            **FAST}
        world.shop["signals"]["counters"] = {"scrape": {"url": f"{url}/counted.txt", "counter": "hits_total"}, **FAST}
        world.shop["signals"]["busy"] = {"load": {"measure": "cpu"}, **FAST}
        rows = {"when": "failures(rows, 1h) >= 3", **ALERT}
        counters = {"when": "failures(counters, 1h) >= 5", **ALERT}
        world.triggers(rows=rows, counters=counters)
        world.start()
        world.opened("rows", 20)
        wait_for(lambda: isinstance(world.signal("busy")["last_value"], float), 20, "a share of the processors' time")
        wait_for(lambda: "hits_total" in checkpoint(world), 20, "the first look")
        hits(counted, 20, 5)
        wait_for(lambda: world.trigger("counters")["count"] == 4, 20, "what was added")
        world.daemon.stop()
        hits(counted, 20, 6)
        world.daemon.start()
        world.opened("counters", 20)
        assert world.trigger("counters")["count"] == 5
        assert world.trigger("rows")["count"] == 3


def test_a_target_that_is_silent_is_a_failure_though_the_way_there_is_slow(world, tmp_path):
    """The login takes most of the time that a quick way leaves it: at first nobody can tell, then it is learnt."""
    if missing := why_no_sshd():
        pytest.skip(missing)
    slow = tmp_path / "slow"
    slow.write_text('#!/bin/sh\nsleep 3\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n')
    slow.chmod(0o755)
    far = Sshd(tmp_path / "sshd", command=str(slow))
    far.start()
    try:
        world.policy["hosts"] = {"far": far.host}
        world.shop["signals"]["page"] = {"http": {"url": "{{ url }}/health"}, **FAST, "timeout": "8s"}
        world.triggers(bad={"when": "consecutive_failures(page) >= 2", **ALERT})
        world.start()
        wait_for(lambda: world.signal("page")["state"] == "ok", 60)
        world.app.mode = "hang"
        wait_for(lambda: reason(world, "page").startswith("timeout: "), 60)
        world.opened("bad", 60)
    finally:
        world.daemon.stop()
        far.stop()
