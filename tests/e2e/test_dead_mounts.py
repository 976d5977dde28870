"""What lies on a mount that does not answer: unknown, in time, and nothing else waits for it."""

import gzip
import json
import shutil
import time
from pathlib import Path

import pytest
from harness import settled, wait_for
from harness.dead_mount import DeadMount, why_no_dead_mount
from harness.policy import script
from harness.tls import Certificate

ALERT = {"severity": "P2", "response": "alert"}
FAST = {"every": "200ms", "confirm_every": "50ms", "timeout": "150ms"}


@pytest.fixture
def share(tmp_path):
    """A folder that a test may let die, with something of every kind in it."""
    if reason := why_no_dead_mount():
        pytest.skip(reason)
    folder = tmp_path / "share"
    folder.mkdir()
    (folder / "app.env").write_text("KEY=one\n")
    (folder / "shop.sql.gz").write_bytes(gzip.compress(b"dump"))
    (folder / "version").write_text("v1\n")
    (folder / "current").symlink_to("releases/v1")
    (folder / "ran").touch()
    shutil.copy(Certificate(tmp_path / "certificate", until_days=10).path, folder / "cert.pem")
    mount = DeadMount(folder)
    try:
        yield mount
    finally:
        mount.revive()


def reason(world, name: str = "it") -> str:
    return world.signal(name)["last_reason"] or ""


def near(world) -> None:
    """Beside what hangs, somebody else is asked and answers, again and again."""
    said = reason(world, "near")
    wait_for(lambda: reason(world, "near") not in (said, ""), what="another program to be asked")


def start(world, forms: dict[str, dict]) -> None:
    signals = {**forms, "near": {"exec": {"argv": [script(world, "near", "date +%s%N\n")]}, "timeout": "5s"}}
    world.shop["signals"].update({name: {**FAST, **form} for name, form in signals.items()})
    world.triggers(bad={"when": "stale(it)", "for": "1h", **ALERT})
    world.start()


@pytest.mark.parametrize("where", ["program", "folder"])
def test_a_check_whose_program_or_folder_is_there_holds_up_nothing(world, share, where):
    """Nothing of it runs yet when it hangs: everything else is asked, answered and stopped meanwhile."""
    check = script(world, "check", "echo fine\n")
    form = {"argv": [check], "cwd": str(share.folder)}
    if where == "program":
        form = {"argv": [str(shutil.copy(check, share.folder / "check"))]}
    start(world, {name: {"exec": form} for name in ("it", "second", "third")})
    wait_for(lambda: world.signal("it")["state"] == "ok")
    share.die()
    wait_for(lambda: reason(world) == "timeout: " + form["argv"][0] + ": an earlier question still hangs in being started")
    near(world)
    assert settled(world.incidents) == []
    world.daemon.restart()   # it stops, and what hangs keeps no port of it
    wait_for(lambda: reason(world).startswith("timeout: "), what="the next daemon's question")
    near(world)
    share.revive()
    for name in ("it", "second", "third"):
        wait_for(lambda: world.signal(name)["state"] == "ok", what=f"{name} to be back")


FORMS = {
    "file": {"file": {"path": "SHARE/version"}},
    "folder": {"file": {"path": "SHARE", "measure": "bytes"}},
    "disk": {"disk": {"path": "SHARE"}},
    "env": {"env": {"path": "SHARE/app.env", "keys": ["KEY"]}},
    "backup": {"backup": {"path": "SHARE", "pattern": "*.sql.gz", "settle": "0s"}},
    "job": {"crontab": {"match": "check", "paths": ["FOLDER/crontab"], "ran": "SHARE/ran", "within": "1h"}},
    "release": {"release": {"file": "SHARE/version", "announce": False}},
    "link": {"release": {"symlink": "SHARE/current", "announce": False}},
    "certificate": {"tls": {"file": "SHARE/cert.pem"}},
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_file_that_is_there_is_unknown_and_then_back(world, share, kind):
    text = json.dumps(FORMS[kind]).replace("SHARE", str(share.folder)).replace("FOLDER", str(world.folder))
    (world.folder / "crontab").write_text("* * * * * check\n")
    start(world, {name: json.loads(text) for name in ("it", "second", "third")})

    def known() -> bool:
        signal = world.signal("it")
        return signal["last_at"] is not None and not reason(world).startswith("timeout: ")

    wait_for(known)
    share.die()
    for name in ("it", "second", "third"):
        wait_for(lambda: reason(world, name).startswith("timeout: "), what=f"{name} to be unknown")
    near(world)
    assert settled(world.incidents) == []
    world.daemon.restart()
    near(world)
    share.revive()
    wait_for(known, what="it to be back")


@pytest.mark.parametrize("kind", FORMS)
def test_what_hangs_is_not_asked_again_so_a_file_elsewhere_is_looked_at(world, share, kind):
    """More questions than there are threads for files."""
    text = json.dumps(FORMS[kind]).replace("SHARE", str(share.folder)).replace("FOLDER", str(world.folder))
    (world.folder / "crontab").write_text("* * * * * check\n")
    world.shop["signals"]["elsewhere"] = {"file": {"path": str(world.folder / "crontab")}, **FAST, "timeout": "5s"}
    start(world, {name: json.loads(text) for name in ("it", "second", "third")})
    share.die()
    for _ in range(8):
        for name in ("it", "second", "third"):
            said = world.signal(name)["last_at"]
            wait_for(lambda: world.signal(name)["last_at"] != said, what=f"another question of {name}")
    for _ in range(2):
        said = world.signal("elsewhere")["last_at"]
        wait_for(lambda: (lambda now: now["last_at"] != said and now["state"] == "ok")(world.signal("elsewhere")),
                 what="a file elsewhere to be looked at")


FOLLOWED = {
    "access_log": ({"path": "PATH"}, '192.0.2.7 - - [{now}] "GET / HTTP/1.1" 500 5 "-" "-"\n'),
    "log": ({"path": "PATH", "fail": ["declined"]}, "card declined {n}\n"),
    "pattern": ({"path": "FOLDER/*.log"}, '192.0.2.7 - - [{now}] "GET / HTTP/1.1" 500 5 "-" "-"\n'),
}


class Followed:
    """A log that an application holds open, so that it is written to whatever became of its folder."""

    def __init__(self, path, line: str):
        self.file, self.line, self.written = path.open("a"), line, 0

    def write(self) -> None:
        self.written += 1
        now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        self.file.write(self.line.format(now=now, n=self.written))
        self.file.flush()


def watch_logs(world, share, kind: str) -> tuple[Followed, Followed]:
    """One on the share, `it`, and one beside it on a disk of our own, `here`."""
    form, line = FOLLOWED[kind]
    logs, type_ = [], "log" if kind == "log" else "access_log"
    for name, folder in (("it", share.folder), ("here", world.folder / "here")):
        folder.mkdir(exist_ok=True)
        text = json.dumps(form).replace("PATH", f"{folder}/app.log").replace("FOLDER", str(folder))
        world.shop["signals"][name] = {type_: json.loads(text)}
        logs.append(Followed(folder / "app.log", line))
    many = {f"many-{name}": {"when": f"failures({name}, 1h) >= 1000", **ALERT} for name in ("it", "here")}
    world.triggers(failing={"when": "failed(it)", "for": "1h", **ALERT}, **many)
    world.start()
    return logs[0], logs[1]


def counted(world, name: str, log: Followed) -> None:
    """Every line once, and it stays so."""
    def count() -> int:
        return int(world.trigger(f"many-{name}")["count"] or 0)

    wait_for(lambda: count() == log.written, what=f"{log.written} lines of {name}")
    assert settled(count) == log.written


@pytest.mark.parametrize("kind", FOLLOWED)
def test_a_followed_log_that_is_there_is_unknown_and_then_read_on(world, share, kind):
    """Other logs are read, the policy is reloaded and the daemon stops meanwhile; no line is lost or repeated."""
    there, here = watch_logs(world, share, kind)
    there.write(), here.write()
    counted(world, "it", there)
    counted(world, "here", here)
    share.die()
    wait_for(lambda: reason(world).startswith("timeout: "), what="it to be unknown")
    wait_for(lambda: world.trigger("failing")["verdict"] == "unknown")
    there.write(), here.write()
    counted(world, "here", here)
    world.shop["signals"]["here"]["stale_after"] = "1h"     # both are followed anew, at their old places
    world.shop["signals"]["it"]["stale_after"] = "1h"
    world.write_policy()
    assert world.api().post("/v1/config/reload", {}).status == 200
    there.write(), here.write()
    counted(world, "here", here)
    wait_for(lambda: reason(world).startswith("timeout: "), what="it to be unknown after the reload")
    world.daemon.restart()
    here.write()
    counted(world, "here", here)
    wait_for(lambda: reason(world).startswith("timeout: "), what="it to be unknown after the restart")
    assert settled(world.incidents) == []
    share.revive()
    there.write(), here.write()
    counted(world, "it", there)
    counted(world, "here", here)
    wait_for(lambda: world.trigger("failing")["verdict"] != "unknown")


def test_a_look_that_hangs_is_not_asked_again_and_the_log_goes_on_where_it_was(world, share):
    there, here = watch_logs(world, share, "access_log")
    there.write()
    counted(world, "it", there)
    share.die()
    there.write()
    wait_for(lambda: reason(world).startswith("timeout: "), what="it to be unknown")

    def threads() -> int:
        return len(list(Path(f"/proc/{world.daemon.process.pid}/task").iterdir()))

    before = threads()
    for _ in range(10):
        here.write()
        counted(world, "here", here)
    assert threads() == before
    share.revive()
    there.write()
    counted(world, "it", there)
    wait_for(lambda: world.trigger("failing")["verdict"] != "unknown")
