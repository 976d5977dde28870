"""sql, pg_backup and pg_restore against a real PostgreSQL: what they promise when all goes well, and what is
left when it does not."""

import gzip
import threading
import time
from pathlib import Path

import pytest
from harness import wait_for
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.servers import Postgres
from harness.sshd import Sshd, why_no_sshd

EVIDENCE = {"capture_evidence": {"commands": [["/bin/true"]]}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    postgres = Postgres(tmp_path_factory.mktemp("sql") / "postgres").with_app()
    postgres.psql("ALTER ROLE shop CREATEDB", "postgres")
    yield postgres
    postgres.stop()


@pytest.fixture
def shop(world, server):
    if server.process is None:
        server.start()
    listed = server.psql("SELECT datname FROM pg_database WHERE datname LIKE 'app%'", "postgres")
    for name in listed.split():
        server.psql(f'DROP DATABASE "{name}" WITH (FORCE)', "postgres")
    server.psql("CREATE DATABASE app OWNER shop", "postgres")
    as_shop(server, "CREATE TABLE users (id int PRIMARY KEY, name text); CREATE TABLE settings (key text, value text);"
                    "INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 500) g;"
                    "INSERT INTO settings VALUES ('queues_paused', 'false')")
    server.psql("ALTER DATABASE app SET work_mem = '9MB'; REVOKE CONNECT ON DATABASE app FROM PUBLIC")
    world.server = server
    world.backups = world.folder / "backups"
    world.backups.mkdir()
    return world


def as_shop(server: Postgres, text: str) -> str:
    return server.psql(f"SET SESSION AUTHORIZATION shop; {text}")


@pytest.fixture
def gate(shop):
    """A query that has its answer once the gate is open, and what opens it; also in a copy of the database."""
    shop.server.psql("DROP ROLE IF EXISTS gate")
    as_shop(shop.server, "CREATE FUNCTION waited() RETURNS bool LANGUAGE plpgsql AS 'BEGIN WHILE NOT EXISTS "
                         "(SELECT FROM pg_roles WHERE rolname = ''gate'') LOOP PERFORM pg_sleep(0.05); END LOOP; RETURN true; END'")
    yield lambda: shop.server.psql("CREATE ROLE gate")
    shop.server.psql("DROP ROLE IF EXISTS gate", "postgres")


def sql(world, query: str, **more) -> dict:
    return {"sql": {"dsn_file": str(world.server.dsn_file), "query": query, **more}}


def backup(world, **more) -> dict:
    return {"pg_backup": {"dsn_file": str(world.server.dsn_file), "folder": str(world.backups), **more}}


def restore(world, **more) -> dict:
    return {"pg_restore": {"dsn_file": str(world.server.dsn_file), **more}}


def by_rule(world, **more) -> dict:
    return restore(world, folder=str(world.backups), name="app", before="{{ inputs.before }}", **more)


def restoring(world, *steps: dict, **more) -> None:
    with_steps(world, EVIDENCE, *steps, undoes="data", data_loss="possible", **more)


def users(world, database: str = "app") -> int:
    return int(world.server.psql("SELECT count(*) FROM users", database))


def databases(world) -> list[str]:
    return world.server.psql("SELECT datname FROM pg_database WHERE datname LIKE 'app%' ORDER BY 1", "postgres").split()


def dump(world, name: str, *options: str) -> Path:
    """As the runbooks' own scripts make them."""
    file = world.backups / name
    file.parent.mkdir(exist_ok=True)
    plain = file.with_suffix("") if name.endswith(".gz") else file
    world.server.run("pg_dump", "-d", world.server.dsn("root"), "-f", f"{world.server.folder}/dump", *options)
    content = (world.server.folder / "dump").read_bytes()
    file.write_bytes(gzip.compress(content) if plain != file else content)
    return file


# sql


def test_a_statement_is_committed_when_it_did_as_much_as_expected(shop):
    with_steps(shop, sql(shop, "UPDATE settings SET value = :'to' WHERE key = 'queues_paused'",
                         values={"to": "{{ inputs.to }}"}, expect={"rows": 1}), inputs={"to": None})
    assert "expected: 1 row" in dry_run(shop, to="true")
    done(shop, to="true'; DROP TABLE users; --")
    assert shop.server.psql("SELECT value FROM settings") == "true'; DROP TABLE users; --"
    assert users(shop) == 500


def test_a_statement_that_did_more_than_expected_is_taken_back(shop):
    with_steps(shop, sql(shop, "UPDATE users SET name = 'x'", expect={"rows_max": 10}))
    run = carry_out(shop)
    assert run["steps"][0]["state"] == "failed"
    assert "rows:  500" in step_text(shop, run) and "expected: at most 10 rows" in step_text(shop, run)
    assert shop.server.psql("SELECT count(*) FROM users WHERE name = 'x'") == "0"


@pytest.mark.parametrize("expect, good", [
    ({"value_min": 500}, True), ({"value_min": 501}, False), ({"value_max": 500}, True), ({"value": "500"}, True),
    ({"value": "499"}, False)])
def test_a_question_has_the_answer_it_must_have(shop, expect, good):
    with_steps(shop, sql(shop, "SELECT count(*) FROM users;", expect=expect))
    run = carry_out(shop)
    assert run["steps"][0]["state"] == ("done" if good else "failed"), step_text(shop, run)
    if not good:
        assert "the value is  500" in step_text(shop, run)


def test_a_question_changes_nothing(shop):
    with_steps(shop, sql(shop, "SELECT setval('s', 9)", expect={"value": "9"}))
    as_shop(shop.server, "CREATE SEQUENCE s")
    run = carry_out(shop)
    assert "read-only transaction" in step_text(shop, run)
    assert shop.server.psql("SELECT last_value FROM s") == "1"


def test_a_statement_that_fails_half_way_leaves_nothing_behind(shop):
    with_steps(shop, sql(shop, "UPDATE settings SET value = 'half'; UPDATE nothing SET a = 1"))
    run = carry_out(shop)
    assert run["steps"][0]["state"] == "failed" and "nothing" in step_text(shop, run)
    assert shop.server.psql("SELECT value FROM settings") == "false"


def test_a_connection_that_breaks_in_mid_statement_is_settled_by_the_server(shop):
    with_steps(shop, sql(shop, "UPDATE settings SET value = 'half'; SELECT pg_sleep(60)"))
    ended: list[dict] = []
    thread = threading.Thread(target=lambda: ended.append(carry_out(shop)))
    thread.start()
    wait_for(lambda: shop.server.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' "
        "AND pid <> pg_backend_pid() AND application_name = 'rollbackd'") == "t", what="its connection to be ended")
    thread.join()
    assert ended[0]["steps"][0]["state"] == "failed"
    assert "nothing was changed" in step_text(shop, ended[0])
    assert shop.server.psql("SELECT value FROM settings") == "false"


def test_what_deletes_asks_first_and_a_value_has_no_place_in_the_text(shop):
    shop.shop["playbooks"]["by-hand"] = {
        "steps": [sql(shop, "SELECT {{ inputs.what }}")], "inputs": {"what": None}}
    shop.write_policy()
    refused = shop.ctl("check", str(shop.daemon.config))
    assert refused.returncode == 1 and "would be read as a part of it" in refused.stderr + refused.stdout
    with_steps(shop, EVIDENCE, sql(shop, "DELETE FROM users"))
    begun = shop.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "x"})
    assert begun["state"] == "waiting" and users(shop) == 500


def test_the_password_is_no_argument_and_is_shown_nowhere(shop, gate):
    with_steps(shop, sql(shop, "SELECT waited()"))
    threading.Thread(target=lambda: carry_out(shop)).start()
    wait_for(lambda: shop.server.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%waited()%' "
                                      "AND application_name = 'rollbackd'") == "1")
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes()
        except OSError:
            continue
        assert b"psql" not in words or b"s3cret-of-shop" not in words
    gate()
    wait_for(lambda: [i for i in shop.incidents() if shop.incident(i["id"])["runs"][0]["state"] == "succeeded"])
    everything = shop.daemon.tail(500) + (shop.folder / "rollbackd.db").read_bytes().decode("latin1")
    assert "s3cret-of-shop" not in everything


def test_a_statement_on_another_machine(shop, tmp_path):
    if reason := why_no_sshd():
        pytest.skip(reason)
    (tmp_path / "sshd").mkdir()
    sshd = Sshd(tmp_path / "sshd")
    sshd.start()
    try:
        shop.policy["hosts"] = {"db": sshd.host}
        with_steps(shop, {**sql(shop, "UPDATE settings SET value = 'far'", expect={"rows": 1}), "host": "db"},
                   {**backup(shop), "host": "db"})
        done(shop)
    finally:
        sshd.stop()
    assert shop.server.psql("SELECT value FROM settings") == "far"
    assert len(list(shop.backups.iterdir())) == 1


# pg_backup


@pytest.mark.parametrize("form, ending", [("custom", ".dump"), ("plain", ".sql.gz")])
def test_a_backup_is_readable_private_and_named_by_its_kind_and_time(shop, form, ending):
    with_steps(shop, {**backup(shop, format=form, kind="pre_deployment", label="v7"), "save": "dump"},
               {"exec": {"argv": ["/usr/bin/test", "-s", "{{ steps.dump }}"]}})
    done(shop)
    [file] = shop.backups.iterdir()
    assert file.name.startswith("app_pre_v7_20") and file.name.endswith(ending)
    assert file.stat().st_mode & 0o777 == 0o600
    restored = "CREATE TABLE public.users" in gzip.open(file, "rt").read() if form == "plain" else file.read_bytes()[:5]
    assert restored in (True, b"PGDMP")


def test_a_backup_without_space_or_that_fails_half_way_leaves_no_file(shop):
    with_steps(shop, backup(shop, keep_free="900TB"))
    assert "must be left" in step_text(shop, carry_out(shop))
    assert list(shop.backups.iterdir()) == []
    shop.daemon.stop()
    shop.server.psql("CREATE TABLE secret (a int); REVOKE ALL ON secret FROM PUBLIC")     # shop may not read it
    with_steps(shop, backup(shop))
    run = carry_out(shop)
    assert run["steps"][0]["state"] == "failed" and "permission denied" in step_text(shop, run)
    assert list(shop.backups.iterdir()) == []


# pg_restore


@pytest.mark.parametrize("form", ["custom", "plain"])
def test_what_was_backed_up_is_restored_whole_and_what_was_there_is_kept(shop, form):
    options = ["-Fc"] if form == "custom" else []
    file = dump(shop, "app_20260101_020000" + (".dump" if form == "custom" else ".sql.gz"), *options)
    shop.server.psql("DELETE FROM users WHERE id > 100; CREATE TABLE newer (a int)")
    restoring(shop, restore(shop, file=str(file), verify=["SELECT count(*) = :'n'::int FROM users"], values={"n": "500"},
                            prepare=["UPDATE settings SET value = 'true' WHERE key = 'queues_paused'"]))
    assert "every connection is ended" in dry_run(shop)
    stop = threading.Event()

    def work() -> None:     # a pool that connects again and again
        while not stop.is_set():
            shop.server.psql("SELECT count(*) FROM users", check=False)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        done(shop)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    [kept] = [name for name in databases(shop) if name != "app"]
    assert kept.startswith("app_before_RUN_")
    assert users(shop) == 500 and users(shop, kept) == 100
    assert shop.server.psql("SELECT value FROM settings") == "true"
    assert shop.server.psql("SHOW work_mem") == "9MB"
    assert shop.server.psql("SELECT has_database_privilege('public', 'app', 'CONNECT')") == "f"
    assert shop.server.psql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'") == "shop"


def test_a_backup_that_is_broken_costs_nothing_and_the_next_older_one_is_taken(shop):
    dump(shop, "2026-01/app_20260101_020000.sql.gz")
    shop.server.psql("INSERT INTO users SELECT g FROM generate_series(501, 600) g")
    cut = dump(shop, "2026-01/app_20260102_020000.dump", "-Fc")
    cut.write_bytes(cut.read_bytes()[:-2000])
    (shop.backups / "app_20260103_020000.sql.gz").write_bytes(gzip.compress(b""))      # L9: pg_dump failed in a pipe
    dump(shop, "app_emergency_20260104_020000.dump", "-Fc")                            # L8: holds the damage
    dump(shop, "app_20260106_020000.dump", "-Fc")                                      # made after it
    restoring(shop, by_rule(shop), inputs={"before": None})
    run = done(shop, before="2026-01-05T00:00:00Z")
    assert users(shop) == 500
    told = step_text(shop, run, 2)
    assert "app_20260103_020000.sql.gz: it holds no table" in told and "app_20260102_020000.dump" in told


def test_a_backup_from_before_the_deployment_is_taken_without_anybody_naming_the_time(shop):
    def stamp(minutes: int) -> str:
        return time.strftime("%Y%m%d_%H%M%S", time.localtime(time.time() - 60 * minutes))

    dump(shop, f"app_{stamp(40)}.dump", "-Fc")
    shop.server.psql("DELETE FROM users")
    dump(shop, f"app_{stamp(20)}.dump", "-Fc")
    restoring(shop, restore(shop, folder=str(shop.backups), name="app", before="{{ bad.started_at }}"))
    began = time.gmtime(time.time() - 60 * 30)
    shop.record(shop.repository.head, started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", began))
    done(shop)
    assert users(shop) == 500


def test_when_no_backup_can_be_used_the_database_is_as_it_was(shop):
    file = dump(shop, "app_20260101_020000.dump", "-Fc")
    restoring(shop, restore(shop, file=str(file), verify=["SELECT count(*) > 1000 FROM users"]))
    before = shop.server.psql("SELECT oid FROM pg_database WHERE datname = 'app'", "postgres")
    run = carry_out(shop)
    assert run["state"] == "failed"
    assert "what is there is as it was" in step_text(shop, run, 2)
    assert shop.server.psql("SELECT oid FROM pg_database WHERE datname = 'app'", "postgres") == before
    assert databases(shop) == ["app"]


def test_a_dump_that_names_its_own_database_is_not_let_near_it(shop):
    file = dump(shop, "app.sql", "--create", "--clean")
    restoring(shop, restore(shop, file=str(file)))
    run = carry_out(shop)
    assert "names the database it goes into" in step_text(shop, run, 2)
    assert users(shop) == 500 and databases(shop) == ["app"]


def of_superuser(world, file: Path, **more) -> dict:
    (world.folder / "root.dsn").write_text(world.server.dsn("root"))
    return {"pg_restore": {"dsn_file": str(world.folder / "root.dsn"), "file": str(file), **more}}


def test_only_some_tables_are_restored_and_what_the_others_got_since_stays(shop):
    file = dump(shop, "app_20260101_020000.dump", "-Fc")
    shop.server.psql("UPDATE users SET name = 'damaged'; UPDATE settings SET value = 'since'")
    restoring(shop, of_superuser(shop, file, tables=["users"]))
    assert "put the rows of users" in dry_run(shop)
    done(shop)
    assert users(shop) == 500 and shop.server.psql("SELECT count(*) FROM users WHERE name = 'damaged'") == "0"
    assert shop.server.psql("SELECT value FROM settings") == "since"
    assert databases(shop) == ["app"]


def test_tables_that_others_point_to_are_not_restored_over_what_was_added_since(shop):
    file = dump(shop, "app_20260101_020000.dump", "-Fc")
    shop.server.psql("CREATE TABLE orders (id int, u int REFERENCES users ON DELETE CASCADE);"
                     "INSERT INTO users VALUES (501, 'new'); INSERT INTO orders VALUES (1, 501), (2, 1)")
    restoring(shop, of_superuser(shop, file, tables=["users"]))
    text = step_text(shop, carry_out(shop), 2)
    assert "1 rows of public.orders would point to nothing in public.users" in text and "as they were" in text
    assert users(shop) == 501 and shop.server.psql("SELECT count(*) FROM orders") == "2"
    assert databases(shop) == ["app"]


def test_a_database_that_is_gone_is_brought_back(shop):
    file = dump(shop, "app_20260101_020000.dump", "-Fc")
    shop.server.psql("DROP DATABASE app", "postgres")
    restoring(shop, restore(shop, file=str(file)))
    done(shop)
    assert users(shop) == 500


def test_the_daemon_killed_in_mid_restore_ends_it_once(shop, gate):
    file = dump(shop, "app_20260101_020000.dump", "-Fc")
    shop.server.psql("DELETE FROM users")
    restoring(shop, restore(shop, file=str(file), verify=["SELECT waited()"]))
    ended: list[dict] = []
    thread = threading.Thread(target=lambda: ended.append(carry_out(shop, 40)))
    thread.start()
    wait_for(lambda: any("_new_" in name for name in databases(shop)), what="the new database")
    shop.daemon.kill()
    shop.daemon.start()
    gate()
    thread.join()
    assert ended and ended[0]["state"] == "succeeded"
    assert users(shop) == 500 and len(databases(shop)) == 2


def test_a_restore_of_100_mb_is_within_the_bound(shop):
    shop.server.psql("CREATE TABLE big AS SELECT g, repeat(md5(g::text), 20) t FROM generate_series(1, 150000) g;"
                     "ALTER TABLE big OWNER TO shop")
    file = dump(shop, "app_20260101_020000.dump", "-Fc")
    assert int(shop.server.psql("SELECT pg_database_size('app')")) > 100_000_000
    restoring(shop, {**restore(shop, file=str(file)), "timeout": "90s"})
    began = time.monotonic()
    run = carry_out(shop, 100)
    assert run["state"] == "succeeded" and time.monotonic() - began < 90
