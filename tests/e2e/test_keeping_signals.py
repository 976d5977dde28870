"""Signals of what a host keeps: environment files, scheduled jobs, backups. Each well, wrong, gone, and back
again; backups of a real PostgreSQL."""

import gzip
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from harness import settled, wait_for
from harness.net import free_port

ALERT = {"severity": "P2", "response": "alert"}
FAST = {"every": "200ms", "confirm_every": "50ms", "timeout": "5s"}


def watch(world, form: dict, when: str = "failed(it)", **beside) -> None:
    world.shop["signals"]["it"] = {**form, **FAST, **beside}
    world.triggers(bad={"when": when, **ALERT})
    world.start()


def until_state(world, state: str, slug: str = "") -> None:
    def seen() -> bool:
        signal = world.signal("it")
        return signal["state"] == state and (signal["last_reason"] or "").startswith(slug)

    wait_for(seen, what=f"{state} {slug}")


def until_unknown(world, slug: str) -> None:
    wait_for(lambda: (world.signal("it")["last_reason"] or "").startswith(slug) and
             world.trigger("bad")["verdict"] == "unknown", what=slug)


def make_older(path: Path, seconds: float) -> None:
    stamp = time.time() - seconds
    os.utime(path, (stamp, stamp))


def replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(path)


def test_an_environment_file_that_loses_or_changes_a_key(world):
    env = world.folder / "app.env"
    good = "JWT_SECRET=one-very-secret-value\nSTRIPE_KEY=sk_live_another-secret\n"
    replace(env, good)
    watch(world, {"env": {"path": str(env), "keys": ["JWT_SECRET"], "match": {"STRIPE_KEY": "^sk_live_"}}})
    until_state(world, "ok")
    replace(env, "STRIPE_KEY=sk_live_another-secret\n")
    world.opened("bad")
    until_state(world, "failed", "absent: JWT_SECRET")
    replace(env, good.replace("sk_live", "sk_test"))
    until_state(world, "failed", "pattern: STRIPE_KEY")
    env.unlink()
    until_state(world, "failed", "missing: ")
    env.mkdir()
    until_unknown(world, "cannot_look: ")
    env.rmdir()
    replace(env, good)
    until_state(world, "ok")
    said = world.daemon.log.read_text() + world.api().get("/v1/journal").text + world.ctl("services", "shop").stdout
    assert "another-secret" not in said and "very-secret" not in said


def test_a_cron_job_that_is_switched_off_or_did_not_run(world):
    folder = world.folder / "cron.d"
    folder.mkdir()
    line = folder / "backup"
    stamp = world.folder / "ran"
    stamp.touch()
    replace(line, "0 2 * * * root /opt/backup.sh --password hidden\n")
    watch(world, {"crontab": {"match": "/opt/backup", "paths": [str(folder)], "ran": str(stamp), "within": "1d"}})
    until_state(world, "ok", "last run ")
    make_older(stamp, 90000)
    world.opened("bad")
    until_state(world, "failed", "late: last run 1 d 1 h ago")
    stamp.touch()
    replace(line, "#0 2 * * * root /opt/backup.sh\n")
    until_state(world, "failed", "missing: ")
    replace(line, "@daily root /opt/backup.sh\n")
    until_state(world, "ok")
    assert "hidden" not in world.daemon.log.read_text()


def test_a_backup_that_is_old_shrunk_torn_or_gone(world):
    folder = world.folder / "backups"
    folder.mkdir()
    for day in range(1, 4):
        path = folder / f"app_prod_{day}.sql.gz"
        path.write_bytes(gzip.compress(os.urandom(20000)))
        make_older(path, 86400 * day)
    newest = folder / "app_prod_0.sql.gz"

    def put(content: bytes, age: float = 3600) -> None:
        fresh = world.folder / "fresh"
        fresh.write_bytes(content)
        make_older(fresh, age)
        fresh.rename(newest)

    good = gzip.compress(os.urandom(20000))
    put(good)
    watch(world, {"backup": {"path": str(folder), "pattern": "app_prod_*.sql.gz", "max_age": "25h"}})
    until_state(world, "ok")
    put(good[:-4000])
    world.opened("bad")
    until_state(world, "failed", "unreadable: gzip: ")
    put(gzip.compress(b"pg_dump: error: connection failed\n"))
    until_state(world, "failed", "shrunk: app_prod_0.sql.gz")
    put(b"")
    until_state(world, "failed", "small: ")
    put(good, 93600)
    for day in range(1, 4):
        make_older(folder / f"app_prod_{day}.sql.gz", 86400 * day + 10000)
    until_state(world, "failed", "old: ")
    put(good)
    until_state(world, "ok")
    (folder / "app_prod_now.sql.gz").write_bytes(b"half a dump")     # being written: left out
    assert settled(lambda: world.signal("it")["state"]) == "ok"
    shutil.rmtree(folder)
    until_state(world, "failed", "missing: ")


PG = Path("/usr/lib/postgresql/15/bin")


class Postgres:
    """A server of its own, run as nobody: it refuses to run as root."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        for above in (folder, *folder.parents[:2]):
            above.chmod(above.stat().st_mode | 0o011)
        shutil.chown(folder, "nobody", "nogroup")

    def run(self, *argv: str) -> None:
        done = subprocess.run([*self.nobody, *argv], capture_output=True, text=True, timeout=60, cwd=self.folder,
                              env=dict(os.environ, HOME=str(self.folder)))
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        data = str(self.folder / "data")
        self.run(str(PG / "initdb"), "-D", data, "-U", "test", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        self.run(str(PG / "pg_ctl"), "-D", data, "-w", "-l", str(self.folder / "log"), "-o",
                 f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off", "start")
        self.sql("create table orders as select n, repeat('x', 100) from generate_series(1, 2000) as n")

    def sql(self, statement: str) -> None:
        self.run(str(PG / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "test", "-c", statement, "postgres")

    def dump(self, path: Path) -> None:
        made = self.folder / "made.dump"
        self.run(str(PG / "pg_dump"), "-Fc", "-h", "127.0.0.1", "-p", str(self.port), "-U", "test", "-f", str(made),
                 "postgres")
        path.write_bytes(made.read_bytes())

    def stop(self) -> None:
        self.run(str(PG / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    if os.geteuid() != 0 or not (PG / "initdb").exists():
        pytest.skip("a PostgreSQL of its own needs root and postgresql-15 (scripts/setup tests)")
    made = Postgres(tmp_path_factory.mktemp("postgres"))
    made.start()
    yield made
    made.stop()


def test_a_real_dump_is_read_by_pg_restore_and_a_torn_one_is_not(world, postgres):
    folder = world.folder / "backups"
    folder.mkdir()
    dump = folder / "app.dump"
    postgres.dump(dump)
    make_older(dump, 3600)
    watch(world, {"backup": {"path": str(folder), "pattern": "*.dump"}})
    until_state(world, "ok")
    whole = dump.read_bytes()
    dump.write_bytes(whole[:100])
    make_older(dump, 1800)
    world.opened("bad")
    until_state(world, "failed", "unreadable: pg_restore: ")
    dump.write_bytes(whole)
    make_older(dump, 900)
    until_state(world, "ok")
