"""Signals out of a real PostgreSQL: payments, migrations, connections; and the database gone, slow and back."""

import re

import pytest
from harness import settled, wait_for
from harness.faults import checkpoint
from harness.servers import Postgres

PAID = ("SELECT count(*) FROM payments p JOIN accounts a USING (account) "
        "WHERE p.paid_at < now() - interval '10 minutes' AND a.plan = 'free'")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    postgres = Postgres(tmp_path_factory.mktemp("sql") / "postgres").with_app()
    postgres.psql("""
        CREATE TABLE accounts (account int PRIMARY KEY, plan text NOT NULL);
        CREATE TABLE payments (id serial PRIMARY KEY, account int, paid_at timestamptz);
        CREATE TABLE deliveries (id text PRIMARY KEY, provider text, ok boolean, at timestamptz, sent boolean);
        CREATE TABLE totals (success bigint, failure bigint);
        CREATE TABLE _prisma_migrations (id text, finished_at timestamptz, rolled_back_at timestamptz);
        GRANT ALL ON ALL TABLES IN SCHEMA public TO shop;
    """)
    yield postgres
    postgres.stop()


@pytest.fixture
def shop(world, server):
    if server.process is None:
        server.start()
    server.psql("TRUNCATE accounts, payments, deliveries, totals, _prisma_migrations")
    world.server = server
    return world


def sql(world, query: str, **changes) -> dict:
    beside = {"every": "200ms", "timeout": "3s"}
    for key in ("by", "every", "timeout"):
        if key in changes:
            beside[key] = changes.pop(key)
    return {"sql": {"dsn_file": str(world.server.dsn_file), "query": query, **changes}, **beside}


def watch(world, signal: dict, when: str, name: str = "db") -> None:
    world.shop["signals"][name] = signal
    world.triggers(broken={"when": when, "severity": "P2", "response": "alert"})
    world.start()


def value(world):
    return world.signal("db")["last_value"]


def test_paid_but_not_upgraded_is_an_invariant(shop):
    watch(shop, sql(shop, PAID), "value(db) > 0")
    wait_for(lambda: value(shop) == 0 and shop.trigger("broken")["verdict"] == "false")
    shop.server.psql("INSERT INTO accounts VALUES (1, 'free'), (2, 'paid');"
                     "INSERT INTO payments (account, paid_at) VALUES (1, now() - interval '11 minutes'), (2, now())")
    incident = shop.opened("broken")
    assert value(shop) == 1
    shop.server.psql("UPDATE accounts SET plan = 'paid'")
    shop.until(incident["id"], "resolved")


def test_rows_that_are_lost_are_seen_against_the_most_there_were(shop):
    watch(shop, sql(shop, "SELECT count(*) FROM accounts"), "value(db) < 95% * max(db, 1h)")
    shop.server.psql("INSERT INTO accounts SELECT n, 'free' FROM generate_series(1, 100) n")
    wait_for(lambda: value(shop) == 100)
    shop.server.psql("DELETE FROM accounts WHERE account > 96")   # as customers leave
    wait_for(lambda: value(shop) == 96 and shop.trigger("broken")["verdict"] == "false")
    shop.server.psql("DELETE FROM accounts WHERE account > 50")
    incident = shop.opened("broken")
    assert incident["triggers"][0]["count"] == 50
    shop.server.psql("INSERT INTO accounts SELECT n, 'free' FROM generate_series(51, 100) n")
    shop.until(incident["id"], "resolved")


def test_a_foreign_key_that_leads_nowhere_is_counted(shop):
    query = "SELECT count(*) FROM payments p LEFT JOIN accounts a USING (account) WHERE a.account IS NULL"
    watch(shop, sql(shop, query), "value(db) > 0")
    wait_for(lambda: shop.trigger("broken")["verdict"] == "false")
    shop.server.psql("INSERT INTO payments (account, paid_at) VALUES (7, now())")
    incident = shop.opened("broken")
    shop.server.psql("INSERT INTO accounts VALUES (7, 'paid')")
    shop.until(incident["id"], "resolved")


def test_migrations_that_failed_or_did_not_finish_are_counted(shop):
    query = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL"
    watch(shop, sql(shop, query), "value(db) > 0")
    wait_for(lambda: value(shop) == 0)
    shop.server.psql("INSERT INTO _prisma_migrations (id) VALUES ('20260131_add_plan')")
    shop.opened("broken")


def test_the_revision_of_a_migrations_table_is_a_text_that_moves(shop):
    """As Alembic keeps it: one row, the revision in effect."""
    shop.server.psql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
                     "INSERT INTO alembic_version VALUES ('1975ea83b712'); GRANT SELECT ON alembic_version TO shop")
    try:
        watch(shop, sql(shop, "SELECT version_num FROM alembic_version", kind="text"), "changed(db, 1h)")
        wait_for(lambda: value(shop) == "1975ea83b712")
        shop.server.psql("DELETE FROM alembic_version")
        wait_for(lambda: (shop.signal("db")["last_reason"] or "").startswith("missing: "))
        assert settled(shop.incidents) == []
        shop.server.psql("INSERT INTO alembic_version VALUES ('ae1027a6acf4')")
        shop.opened("broken")
        assert value(shop) == "ae1027a6acf4"
    finally:
        shop.server.psql("DROP TABLE alembic_version")


def test_a_database_without_free_connections_is_a_failed_state_and_not_a_number(shop):
    shop.shop["signals"]["used"] = sql(
        shop, "SELECT 100.0 * count(*) / current_setting('max_connections')::int FROM pg_stat_activity")
    watch(shop, sql(shop, "SELECT true", kind="state"), "consecutive_failures(db) >= 2")
    wait_for(lambda: shop.signal("db")["state"] == "ok" and shop.signal("used")["last_value"] is not None)
    shop.server.psql("ALTER ROLE shop CONNECTION LIMIT 0", "postgres")
    try:
        shop.opened("broken")
        assert "full: " in shop.signal("db")["last_reason"]
        wait_for(lambda: "full: " in (shop.signal("used")["last_reason"] or ""))
        assert shop.signal("used")["state"] is None
    finally:
        shop.server.psql("ALTER ROLE shop CONNECTION LIMIT -1", "postgres")
    wait_for(lambda: shop.signal("db")["state"] == "ok")


def test_the_age_of_the_oldest_undelivered_event_is_a_number_or_unknown(shop):
    query = "SELECT extract(epoch FROM now() - min(at)) FROM deliveries WHERE NOT sent"
    watch(shop, sql(shop, query), "value(db) > 600")
    wait_for(lambda: "missing: " in (shop.signal("db")["last_reason"] or ""), what="NULL to be unknown")
    assert shop.trigger("broken")["verdict"] == "unknown" and value(shop) is None
    shop.server.psql("INSERT INTO deliveries VALUES ('e1', 'a', true, now() - interval '20 minutes', false)")
    shop.opened("broken")


def test_rows_are_outcomes_by_provider_each_event_once(shop):
    query = "SELECT id, at, provider, ok AS success, NOT ok AS failure FROM deliveries"
    watch(shop, sql(shop, query, by="provider"), "consecutive_failures(db) >= 3")
    insert = "INSERT INTO deliveries SELECT p || n, p, {ok}, now(), true FROM generate_series(1, {n}) n, unnest({p}) p"
    shop.server.psql(insert.format(ok="false", n=2, p="ARRAY['a', 'b']"))
    wait_for(lambda: shop.trigger("broken")["count"] == 2, what="two failures of each provider")
    assert settled(lambda: shop.trigger("broken")["count"], quiet=1.2) == 2      # asked again, counted once
    shop.server.psql("INSERT INTO deliveries VALUES ('a3', 'a', true, now(), true), ('b3', 'b', false, now(), true)")
    incident = shop.opened("broken")
    assert "b" in shop.trigger("broken")["why"]
    assert [i["id"] for i in shop.incidents()] == [incident["id"]]


def failures(world) -> int:
    """As the trigger's sentence says it: "failures(db, 1h) = 1, not > 2 (of 5)"."""
    why = world.trigger("broken")["why"]
    found = re.search(r"= (\d+)", why)
    assert found, why
    return int(found[1])


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_totals_count_what_was_added_and_over_a_restart_nothing_is_lost_or_repeated(shop, how):
    shop.server.psql("INSERT INTO totals VALUES (1000, 500)")
    watch(shop, sql(shop, "SELECT success, failure FROM totals", totals=True), "failures(db, 1h) > 2")
    shop.server.psql("UPDATE totals SET success = success + 1")
    wait_for(lambda: value(shop) is not None)
    shop.server.psql("UPDATE totals SET failure = failure + 1")
    wait_for(lambda: failures(shop) == 1, what="one failure")
    if how == "kill":
        # A crash may lose the last 5 s: what has been checkpointed stays.
        wait_for(lambda: "5.01E2" in checkpoint(shop), what="a checkpoint of 501 failures")
    getattr(shop.daemon, "restart" if how == "restart" else "kill")()
    shop.server.psql("UPDATE totals SET failure = failure + 1")
    if how == "kill":
        shop.daemon.start()
    wait_for(lambda: failures(shop) == 2, what="the second failure")
    assert settled(shop.incidents, quiet=1.0) == []
    shop.server.psql("UPDATE totals SET failure = failure + 1")
    shop.opened("broken")


def test_a_database_that_is_gone_and_comes_back_is_unknown_meanwhile(shop):
    watch(shop, sql(shop, "SELECT 0"), "value(db) > 0")
    wait_for(lambda: shop.trigger("broken")["verdict"] == "false")
    shop.server.stop()
    wait_for(lambda: "refused: " in (shop.signal("db")["last_reason"] or ""))
    assert shop.trigger("broken")["verdict"] == "unknown" and shop.signal("db")["state"] is None
    shop.server.start()
    wait_for(lambda: shop.trigger("broken")["verdict"] == "false", what="the database to be asked again")
    assert shop.incidents() == []


def test_a_slow_query_is_a_timeout_and_holds_up_nobody_else(shop):
    for n in range(6):
        shop.shop["signals"][f"slow{n}"] = sql(shop, "SELECT 1 FROM pg_sleep(60)", timeout="300ms")
    watch(shop, sql(shop, "SELECT 0"), "value(db) > 0")
    wait_for(lambda: "timeout: " in (shop.signal("slow0")["last_reason"] or ""))
    assert not settled(lambda: shop.signal("health")["stale"], quiet=1.0)
    wait_for(lambda: value(shop) == 0)


@pytest.mark.parametrize("query, slug", [
    ("SELECT count(*) FROM no_such_table", "sql: "), ("SELECT 'many'", "content: "),
    ("SELECT n FROM generate_series(1, 3) n", "content: "), ("SELECT n FROM generate_series(1, 2000) n", "too_large: "),
    ("DELETE FROM payments RETURNING 1", "sql: "), ("SELECT 'NaN'::float", "content: "), ("SELECT", "missing: "),
])
def test_what_is_no_number_is_unknown_with_its_reason(shop, query, slug):
    watch(shop, sql(shop, query), "value(db) > 0")
    wait_for(lambda: slug in (shop.signal("db")["last_reason"] or ""), what=slug)
    assert shop.trigger("broken")["verdict"] == "unknown"


def test_the_password_is_shown_nowhere(shop):
    watch(shop, sql(shop, "SELECT count(*) FROM no_such_table"), "value(db) > 0")
    shop.server.psql("ALTER ROLE shop NOLOGIN", "postgres")
    try:
        wait_for(lambda: shop.signal("db")["last_reason"])
        shown = str(shop.signal("db")) + str(shop.incidents()) + shop.daemon.tail(500) + shop.ctl("services").stdout
        assert "s3cret-of-shop" not in shown
    finally:
        shop.server.psql("ALTER ROLE shop LOGIN", "postgres")
