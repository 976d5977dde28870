"""What keeps the daemon from starting: refused with what, where and how to mend it, nothing touched."""

import json
import os
import sqlite3
import socket
import time

import pytest
from harness import Daemon, settled, wait_for


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


def test_a_secret_file_that_is_missing_or_a_folder_is_named_with_its_line(world):
    hook = world.folder / "hook.url"
    hook.unlink()
    refused(world, "hook.url", "rollbackd.yaml:")
    hook.mkdir()
    refused(world, "hook.url", "rollbackd.yaml:")


def test_a_store_that_is_a_directory_is_named(world):
    journal_of(world).mkdir()
    refused(world, "rollbackd.db", "is a directory")


def as_nobody(world) -> None:
    """The daemon under an account that owns nothing here."""
    if os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"):
        pytest.skip("needs setpriv to become somebody else")
    if os.geteuid() == 0:
        world.daemon.wrapper = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    for folder in (world.folder, *world.folder.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o755)


def test_a_store_in_a_folder_of_somebody_else_is_named_with_what_to_do(world):
    as_nobody(world)
    world.folder.chmod(0o555)
    refused(world, str(world.folder), "belong to the user")
    world.folder.chmod(0o755)


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


def untouched(world, make, *words: str) -> None:
    """A store made so is refused with these words, and is byte for byte the same afterwards."""
    store = journal_of(world)
    make(store)
    kept = [path for path in store.parent.glob("rollbackd.db*") if path.suffix not in (".lock", ".runs", ".db-shm")]
    before = {path: path.read_bytes() for path in kept if path.is_file()}
    refused(world, "rollbackd.db", *words)
    assert {path: path.read_bytes() for path in before} == before


def test_a_file_that_is_no_database_is_refused_and_untouched(world):
    untouched(world, lambda store: store.write_bytes(b"not a database, but the only copy of a thesis\n" * 200),
              "point daemon.store to another file")


def test_a_foreign_database_is_refused_and_untouched(world):
    def make(store) -> None:
        with sqlite3.connect(store) as database:
            database.execute("CREATE TABLE customers (name TEXT)")
        database.close()

    untouched(world, make, "another program", "point daemon.store to another file")


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
    untouched(world, lambda store: None, "newer rollbackd", "install that version again")


def test_a_corrupt_journal_is_refused_and_untouched(world):
    written(world)
    store = journal_of(world)
    data = bytearray(store.read_bytes())
    for offset in range(4096, len(data), 64):
        data[offset] ^= 0xFF
    untouched(world, lambda path: path.write_bytes(data), "restore")


def test_a_journal_whose_log_was_not_folded_in_is_refused_and_untouched_too(world):
    """After kill -9 the newest records stand in the write-ahead log alone."""
    world.triggers()
    world.start()
    for version in ("a", "b", "c"):
        world.record(version)
    world.daemon.kill()
    with sqlite3.connect(journal_of(world)) as database:
        database.execute("DROP TRIGGER record_update")
        database.execute("UPDATE record SET body = replace(body, '\"c\"', '\"x\"')")
    database.close()
    untouched(world, lambda path: None, "restore")


def test_a_database_that_another_program_has_locked_is_refused_and_then_works(world):
    written(world)
    other = sqlite3.connect(journal_of(world), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused(world, "rollbackd.db", "locked by another process", "fuser")
    other.execute("ROLLBACK")
    other.close()
    world.start()
    assert len(world.api().read("/v1/services/shop/deployments")["items"]) == 3


def test_a_lock_of_another_program_while_running_refuses_changes_and_passes(world):
    world.triggers()
    world.start()
    other = sqlite3.connect(journal_of(world), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = world.api("ingest").post("/v1/services/shop/deployments", {"version": "a"})
    assert answer.status == 503 and "locked by another process" in answer.text
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: world.api("ingest").post("/v1/services/shop/deployments", {"version": "a"}).status == 201)


def test_a_store_another_daemon_holds_is_refused_and_the_first_goes_on(world):
    world.start()
    second = Daemon(world.folder / "second")
    second.folder.mkdir()
    world.policy["daemon"]["listen"] = [f"127.0.0.1:{second.port}"]
    second.config.write_text(json.dumps(world.policy))
    said = second.refuses_to_start()
    assert "rollbackd.db" in said
    assert world.api(None).get("/readyz").status == 200


def test_a_folder_of_claims_that_cannot_be_used_is_named(world):
    world.policy["daemon"]["run_dir"] = str(world.env_file)
    refused(world, str(world.env_file), "folder")


def test_a_folder_of_claims_belongs_to_one_daemon(world):
    """Run ids of two journals are the same: the second would take the first one's claims for its own."""
    world.policy["daemon"]["run_dir"] = str(world.folder / "claims")
    world.start()
    second = Daemon(world.folder / "second")
    second.folder.mkdir()
    world.policy["daemon"].update(listen=[f"127.0.0.1:{second.port}"], store=f"sqlite:{second.folder}/own.db")
    second.config.write_text(json.dumps(world.policy))
    said = second.refuses_to_start()
    assert "claims" in said and "run_dir" in said
    assert world.api(None).get("/readyz").status == 200


def test_a_missing_certificate_of_the_api_is_named(world):
    world.policy["daemon"]["tls"] = {"cert": "/nonexistent/cert.pem", "key": "/nonexistent/key.pem"}
    refused(world, "/nonexistent/")


def test_what_an_earlier_journal_left_behind_is_no_outcome_of_this_one(world):
    """The store was removed, the folder of claims was not: its RUN-1 is another run."""
    out = world.folder / "out"
    world.shop["playbooks"]["by-hand"] = {
        "undoes": "nothing", "data_loss": "none", "steps": [{"exec": {"argv": ["/usr/bin/touch", str(out)]}}]}
    left = world.folder / "rollbackd.db.runs" / "RUN-1.1.1" / "exec"
    left.mkdir(parents=True)
    for name in ("claim", "exit"):
        (left / name).write_text("end 6\nexited\ncode 1\n0\nstdout 0\n\noutput 0\n\n")
    world.start()
    world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(out.exists, what="the step to have really run")


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
