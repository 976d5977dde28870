"""The stack of config/examples/compose-flags.yaml, small but real: API and Redis in Docker Compose, PostgreSQL and nginx
on the host, a bare repository whose hook deploys; and that policy as it is shipped."""

import json
from pathlib import Path

from harness.daemon import BINARIES
from harness.drill import Drill
from harness.forge import TOKEN, Forge
from harness.net import free_port
from harness.waiting import wait_for

ENV = '# feature flags\nFEATURE_NEW_CHECKOUT="false"   # ask sales first\nFEATURE_PAYMENTS=true\n'
TABLES = """CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE bookings (id int PRIMARY KEY, user_id int, note text); CREATE TABLE schema_migrations (version int);
INSERT INTO schema_migrations VALUES (41); INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 50) g;
INSERT INTO bookings SELECT g, 1 + g % 50, md5(g::text) FROM generate_series(1, 500) g;
ALTER TABLE users OWNER TO shop; ALTER TABLE bookings OWNER TO shop; ALTER TABLE schema_migrations OWNER TO shop"""
COMPOSE = """\
version: "3.7"
services:
  api:
    build: .
    container_name: booking-api-1
    network_mode: host
    init: true
    volumes: ["/usr:/usr:ro", "/srv/booking:/srv:ro"]
    command: ["/usr/bin/python3", "/app/app.py", "{api}", "/srv/.env"]
  redis:
    image: base:1
    container_name: booking-redis-1
    network_mode: host
    init: true
    volumes: ["/usr:/usr:ro"]
    command: ["/usr/bin/redis-server", "--port", "{redis}", "--bind", "127.0.0.1", "--save", ""]
"""
PATHS = ("/checkout", "/", "/", "/")
# As the head of the policy asks for it.
HOOK = """#!/bin/sh
unset GIT_DIR
git -C /var/lib/rollbackd/booking pull --quiet --ff-only
cd /srv/booking && git fetch --quiet origin main && git checkout --quiet --force FETCH_HEAD
docker-compose -f docker-compose.prod.yml build api >/run/deploy.log 2>&1
git log -1 --format=%s | grep -q '^Revert "' || {binaries}/rollbackctl deploy booking "$(git rev-parse HEAD)"
docker-compose -f docker-compose.prod.yml up -d api >>/run/deploy.log 2>&1
"""
SITE = """listen 127.0.0.1:{port}; access_log /var/log/nginx/booking.access.log;
include /etc/nginx/booking-safe-mode/*.inc; location / {{ proxy_pass http://127.0.0.1:{api}; }}"""


class BookingStack(Drill):
    example, service = "compose-flags.yaml", "booking"

    def build(self) -> None:
        super().build()
        self.api, self.front, self.redis, self.forge = free_port(), free_port(), free_port(), Forge(self.machine.path("/srv/booking.git"), prefix="/api/v3")
        self.ends.callback(self.forge.stop)
        self.machine.secret("booking.dsn", self.postgres.dsn("shop"))
        self.machine.secret("forge.token", TOKEN)
        self.machine.path("/var/log/postgresql/postgresql-15-main.log").touch()
        self.machine.path("/var/backups/booking").mkdir()
        self.machine.path("/var/www/status").mkdir(parents=True)
        self.postgres.psql(TABLES)
        self.nights("/var/backups/booking", "booking")
        self.machine.start_engine()
        self.deployed()
        self.env = self.machine.path("/srv/booking/.env")
        self.env.write_text(ENV)
        include = self.machine.path("/etc/nginx/booking-safe-mode")
        include.mkdir()
        (include / "on.inc").touch()
        self.machine.start_nginx(SITE.format(port=self.front, api=self.api))
        # The fallback, where no engine answers.
        program = f"/usr/bin/python3 /srv/booking/app.py {self.api} /srv/booking/.env"
        on = "kill -0 $(cat /run/api.pid) 2>/dev/null"
        self.machine.unit("booking-api.service", f"{program} & echo $! >/run/api.pid", "kill $(cat /run/api.pid) 2>/dev/null", on)
        self.compose("up", "-d", "--build")
        names = {'"127.0.0.1:6379"': f'"127.0.0.1:{self.redis}"',
                 "http://127.0.0.1:3000": f"http://127.0.0.1:{self.api}",
                 "https://booking.example.com": f"http://127.0.0.1:{self.front}",
                 "https://staging.example.com": f"http://127.0.0.1:{self.api}",
                 "https://forge.example.com": self.forge.url}
        names["/var/www/status/"] = f"{self.machine.path('/var/www/status')}/"
        self.world.policy = self.shipped(names)

    def deployed(self) -> None:
        """git push deploys: a bare repository with the hook that the policy asks for, and clones of it."""
        git = self.machine.git
        git("/srv", "init", "--quiet", "--bare", "--initial-branch=main", "booking.git")
        git("/srv", "clone", "--quiet", "booking.git", "dev")
        git("/srv/dev", "checkout", "--quiet", "-B", "main")
        dev = self.machine.path("/srv/dev")
        (dev / "app.py").write_text(Path(__file__).with_name("drill_app.py").read_text())
        (dev / "Dockerfile").write_text("FROM base:1\nCOPY app.py behaviour /app/\n")
        (dev / "docker-compose.prod.yml").write_text(COMPOSE.format(api=self.api, redis=self.redis))
        (dev / ".gitignore").write_text(".env\n")
        self.good = self.commit("good")
        git("/srv/dev", "push", "--quiet", "origin", "main")
        git("/srv", "clone", "--quiet", "booking.git", "booking")
        git("/srv", "clone", "--quiet", "booking.git", "/var/lib/rollbackd/booking")
        hook = self.machine.path("/srv/booking.git/hooks/post-receive")
        hook.write_text(HOOK.format(binaries=BINARIES))
        hook.chmod(0o755)

    def commit(self, behaviour: str) -> str:
        self.machine.path("/srv/dev/behaviour").write_text(f"{behaviour}\n")
        self.machine.git("/srv/dev", "add", "--all")
        self.machine.git("/srv/dev", "commit", "--quiet", "--message", f"the site, {behaviour}")
        return self.machine.git("/srv/dev", "rev-parse", "HEAD")

    def push(self) -> None:
        """By a developer; the hook tells rollbackd of it."""
        self.machine.git("/srv/dev", "push", "--quiet", "origin", "main", ROLLBACKD_TOKEN=self.world.tokens["ingest"],
                         ROLLBACKD_URL=f"http://127.0.0.1:{self.world.daemon.port}")

    def compose(self, *arguments: str) -> str:
        return self.machine.run("docker-compose", "-f", "/srv/booking/docker-compose.prod.yml", *arguments).stdout

    def watched(self, known_good: bool = False, paths: tuple[str, ...] = PATHS) -> None:
        """In use, and well."""
        self.used(paths)
        self.start("health", "flag-is-off", "requests", "safe-mode", "docker", "redis", "broken-rows", "bookings",
                   known_good=self.good if known_good else "")
        wait_for(lambda: self.world.signal("answers", "postgresql")["last_value"] == "ok", what="the database to answer")

    def page(self) -> list[dict]:
        """What the public is told."""
        page = self.machine.path("/var/www/status/status.json")
        return json.loads(page.read_text())["incidents"] if page.exists() else []

    def busy(self) -> None:
        """So many requests as a share of failures is judged by."""
        log = self.machine.path("/var/log/nginx/booking.access.log")
        before = log.read_bytes().count(b"\n")
        wait_for(lambda: log.read_bytes().count(b"\n") >= before + 100, what="a hundred requests")

    def flag(self, name: str) -> bool:
        line = next(line for line in self.env.read_text().splitlines() if line.startswith(f"{name}="))
        return line.split("=", 1)[1].split("#")[0].strip().strip('"') == "true"
