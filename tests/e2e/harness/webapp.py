"""The stack of config/examples/compose-alembic.yaml, small but real: frontend, backend, worker, PostgreSQL and Redis in
Docker Compose, migrations by Alembic, nginx on the host, a network of its own whose ports are closed and opened."""

import datetime
import threading
import urllib.error
import urllib.request

from harness.composed import ComposedStack
from harness.own_network import HERE
from harness.waiting import wait_for

FRONTEND, BACKEND, WORKER = 3000, 8000, 9000
MIGRATION = '''
from alembic import op
revision, down_revision = "{name}", {before!r}

def upgrade():
    op.execute("{up}")

def downgrade():
    op.execute("{down}")
'''
MIGRATIONS = {
    "one": "CREATE TABLE notes (id int)",
    "two": "CREATE TABLE labels (id int)",
}
ENVIRONMENT = '''
from alembic import context
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
'''
SITE = """listen 127.0.0.1:{front}; listen {here}:80; listen {here}:443 ssl; ssl_certificate {cert}; ssl_certificate_key {key};
access_log /var/log/nginx/web.access.log; include /etc/nginx/web-safe-mode/*.inc;
location /api/ {{ proxy_pass http://127.0.0.1:{backend}; }} location / {{ proxy_pass http://127.0.0.1:{frontend}; }}"""
CRITICAL = """#!/bin/sh
# A test record is made, seen and deleted, and the site answers.
psql -X -q -v ON_ERROR_STOP=1 '{dsn}' -c "INSERT INTO notes VALUES (-1); DELETE FROM notes WHERE id = -1" || exit 1
exec curl --fail --silent --max-time 10 "$1/api/health"
"""


class WebStack(ComposedStack):
    example, service = "compose-alembic.yaml", "web"
    signals = ("backend", "site", "inside", "database", "containers", "worker", "revision", "orphans", "users", "requests")
    env = "COLOUR=blue\n"

    def build(self) -> None:
        super().build()
        self.postgres.stop()        # from here on its container runs it
        self.machine.path("/run/units/postgresql.service").unlink()
        self.machine.path("/etc/nginx/web-safe-mode").mkdir()
        self.machine.path("/etc/nginx/web-safe-mode/on.inc").touch()
        self.machine.start_nginx(SITE.format(front=self.front, here=HERE, cert=self.certificate.path, key=self.certificate.key,
                                             backend=BACKEND, frontend=FRONTEND))
        self.compose("up", "-d", "--build")
        wait_for(lambda: self.postgres.psql("SELECT 1", check=False) == "1", 30, "the database")
        self.alembic("upgrade", "one")
        self.postgres.psql("INSERT INTO notes SELECT g FROM generate_series(1, 50) g")
        self.months()
        self.world.policy = self.shipped({"127.0.0.1:6379": f"127.0.0.1:{self.redis}"})

    def data(self) -> None:
        self.postgres.psql("CREATE TABLE users (id int PRIMARY KEY, name text); CREATE TABLE orders (id int PRIMARY KEY, user_id int);"
                           "INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 200) g;"
                           "INSERT INTO orders SELECT g, 1 + g % 200 FROM generate_series(1, 500) g")
        self.postgres.psql("ALTER TABLE users OWNER TO shop; ALTER TABLE orders OWNER TO shop; GRANT ALL ON SCHEMA public TO shop")
        (self.tree / "migrations/versions").mkdir(parents=True)
        (self.tree / "alembic.ini").write_text(f"[alembic]\nscript_location = /app/migrations\nsqlalchemy.url = {self.postgres.dsn('shop')}\n")
        (self.tree / "migrations/env.py").write_text(ENVIRONMENT)
        self.migration("one", None)
        (self.tree / "Dockerfile").write_text("FROM base:1\nCOPY app.py behaviour alembic.ini /app/\nCOPY migrations /app/migrations\n")
        critical = self.machine.path("/opt/web/critical-paths.sh")
        critical.parent.mkdir()
        critical.write_text(CRITICAL.format(dsn=self.postgres.dsn("shop")))
        critical.chmod(0o755)

    def migration(self, name: str, before: str | None, down: str = "") -> None:
        table = MIGRATIONS[name].split()[2]
        (self.tree / f"migrations/versions/{name}.py").write_text(
            MIGRATION.format(name=name, before=before, up=MIGRATIONS[name], down=down or f"DROP TABLE {table}"))

    def months(self) -> None:
        """A week of nightly dumps, in folders by month."""
        self.nights("/srv/nights", "web", plain=True)
        for night in self.machine.path("/srv/nights").iterdir():
            moment = datetime.datetime.fromtimestamp(night.stat().st_mtime)
            folder = self.machine.path(f"{self.kept}/{moment:%Y-%m}")
            folder.mkdir(exist_ok=True)
            night.rename(folder / night.name)

    def services(self) -> str:
        tree = (f"/srv/{self.service}:/srv/{self.service}:ro",)
        made = "".join(self.container(name, self.program(self.postgres.dsn("shop"), port=port), "build: .", tree)
                       + f'    working_dir: /app\n    environment: ["COMPONENT={name}"]\n'
                       for name, port in (("frontend", FRONTEND), ("backend", BACKEND), ("worker", WORKER)))
        return made + self.database_container() + self.container(
            "redis", ["/usr/bin/redis-server", "--port", str(self.redis), "--bind", "127.0.0.1", "--save", ""])

    def alembic(self, *arguments: str) -> str:
        return self.compose("run", "--rm", "-T", "backend", "alembic", *arguments)

    def revision(self) -> str:
        return self.postgres.psql("SELECT version_num FROM alembic_version")

    def rows(self, database: str = "app") -> str:
        return self.postgres.psql("SELECT (SELECT sum(hashtext(u::text)) FROM users u), (SELECT sum(hashtext(o::text)) FROM orders o),"
                                  "(SELECT count(*) FROM notes)", database)

    def good_too(self, version: str) -> None:
        """A person says that this release is good as well."""
        self.world.api("ingest").must(201, "/v1/services/web/deployments", {"version": version, "known_good": True})

    def jobs(self) -> None:
        """The worker tells how each job has ended, while it runs."""
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(0.1):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{WORKER}/job", timeout=5):
                        ok = True
                except urllib.error.HTTPError:
                    ok = False
                except OSError:
                    continue        # it is stopped
                self.world.push("jobs", {"ok": ok}, service=self.service)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.ends.callback(thread.join, 10)
        self.ends.callback(stop.set)
