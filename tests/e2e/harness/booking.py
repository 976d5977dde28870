"""The stack of config/examples/compose-flags.yaml, small but real: an application that reads its flags at each request,
nginx in front with its log, PostgreSQL, Redis; and that policy as it is shipped, with the names of this stack in it."""

import http.client
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from harness.daemon import BINARIES, ROOT
from harness.servers import Nginx, Postgres, Redis
from harness.waiting import wait_for
from harness.world import World

ENV = '# feature flags\nFEATURE_NEW_CHECKOUT="false"   # ask sales first\nFEATURE_PAYMENTS=true\n'
TABLES = """CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE bookings (id int, user_id int);
CREATE TABLE schema_migrations (version int); INSERT INTO schema_migrations VALUES (41); INSERT INTO users VALUES (1); INSERT INTO bookings VALUES (1, 1);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop"""
CLIENTS = 20


class Booking:
    """Healthy as long as what is checked out is good; its new checkout fails."""

    def __init__(self, env: Path, tree: Path):
        booking = self
        self.env, self.tree = env, tree

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, value = booking.answer(self.path)
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def flag(self, name: str) -> bool:
        line = next(line for line in self.env.read_text().splitlines() if line.startswith(f"{name}="))
        return line.split("=", 1)[1].split("#")[0].strip().strip('"') == "true"

    def answer(self, path: str) -> tuple[int, dict]:
        new = self.flag("FEATURE_NEW_CHECKOUT")
        if path == "/flags":
            return 200, {"new_checkout": new, "payments": self.flag("FEATURE_PAYMENTS")}
        if path == "/checkout" and new or (self.tree / "app").read_text() != "good\n":
            return 500, {"error": "undefined is not a function"}
        return 200, {"status": "ok"}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


HOOK = """#!/bin/sh
unset GIT_DIR
git -C "{clone}" pull --quiet --ff-only
cd "{tree}" && git fetch --quiet origin main && git checkout --quiet --force FETCH_HEAD
git log -1 --format=%s | grep -q '^Revert "' || "{binaries}/rollbackctl" deploy booking "$(git rev-parse HEAD)"
"""


class Deployed:
    """git push deploys: a bare repository with the hook that the policy asks for, and clones of it."""

    def __init__(self, folder: Path, world: World):
        self.world = world
        self.bare, self.tree, self.clone, self.work = (folder / name for name in ("site.git", "tree", "clone", "work"))
        folder.mkdir()
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self.git(folder, "clone", "--quiet", str(self.bare), str(self.work))
        self.git(self.work, "checkout", "--quiet", "-B", "main")
        self.commit("good")
        self.git(self.work, "push", "--quiet", "origin", "main")
        for other in (self.tree, self.clone):
            self.git(folder, "clone", "--quiet", str(self.bare), str(other))
        hook = self.bare / "hooks/post-receive"
        hook.write_text(HOOK.format(tree=self.tree, clone=self.clone, binaries=BINARIES))
        hook.chmod(0o755)

    def git(self, folder: Path, *arguments: str) -> str:
        who = {"GIT_AUTHOR_NAME": "dev", "GIT_AUTHOR_EMAIL": "dev@example.com", "GIT_COMMITTER_NAME": "dev",
               "GIT_COMMITTER_EMAIL": "dev@example.com", "ROLLBACKD_TOKEN": self.world.tokens["ingest"],
               "ROLLBACKD_URL": f"http://127.0.0.1:{self.world.daemon.port}"}
        done = subprocess.run(["git", "-C", str(folder), *arguments], env={**os.environ, **who}, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def commit(self, content: str) -> str:
        (self.work / "app").write_text(content + "\n")
        self.git(self.work, "add", "app")
        self.git(self.work, "commit", "--quiet", "--message", f"the site, {content}")
        return self.git(self.work, "rev-parse", "HEAD")

    def push(self) -> None:
        self.git(self.work, "push", "--quiet", "origin", "main")

    def version(self) -> str:
        return self.git(self.tree, "rev-parse", "HEAD")


class Front(Nginx):
    """nginx with the log that the policy reads."""

    def argv(self) -> list[str]:
        argv = super().argv()
        config = self.folder / "nginx.conf"
        self.log = self.folder / "access.log"
        config.write_text(config.read_text().replace("access_log off;", f"access_log {self.log};"))
        return argv

    def ready(self) -> bool:
        return self.get("/health") != b""


class Users:
    """So many of them; every fourth goes to the checkout. Each has an address of its own."""

    def __init__(self, port: int):
        self.port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()

    def run(self) -> None:
        while not self._stop.is_set():
            for n in range(CLIENTS):
                if self._stop.wait(0.05):
                    return
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5,
                                                        source_address=(f"127.0.1.{n + 1}", 0))
                try:
                    connection.request("GET", "/checkout" if n % 4 == 0 else "/")
                    connection.getresponse().read()
                except OSError:
                    pass
                finally:
                    connection.close()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)


class BookingStack:
    def __init__(self, world: World, folder: Path):
        self.world = world
        self.env = folder / "booking.env"
        self.env.write_text(ENV)
        self.site = Deployed(folder / "git", world)
        self.booking = Booking(self.env, self.site.tree)
        self.postgres = Postgres(folder / "postgres").with_app()
        self.postgres.psql(TABLES)
        self.redis = Redis(folder / "redis")
        self.redis.start()
        self.front = Front(folder / "nginx", self.booking.url)
        self.front.start()
        (folder / "safe-mode").mkdir()
        (folder / "postgresql.log").touch()
        world.policy = self.policy(folder)
        self.users: Users | None = None

    def policy(self, folder: Path) -> dict:
        """As shipped, but for names; what other machines would ask is asked from here."""
        text = (ROOT / "config/examples/compose-flags.yaml").read_text()
        for old, new in {
            "/etc/rollbackd/booking.dsn": str(self.postgres.dsn_file),
            "/var/log/nginx/booking.access.log": str(self.front.log),
            "/var/log/nginx/error.log": str(self.front.folder / "error.log"),
            "/var/log/postgresql/postgresql-15-main.log": str(folder / "postgresql.log"),
            "/etc/nginx/booking-safe-mode": str(folder / "safe-mode"),
        }.items():
            assert old in text, f"the policy does not name {old} any more"
            text = text.replace(old, new)
        policy = without_from(yaml.safe_load(text))
        del policy["hosts"]
        shipped = self.world.policy["daemon"]
        policy["daemon"].update({key: shipped[key] for key in ("listen", "store", "tokens", "references")})
        policy["notify"] = {name: {"webhook": {"url": self.world.sink.url}} for name in policy["notify"]}
        service = policy["services"]["booking"]
        service["release"]["version"] = {"git": str(self.site.tree)}
        service["vars"].update(repo=str(self.site.tree), clone=str(self.site.clone))
        service["vars"].update(url=self.booking.url, public=self.front.url, staging=self.booking.url, env=str(self.env))
        service["signals"]["redis"]["redis"].update(address=f"127.0.0.1:{self.redis.port}",
                                                    password_file=str(self.redis.password_file))
        return policy

    def start(self) -> None:
        """Watched, in use, and well."""
        self.world.start()
        self.users = Users(self.front.port)
        for name in ("health", "flag-is-off", "requests", "safe-mode"):
            wait_for(lambda name=name: self.world.signal(name, "booking")["last_at"], what=f"a sample of {name}")
        answers = "the database to answer"
        wait_for(lambda: self.world.signal("answers", "postgresql")["last_value"] == "ok", what=answers)

    def close(self) -> None:
        if self.users:
            self.users.stop()
        for part in (self.front, self.redis, self.postgres, self.booking):
            part.stop()


def without_from(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_from(item) for key, item in value.items() if key != "from"}
    return [without_from(item) for item in value] if isinstance(value, list) else value
