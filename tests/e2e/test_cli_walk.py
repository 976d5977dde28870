"""Every command of rollbackctl once, for machines and for people: one valid JSON document with the same facts as the
table, tables that fit their width whatever stands in them, colours for nobody who pipes, errors in one line on stderr."""

import json
import re
import subprocess
import unicodedata

import pytest
from harness import wait_for
from harness.daemon import BINARIES, ROOT
from harness.policy import failing_payments

LONG = "customer-facing-checkout-and-settlement"
WIDE = "決済サービスが応答しません。データベースへの接続がタイムアウトしました。" * 3
WIDTHS = (60, 80, 120, 200)


def by_people(say: str, **more) -> dict:
    return {"undoes": "nothing", "risk": "low", "data_loss": "none", "budget": "5m",
            "steps": [{"name": "by-hand", "manual": {"say": say}}], "verify": [{"run": ["true"], "within": "1s"}], **more}


@pytest.fixture
def busy(world):
    """A plan that waits, a service with a long name and words in wide letters, versions, a duty."""
    world.triggers(down=world.shop["triggers"]["down"],
                   payments=failing_payments(autonomy="advise", blame="any", response=["payments-off"]))
    world.shop["duties"] = [{"name": "tell", "text": "Tell users", "deadline": "1h", "from": "detection"}]
    world.shop["playbooks"]["drain"] = by_people("drain the queue")
    world.shop["playbooks"]["restore"] = by_people("restore the dump", undoes="data", data_loss="possible", risk="high")
    world.policy["services"][LONG] = {
        "signals": {"reported-by-customers-of-the-shop": {"push": {"kind": "state"}}},
        "triggers": {"customers-say-that-nothing-works-any-more": {
            "when": "failed(reported-by-customers-of-the-shop)", "severity": "P1", "response": "alert"}},
    }
    world.start()
    world.deploy("v1", known_good=True)
    world.record("v2-" + "0123456789" * 3)
    world.healthy_first()
    world.push("payments", *[{"ok": False, "reason": WIDE}] * 4)
    world.push("reported-by-customers-of-the-shop", {"ok": False, "reason": WIDE}, service=LONG)
    world.waiting = wait_for(lambda: [i for i in world.incidents() if i["state"] == "waiting"], what="a plan")[0]["id"]
    world.alert = wait_for(lambda: [i for i in world.incidents(LONG)], what="an alert")[0]["id"]
    return world


def commands() -> set[str]:
    text = subprocess.run([str(BINARIES / "rollbackctl"), "--help"], capture_output=True, text=True).stdout
    text = text[:text.index("Options of every command")]
    return {match[1] for match in re.finditer(r"^  ([a-z]+(?: [a-z]+)?)  +[A-Z]", text, re.M)}


class Machine:
    """Calls with --json, and holds what comes back to its form."""

    def __init__(self, world):
        self.world, self.called = world, set()

    def __call__(self, *words: str, code: int = 0):
        done = self.world.ctl(*words, "--json") if "--" not in words else self.world.ctl("--json", *words)
        first_two = " ".join(words[:2])
        self.called.add(first_two if first_two in commands() else words[0])
        assert done.returncode == code, (words, done.stderr, done.stdout[:300])
        assert "\x1b" not in done.stdout + done.stderr, words
        if code == 0:
            assert done.stdout.strip(), words
        else:
            assert done.stderr.count("\n") == 1 or words[0] in ("approve", "check", "test"), (words, done.stderr)
        return json.loads(done.stdout) if done.stdout else None


def test_what_every_command_says_to_machines_is_one_json_document(busy):
    call = Machine(busy)
    for words in (["status"], ["services"], ["services", "shop"], ["incidents"], ["show", busy.waiting],
                  ["explain", busy.waiting], ["explain", "shop/payments"], ["report", busy.waiting], ["versions", "shop"],
                  ["silences"], ["watch", "--from", "0", "--count", "1"], ["run", "shop", "drain", "--dry-run"]):
        call(*words)
    assert call("ack", busy.waiting)["acked_by"] == "test-admin"
    assert call("reject", busy.waiting)["id"] == busy.waiting
    assert call("resolve", busy.waiting, "--reason", "the provider is back")["state"] == "resolved"
    assert call("verdict", busy.waiting, "--false-positive")["verdict"] == "false-positive"
    assert call("raise", LONG, "customers-say-that-nothing-works-any-more", "--reason", "seen")["service"] == LONG
    run = wait_for(lambda: started(call, "drain"), what="a run by hand")
    busy.until(run["incident"], "waiting")
    assert call("confirm", run["incident"], "by-hand")["id"] == run["incident"]
    assert call("confirm", run["incident"], "duty:1", "--does-not-apply", "--reason", "x")["id"] == run["incident"]
    losing = wait_for(lambda: started(call, "restore"), what="a run that may lose data")
    assert losing["state"] == "waiting" and losing["data_loss"] == "possible"
    assert call("approve", losing["incident"])["id"] == losing["id"]
    assert call("abort", losing["incident"])["id"] == losing["incident"]
    call("pause", "shop")
    assert call("resume", "shop")["paused"] is False
    silence = call("silence", "shop", "--for", "1h", "--reason", WIDE)["id"]
    assert [one["id"] for one in call("silences")["items"]] == [silence]
    call("silences", "--end", silence)
    assert call("deploy", "shop", "v9")["version"] == "v9"
    assert call("gate", "shop", "v9")["gate"]["pass"] is True
    call("release", "shop", "v9", code=1)
    assert call("reload")["ok"] is True
    call("drill", "shop", "code-rollback", "--within", "1s", "--yes", "--", "true", code=1)
    offline(busy, call)
    assert commands() - call.called == set(), "commands that this test leaves out"


def offline(world, call) -> None:
    config = str(world.daemon.config)
    runbook = world.folder / "plan.md"
    runbook.write_text("# Way back\n```\ncd /srv/shop\ngit checkout v1\n```\n| disk > 80 % | free space |\n")
    (world.folder / "broken.yaml").write_text("version: 7\n")
    (world.folder / "new").mkdir()
    log = world.folder / "past.log"
    log.write_text('192.0.2.1 - - [31/Jan/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n')
    history = world.folder / "history.yaml"
    history.write_text(json.dumps({"version": 1, "notify": {"log": {"exec": {"argv": ["/usr/bin/logger"]}}}, "services": {
        "shop": {"signals": {"requests": {"access_log": {"path": str(log)}}}, "triggers": {
            "errors": {"when": "failure_ratio(requests, 5m) > 1%", "severity": "P2", "response": "alert"}}}}}))
    assert call("check", config)["ok"] is True
    assert call("check", str(world.folder / "broken.yaml"), code=1)["ok"] is False
    call("runbook", config)
    call("init", str(world.folder / "new" / "first.yaml"))
    assert call("token", "new")["role"] == "ingest"
    assert call("journal", "verify", "--config", config)["ok"] is True
    call("completion", "bash")
    call("test", str(ROOT / "config/examples/shop.test.yaml"))
    call("backtest", str(history))
    assert call("import", str(runbook))["triggers"] == 1


def started(call: Machine, playbook: str):
    """The run, once nothing of before holds the service any more."""
    done = call.world.ctl("run", "shop", playbook, "--reason", "x", "--json")
    call.called.add("run")
    return json.loads(done.stdout) if done.returncode == 0 else None


def width_of(line: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return len(line) + wide - sum(unicodedata.combining(c) > 0 for c in line)


@pytest.mark.parametrize("columns", WIDTHS)
def test_what_people_read_fits_their_terminal(busy, columns):
    busy.ctl("silence", LONG, "--for", "1h", "--reason", WIDE)
    for words in (["status"], ["services"], ["services", LONG], ["services", "shop"], ["incidents"], ["show", busy.waiting],
                  ["show", busy.alert], ["explain", busy.waiting], ["explain", busy.alert], ["versions", "shop"],
                  ["explain", f"{LONG}/customers-say-that-nothing-works-any-more"], ["silences"],
                  ["run", "shop", "restore", "--dry-run"], ["status", "--help"], ["--help"]):
        done = busy.ctl(*words, columns=columns)
        assert done.returncode == 0, (words, done.stderr)
        assert "\x1b" not in done.stdout, words
        # A command to be copied stays whole.
        over = [line for line in done.stdout.splitlines()
                if width_of(line) > columns and "rollbackctl " not in line and "--help" not in words]
        assert over == [], (words, columns)


def test_people_read_the_same_facts_as_machines(busy):
    def both(*words: str) -> tuple[dict, str]:
        machine = busy.ctl(*words, "--json")
        return json.loads(machine.stdout), busy.ctl(*words, columns=200).stdout

    listed, table = both("incidents")
    assert len(listed["items"]) == 2
    for incident in listed["items"]:
        assert all(incident[key] in table for key in ("id", "service", "severity", "state")), table
    listed, table = both("services")
    assert all(service["name"] in table for service in listed["items"]), table
    listed, table = both("versions", "shop")
    assert len(listed["items"]) == 2 and all(one["version"] in table for one in listed["items"]), table
    status, text = both("status")
    assert all(one["id"] in text and one["must"].split(":")[0] in text for one in status["open_incidents"]), text


def test_who_cannot_be_asked_reads_what_may_be_lost_and_has_decided_by_the_command(busy):
    busy.ctl("reject", busy.waiting)
    busy.ctl("resolve", busy.waiting)

    def losing() -> subprocess.CompletedProcess | None:
        done = busy.ctl("run", "shop", "restore", "--reason", "x")
        return done if done.returncode == 0 else None

    done = wait_for(losing, what="a run that may lose data")
    assert "data may be lost" in done.stdout and "rollbackctl approve" in done.stdout
    incident = re.search(r"rollbackctl approve (\S+)", done.stdout)[1]
    assert busy.incident(incident)["state"] == "waiting"
    approved = busy.ctl("approve", incident)
    assert approved.returncode == 0 and "data may be lost" in approved.stdout
    assert busy.incident(incident)["runs"][-1]["steps"][-1]["state"] != "pending"
