"""What keeps the daemon from starting: refused with what, where and how to mend it, nothing touched."""

import os
import sqlite3
import socket
import time

import pytest
from harness import Daemon, settled


def refused(world, *words: str) -> str:
    world.write_policy()
    said = world.daemon.refuses_to_start()
    for word in words:
        assert word in said, said
    return said


def test_a_port_in_use_is_named(world):
    with socket.create_server(("127.0.0.1", world.daemon.port)):
        refused(world, str(world.daemon.port))


def test_a_missing_configuration_is_named(world):
    world.daemon.config = world.folder / "nowhere.yaml"
    said = world.daemon.refuses_to_start()
    assert "nowhere.yaml" in said


def test_a_configuration_that_is_a_directory_is_named(world):
    world.daemon.config.mkdir()
    assert str(world.daemon.config) in world.daemon.refuses_to_start()


def test_a_policy_with_mistakes_refuses_to_start_and_shows_them(world):
    world.triggers(down={"when": "consecutive_failures(helth) >= 3", "severity": "P0", "response": "alert"})
    refused(world, "helth", "health", "rollbackd.yaml:")


def test_a_missing_directory_of_the_store_is_named(world):
    world.policy["daemon"]["store"] = f"sqlite:{world.folder}/nowhere/rollbackd.db"
    refused(world, "nowhere")


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"), reason="needs setpriv as root")
def test_an_unreadable_configuration_is_named(world):
    world.write_policy()
    world.daemon.config.chmod(0)
    if os.geteuid() == 0:
        world.daemon.wrapper = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        world.daemon.folder.chmod(0o755)
    said = world.daemon.refuses_to_start()
    assert "rollbackd.yaml" in said or "setpriv" in said


def journal_of(world) -> "os.PathLike":
    return world.folder / "rollbackd.db"


def untouched(world, make) -> None:
    """A store made so is refused, and is byte for byte the same afterwards."""
    store = journal_of(world)
    make(store)
    before = store.read_bytes()
    refused(world, "rollbackd.db")
    assert store.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_untouched(world):
    untouched(world, lambda store: store.write_bytes(b"not a database, but the only copy of a thesis\n" * 200))


def test_a_foreign_database_is_refused_and_untouched(world):
    def make(store) -> None:
        with sqlite3.connect(store) as database:
            database.execute("CREATE TABLE customers (name TEXT)")
        database.close()

    untouched(world, make)


def written(world) -> None:
    """A journal with some records, the daemon stopped."""
    world.triggers()
    world.start()
    for version in ("a", "b", "c"):
        world.record(version)
    assert world.daemon.stop() == 0


def test_a_database_of_a_newer_version_is_refused_and_untouched(world):
    written(world)
    with sqlite3.connect(journal_of(world)) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version + 1}")
    database.close()
    untouched(world, lambda store: None)


def test_a_corrupt_journal_is_refused_and_untouched(world):
    written(world)
    store = journal_of(world)
    data = bytearray(store.read_bytes())
    for offset in range(4096, len(data), 64):
        data[offset] ^= 0xFF
    untouched(world, lambda path: path.write_bytes(data))


def test_a_store_another_daemon_holds_is_refused_and_the_first_goes_on(world):
    world.start()
    second = Daemon(world.folder / "second")
    second.folder.mkdir()
    world.policy["daemon"]["listen"] = [f"127.0.0.1:{second.port}"]
    import json
    second.config.write_text(json.dumps(world.policy))
    said = second.refuses_to_start()
    assert "rollbackd.db" in said
    assert world.api(None).get("/readyz").status == 200


def test_a_stop_is_graceful_and_quick(world):
    world.start()
    began = time.monotonic()
    assert world.daemon.stop() == 0
    assert time.monotonic() - began < 5


def test_the_help_and_the_version_need_no_daemon(world):
    for arguments in (["--help"], ["--version"]):
        assert world.ctl(*arguments, role=None).returncode == 0


def test_an_idle_daemon_does_not_burn_the_processor(world):
    world.shop["signals"]["health"]["every"] = "10s"
    world.start()
    world.healthy_first()

    def ticks() -> int:
        with open(f"/proc/{world.daemon.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    settled(lambda: len(world.sink.messages), quiet=0.5)
    before, since = ticks(), time.monotonic()
    settled(lambda: len(world.sink.messages), quiet=2)
    share = (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - since)
    assert share < 0.1, f"{share:.0%} of a processor while idle"
