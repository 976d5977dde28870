"""migrate with a real Alembic on a real PostgreSQL: back by some, to a revision, up to the head; and what cannot
be undone half-way."""

import pytest
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.servers import Postgres, find_program

EVIDENCE = {"capture_evidence": {"commands": [["/bin/true"]]}}
MIGRATION = '''
from alembic import op
revision = "{name}"
down_revision = {before!r}

def upgrade():
    op.execute("CREATE TABLE {name} (id int)")

def downgrade():
    op.execute("{down}")
'''
ENV = '''
from alembic import context
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    find_program("alembic")
    postgres = Postgres(tmp_path_factory.mktemp("sql") / "postgres").with_app()
    yield postgres
    postgres.stop()


@pytest.fixture
def shop(world, server):
    server.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO shop")
    folder = world.folder / "alembic"
    (folder / "scripts/versions").mkdir(parents=True)
    (folder / "alembic.ini").write_text(f"[alembic]\nscript_location = {folder}/scripts\n"
                                        f"sqlalchemy.url = {server.dsn('shop')}\n")
    (folder / "scripts/env.py").write_text(ENV)
    before = None
    for name in ("one", "two", "three"):
        down = "SELECT no_way_back" if name == "one" else f"DROP TABLE {name}"
        (folder / f"scripts/versions/{name}.py").write_text(MIGRATION.format(name=name, before=before, down=down))
        before = name
    world.server, world.project = server, folder
    return world


def migrate(world, **more) -> dict:
    return {"migrate": {"tool": "alembic", "cwd": str(world.project), **more}}


def head(world) -> str:
    return world.server.psql("SELECT version_num FROM alembic_version")


def test_up_to_the_head_and_back_by_as_many_as_said(shop):
    with_steps(shop, migrate(shop, do="up"))
    assert "alembic upgrade head" in dry_run(shop)
    assert "is at three (head)" in step_text(shop, done(shop))
    shop.daemon.stop()
    with_steps(shop, EVIDENCE, migrate(shop, do="down", count="{{ inputs.n }}"), undoes="schema",
               data_loss="possible", inputs={"n": None})
    assert "is at one" in step_text(shop, done(shop, n="2"), 2)
    assert head(shop) == "one"
    assert "1 to 999" in step_text(shop, carry_out(shop, n="all"), 2)
    assert head(shop) == "one"


def test_to_a_revision_and_a_migration_with_no_way_back_is_a_failure_that_says_where_it_stands(shop):
    with_steps(shop, migrate(shop, do="up", to="two"), {**migrate(shop, do="status"), "save": "schema"},
               {"exec": {"argv": ["/usr/bin/test", "two", "=", "{{ steps.schema }}"]}})
    done(shop)
    shop.daemon.stop()
    with_steps(shop, EVIDENCE, migrate(shop, do="down", to="base"), undoes="schema", data_loss="possible")
    run = carry_out(shop)
    assert run["steps"][1]["state"] == "failed" and "no_way_back" in step_text(shop, run, 2)
    assert head(shop) == "two"


@pytest.mark.parametrize("step, told", [
    ({"tool": "prisma", "do": "down"}, "Prisma has no way down"), ({"tool": "alembic", "do": "down"}, "how far"),
    ({"tool": "command", "do": "down"}, "which needs it"),
    ({"tool": "alembic", "do": "up", "count": "1"}, "count goes with do: down")])
def test_what_a_tool_cannot_do_is_refused_when_it_is_read(shop, step, told):
    shop.shop["playbooks"]["by-hand"] = {"steps": [{"migrate": {"cwd": "/srv", **step}}]}
    shop.write_policy()
    checked = shop.ctl("check", str(shop.daemon.config))
    assert checked.returncode == 1 and told in checked.stdout + checked.stderr
