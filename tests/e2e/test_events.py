"""The event stream and the audit trail: the same records, in the journal's order."""

import json
import shutil
import sqlite3

from harness import wait_for
from harness.policy import failing_payments


def three_deployments(world) -> None:
    world.triggers()
    world.start()
    for name in ("a", "b", "c"):
        world.record(f"version-{name}")


def test_events_come_with_the_journals_sequence_the_kind_and_the_record(world):
    three_deployments(world)
    with world.api("read").events("0") as stream:
        assert stream.answer.status == 200
        assert stream.answer.getheader("Content-Type").startswith("text/event-stream")
        id_, kind, record = stream.next()
        assert id_ == 1 and kind
        while "version-c" not in json.dumps(record):
            next_id, kind, record = stream.next()
            assert next_id == id_ + 1
            id_ = next_id
        assert "deployment" in kind
        world.record("version-d")
        assert stream.next()[0] == id_ + 1, "an event arrives as it happens"


def test_a_stream_is_resumed_after_the_last_event_id(world):
    three_deployments(world)
    with world.api("read").events("0") as stream:
        first, second = stream.next(), stream.next()
    with world.api("read").events(str(first[0])) as stream:
        assert stream.next() == second


def test_a_stream_without_last_event_id_begins_with_what_happens_next(world):
    three_deployments(world)
    with world.api("read").events() as stream:
        world.record("version-d")
        assert "version-d" in json.dumps(stream.next()[2])


def test_events_need_a_token(world):
    three_deployments(world)
    assert world.api(None).get("/v1/events").status == 401


def test_the_policys_text_is_for_operators_and_the_tokens_hashes_for_nobody(world):
    three_deployments(world)
    with world.api("read").events("0") as stream:
        _, kind, record = stream.next()
        while kind != "policy.loaded":
            _, kind, record = stream.next()
    assert "hash" in record["body"] and "text" not in record["body"]
    whole = world.api("operate").get("/v1/journal?limit=100").text
    assert "policy.loaded" in whole and "test-ingest" in whole
    for entry in world.token_entries():
        assert entry["sha256"] not in whole


def test_the_journal_names_who_what_when_and_chains_its_hashes(world):
    three_deployments(world)
    items = world.api("operate").read("/v1/journal?limit=100")["items"]
    assert [item["seq"] for item in items] == sorted(item["seq"] for item in items)
    text = json.dumps(items)
    assert "test-ingest" in text
    assert all(item["who"] and item["what"] and item["when"] and item["hash"] for item in items)


def journal_verify(world, *arguments: str):
    return world.ctl("journal", "verify", *arguments, role=None)


def test_journal_verify_accepts_what_was_written_and_needs_no_daemon(world):
    three_deployments(world)
    world.daemon.stop()
    for arguments in (("--config", str(world.daemon.config)),
                      ("--store", f"sqlite:{world.folder}/rollbackd.db")):
        done = journal_verify(world, *arguments)
        assert done.returncode == 0, done.stderr + done.stdout


def changed(world, statement: str) -> str:
    """A copy of the store in which that SQL was run; answers how it is named."""
    copy = world.folder / "copy.db"
    shutil.copy(world.folder / "rollbackd.db", copy)
    with sqlite3.connect(copy) as database:
        table = next(name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
                     if {"hash", "body"} <= {row[1] for row in database.execute(f"PRAGMA table_info({name})")})
        # Whoever tampers with the file takes the guards off first, and puts them back.
        guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'").fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement.format(table=table))
        for _, sql in guards:
            database.execute(sql)
    database.close()
    return f"sqlite:{copy}"


def test_journal_verify_finds_a_changed_and_a_missing_record_and_says_which(world):
    three_deployments(world)
    world.daemon.stop()
    for statement in ("UPDATE {table} SET body = body || ' ' WHERE seq = 2",
                      "DELETE FROM {table} WHERE seq = 2"):
        done = journal_verify(world, "--store", changed(world, statement))
        assert done.returncode == 1
        assert any(number in done.stderr + done.stdout for number in ("2", "3"))


def test_no_secret_is_in_the_journal_the_log_or_an_answer(world):
    world.triggers(payments=failing_payments(response="alert"))
    secret = "hunter2-from-a-file"
    hook = world.folder / "secret.url"
    hook.write_text(f"{world.sink.url}?key={secret}")
    world.policy["notify"]["ops"]["webhook"]["url_file"] = str(hook)
    world.start()
    world.push("payments", *[{"ok": False}] * 4)
    incident = world.opened("payments")
    wait_for(lambda: world.sink.messages)
    everything = world.daemon.log.read_bytes() + (world.folder / "rollbackd.db").read_bytes()
    for path in ("/v1/status", "/v1/services/shop", f"/v1/incidents/{incident['id']}", "/v1/journal?limit=500"):
        everything += world.api().get(path).body
    for path in world.folder.glob("rollbackd.db-*"):
        everything += path.read_bytes()
    assert secret.encode() not in everything
    for token in world.tokens.values():
        assert token.encode() not in everything
