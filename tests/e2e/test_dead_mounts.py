"""What lies on a mount that does not answer: unknown, in time, and nothing else waits for it."""

import gzip
import json
import shutil

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
    signals = {**forms, "near": {"exec": {"argv": [script(world, "near", "date +%s%N\n")]}}}
    world.shop["signals"].update({name: {**form, **FAST} for name, form in signals.items()})
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
