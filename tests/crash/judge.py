"""What must be true at the end, whoever was killed when. Read from the files, without asking the daemon:
the journal by docs/journal.md, the lines that the steps wrote, the messages that arrived."""

import gzip
import hashlib
import json
import os
import re
import sqlite3
import subprocess
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

from harness import BINARIES
from points import DAEMON
from texts import FLAGS, LOG, SECRET

TAGS = ["one", "two", "three", "tidy"]
COLUMNS = "seq, at, boot, boot_id, epoch, kind, body, prev, hash"


def read(database: Path, query: str) -> list[tuple]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def records(database: Path) -> list[tuple[str, dict]]:
    return [(kind, json.loads(body)) for kind, body in
            read(database, "SELECT kind, body FROM record ORDER BY seq")]


def owed_messages(database: Path) -> set[str]:
    """What was queued and never merged into a later one."""
    owed: set[str] = set()
    for kind, body in records(database):
        if kind == "message.queued":
            owed.add(body["message"]["id"])
            owed -= set(body["merges"])
    return owed


def check_chain(database: Path, store: str) -> None:
    """Every record has its hash, none is missing; and rollbackctl says the same."""
    before, number = "0" * 64, 0
    for seq, at, boot, boot_id, epoch, kind, body, prev, digest in \
            read(database, f"SELECT {COLUMNS} FROM record ORDER BY seq"):
        number += 1
        moment = datetime.fromtimestamp(at // 1_000_000, timezone.utc)
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1_000_000:06d}Z"
        text = "\n".join([prev, str(seq), stamp, str(boot), boot_id, str(epoch), kind, body])
        assert (seq, prev) == (number, before), f"record {seq}: the chain is broken"
        assert hashlib.sha256(text.encode()).hexdigest() == digest, f"record {seq}: a wrong hash"
        before = digest
    done = subprocess.run([BINARIES / "rollbackctl", "journal", "verify", "--store", store],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def check_steps(stage, story: list[tuple[str, dict]]) -> None:
    """Begun at most once, never without its intent, known for what it was."""
    lines = Counter(stage.lines.read_text().splitlines())
    names = {(body["run"]["id"], step["n"]): step["name"] for kind, body in story if kind == "run.planned"
             for step in body["run"]["steps"]}
    intents = Counter(names[body["run"], body["n"]] for kind, body in story if kind == "step.intent")
    ends = {names[body["run"], body["n"]]: body for kind, body in story if kind == "step.ended"}
    for line, count in lines.items():
        what, tag = line.split()
        assert count == 1, f"step {tag} ran {count} times"
        assert intents[tag] == 1, f"step {tag} ran with {intents[tag]} intents"
        assert what == "begin" or lines[f"begin {tag}"] == 1
    for name, end in ends.items():
        wrote = lines[f"begin {name}"] + lines[f"end {name}"]
        if end["state"] == "done" and name in TAGS and not end["by"]:
            assert wrote == 2, f"step {name} is done and wrote {wrote} of 2 lines"
        if end["state"] == "failed":
            assert wrote == 0, f"step {name} is known to have failed, and had begun"


def check_tree(stage, story: list[tuple[str, dict]]) -> None:
    """A folder is there whole, as it was or as it is kept; swapped once, and what it was is not lost."""
    aside = sorted(stage.folder.glob("tree.before_*"))
    content = (stage.tree / "content").read_text()
    assert content == ("as it is kept" if aside else "as it was"), f"{content}, with {aside} beside it"
    assert [(path / "content").read_text() for path in aside] in ([], ["as it was"]), aside
    runs = {body["run"]["id"]: body["run"]["plan"]["playbook"] for kind, body in story if kind == "run.planned"}
    for kind, body in story:
        if kind == "step.ended" and runs[body["run"]] == "tidy" and body["n"] == 2 and not body["by"]:
            assert bool(aside) == (body["state"] == "done"), f"{body['state']}, with {aside} beside it"


def check_files(stage, story: list[tuple[str, dict]]) -> None:
    """Each is whole, as it was or as its step makes it; and what is told as done is done."""
    flags, secret, log = stage.flags.read_text(), stage.secret.read_text(), stage.log.read_text()
    kept = [gzip.decompress(file.read_bytes()).decode() for file in stage.kept.glob("*.gz")]
    assert flags in (FLAGS, FLAGS.replace("true", "false")), flags
    assert secret == SECRET or re.fullmatch("JWT_SECRET=[0-9a-f]{64}\n", secret), secret
    assert log == LOG or log == "" and LOG in kept, f"{len(log)} bytes of the log, {[len(text) for text in kept]} kept"
    happened = {"flag": flags != FLAGS, "link": os.readlink(stage.link) == "new", "secret": secret != SECRET, "log": log == ""}
    names = {(body["run"]["id"], step["n"]): step["name"] for kind, body in story if kind == "run.planned"
             for step in body["run"]["steps"]}
    for body in (body for kind, body in story if kind == "step.ended" and not body["by"]):
        name = names[body["run"], body["n"]]
        if name in happened and body["state"] == "done":
            assert happened[name], f"{name} is done and has not happened"
        # What may be repeated has failed wherever it was killed; a secret is made once.
        if name == "secret" and body["state"] == "failed":
            assert not happened[name], "the secret is known to be the old one, and is not"


def check_story(stage, story: list[tuple[str, dict]]) -> None:
    """Nothing that anybody saw is gone, nothing is there twice."""
    opened = [body["incident"]["id"] for kind, body in story if kind == "incident.opened"]
    assert len(set(opened)) == len(opened)
    told = {(message.get("incident") or {}).get("id") for message in stage.sink.messages} - {None, ""}
    assert stage.seen <= set(opened), f"lost: {stage.seen - set(opened)}"
    assert told <= set(opened), f"told and lost: {told - set(opened)}"
    planned = Counter(body["run"]["plan"]["playbook"] for kind, body in story if kind == "run.planned")
    assert planned == {"code-rollback": 1, "tidy": 1}, planned
    deployed = Counter(body["deployment"]["version"] for kind, body in story if kind == "deployment.recorded")
    wanted = {stage.repository.versions[name]: 1 for name in ("v1", "v2")}
    assert deployed == wanted, deployed
    missing = owed_messages(stage.journal()) - {m.get("id") for m in stage.sink.messages}
    assert not missing, f"never delivered: {missing}"


def check_end(stage, story: list[tuple[str, dict]]) -> None:
    """Where only the daemon died, nobody had to do anything."""
    if any(kill.victims != DAEMON for kill in stage.kills):
        return
    ends = [body["state"] for kind, body in story if kind == "run.ended"]
    assert ends == ["succeeded", "succeeded"], ends
    assert len([kind for kind, _ in story if kind == "incident.opened"]) == 2
    assert stage.repository.head == stage.repository.versions["v1"]
    assert sorted(stage.lines.read_text().split()[1::2]) == sorted(2 * TAGS)


def judge(stage) -> None:
    database = stage.journal()
    check_chain(database, stage.policy["daemon"]["store"])
    story = records(database)
    check_steps(stage, story)
    check_tree(stage, story)
    check_files(stage, story)
    check_story(stage, story)
    check_end(stage, story)
