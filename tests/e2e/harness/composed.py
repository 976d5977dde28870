"""Stacks whose work tree is a Compose project, deployed by checkout, build and up: those of compose-cutover.yaml and
compose-nginx.yaml, small but real."""

import json
import os
from pathlib import Path

from harness.drill import Drill
from harness.net import free_port
from harness.own_network import HERE
from harness.sshd import Sshd
from harness.tls import Certificate
from harness.waiting import wait_for

SERVICE = """\
  {name}:
    {image}
    container_name: {project}-{name}-1
    network_mode: host
    init: true
    volumes: ["/usr:/usr:ro"{volumes}]
    command: {command}
"""
COMPOSE = r"""#!/bin/sh
# With no network but the host's, a one-off container cannot be linked to its own service, which Compose 1 insists on.
exec /usr/bin/python3 -c 'import sys
from compose.cli.main import main
from compose.service import Service
Service._get_links = lambda self, link_to_self: []
sys.argv[0] = "docker-compose"
main()' "$@"
"""
# Payment events of one provider, and pages.
PATHS = ("/api/subscriptions/tiers", "/", "/api/webhooks?provider=lightning", "/")


class ComposedStack(Drill):
    """`self.good` is deployed and runs; `deploy` brings another version."""

    signals: tuple[str, ...] = ()
    env = "COLOUR=blue\n"

    @property
    def address(self) -> str:
        """Where its name leads to."""
        return HERE if self.network else "127.0.0.1"

    def build(self) -> None:
        super().build()
        self.api, self.front, self.tls, self.redis = (free_port() for _ in range(4))
        self.staging = free_port()
        self.tree = self.machine.path(f"/srv/{self.service}")
        self.kept = f"/var/backups/{self.service}"
        self.machine.path(f"{self.kept}/env").mkdir(parents=True)
        self.machine.secret(f"{self.service}.dsn", self.postgres.dsn("shop"))
        self.certificate = Certificate(self.folder / "certificate", san=f"DNS:{self.service}.example.com")
        self.machine.trust(self.certificate.path, f"{self.service}.example.com", self.address)
        self.machine.program("docker-compose", COMPOSE)
        self.machine.start_engine()
        self.tree.mkdir()
        self.machine.git(f"/srv/{self.service}", "init", "--quiet", "--initial-branch=main")
        (self.tree / "app.py").write_text(Path(__file__).with_name("drill_app.py").read_text())
        (self.tree / "Dockerfile").write_text("FROM base:1\nCOPY app.py behaviour /app/\n")
        (self.tree / ".gitignore").write_text(".env\nbackups\nnginx\n")
        (self.tree / ".env").write_text(self.env)
        self.data()
        (self.tree / "docker-compose.yml").write_text('version: "3.7"\nservices:\n' + self.services())
        self.good = self.commit("good")

    def data(self) -> None:
        """Tables, backups, and what else is there before the first start."""

    def services(self) -> str:
        raise NotImplementedError

    def container(self, name: str, command: list[str], image: str = "image: base:1", volumes: tuple[str, ...] = ()) -> str:
        mounts = "".join(f', "{volume}"' for volume in volumes)
        words = "[" + ", ".join(f'"{word}"' for word in command) + "]"
        return SERVICE.format(name=name, image=image, project=self.service, volumes=mounts, command=words)

    def program(self, *more: str, port: int = 0) -> list[str]:
        return ["/usr/bin/python3", "/app/app.py", str(port or self.api), f"/srv/{self.service}/.env", *more]

    def database_container(self) -> str:
        """PostgreSQL as it was begun on the host, in a container."""
        server = [word for word in self.postgres.argv() if word not in ("setpriv",) and not word.startswith("--re")
                  and word != "--clear-groups"]
        data = str(self.postgres.folder)
        return (self.container("db", server, volumes=(f"{data}:{data}", "/etc/passwd:/etc/passwd:ro"))
                + '    user: "65534:65534"\n    stop_signal: SIGINT\n')

    def commit(self, behaviour: str) -> str:
        (self.tree / "behaviour").write_text(f"{behaviour}\n")
        folder = f"/srv/{self.service}"
        self.machine.git(folder, "add", "--all")
        self.machine.git(folder, "commit", "--quiet", "--message", f"{self.service}, {behaviour}")
        version = self.machine.git(folder, "rev-parse", "HEAD")
        kept = self.machine.path(f"{self.kept}/env/{version}.env")
        kept.write_bytes((self.tree / ".env").read_bytes())
        return version

    def compose(self, *arguments: str) -> str:
        return self.machine.run("docker-compose", "--project-directory", f"/srv/{self.service}", *arguments).stdout

    def deploy(self, behaviour: str, env: str | None = None, services: tuple[str, ...] = (), migrate: str = "",
               started: bool = False) -> str:
        """As the team's script does it: a version with its env file; some of it alone; with its migration. `started`:
        recorded when it answers, so that its start, which is no part of the drill, is not blamed on it."""
        if env is not None:
            (self.tree / ".env").write_text(env)
        version = self.commit(behaviour)
        self.compose("build", *services)
        if not started:
            self.record(version)
        if migrate:
            self.compose("run", "--rm", "-T", "backend", "alembic", "upgrade", migrate)
        self.compose("up", "-d", *(["--no-deps"] if services else []), *services)
        if started:
            wait_for(lambda: self.status("/") == 200, what="it to answer")
            self.record(version)
        return version

    def record(self, version: str) -> None:
        self.world.api("ingest").must(201, f"/v1/services/{self.service}/deployments", {"version": version})

    def watched(self) -> None:
        self.used(PATHS)
        self.start(*self.signals, known_good=self.good)

    def running(self) -> set[str]:
        return set(self.machine.run("docker", "ps", "--format", "{{.Names}}").stdout.split())


class IdentityStack(ComposedStack):
    """Everything in containers, PostgreSQL and nginx too."""

    example, service = "compose-cutover.yaml", "identity"
    signals = ("health", "lookup", "tiers", "database", "containers", "requests", "safe-mode", "broken-rows", "users", "names")
    env = "COLOUR=blue\nDATABASE_URL=x\nJWT_SECRET=x\nPORT=x\nWEBHOOK_URL=x\nLIGHTNING_WEBHOOK_SECRET=x\nBTC_WEBHOOK_SECRET=x\n"

    def build(self) -> None:
        super().build()
        self.postgres.stop()        # from here on its container runs it
        self.machine.path("/run/units/postgresql.service").unlink()
        self.machine.git("/srv", "clone", "--quiet", "--bare", "identity", "forge.git")
        self.machine.git("/srv/forge.git", "branch", "release", self.good)
        self.compose("up", "-d", "--build")
        wait_for(lambda: self.postgres.psql("SELECT 1", check=False) == "1", 30, "the database")
        self.world.policy = self.shipped({
            "http://127.0.0.1:4000": f"http://127.0.0.1:{self.api}",
            "https://identity.example.com": f"http://127.0.0.1:{self.front}",
            "https://forge.example.com/example/identity.git": "/srv/forge.git",
            "staging.example.com:4000": f"127.0.0.1:{self.staging}", '"backend:4000"': f'"127.0.0.1:{self.api}"',
            '"identity.example.com:443"': f'"identity.example.com:{self.tls}"'})

    def data(self) -> None:
        self.postgres.psql("""CREATE TABLE users (id int PRIMARY KEY, tier text); CREATE TABLE names (id int PRIMARY KEY, user_id int);
CREATE TABLE payments (user_id int, paid_at timestamptz);
CREATE TABLE _prisma_migrations (migration_name text, started_at timestamptz, finished_at timestamptz, rolled_back_at timestamptz);
INSERT INTO _prisma_migrations VALUES ('1_init', now(), now());
INSERT INTO users SELECT g, 'free' FROM generate_series(1, 200) g; INSERT INTO names SELECT g, g FROM generate_series(1, 200) g""")
        for table in ("users", "names", "payments", "_prisma_migrations"):
            self.postgres.psql(f"ALTER TABLE {table} OWNER TO shop")
        (self.tree / "backups").mkdir()
        self.nights("/srv/identity/backups", "identity")
        for part in ("safe-mode", "upstream", "certs"):
            (self.tree / "nginx" / part).mkdir(parents=True)
        (self.tree / "nginx/safe-mode/on.inc").touch()
        (self.tree / "nginx/upstream/servers.inc").write_text(f"server 127.0.0.1:{self.api};\n")
        (self.tree / "nginx/certs/fullchain.pem").write_bytes(self.certificate.path.read_bytes())
        (self.tree / "nginx/certs/key.pem").write_bytes(self.certificate.key.read_bytes())
        temporary = " ".join(f"{kind}_temp_path /run/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.tree / "nginx/nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid /run/nginx.pid; error_log stderr;\nevents {{}}\nhttp {{ {temporary}\n"
            f"upstream backend {{ include /etc/nginx/upstream/servers.inc; }}\nserver {{ listen 127.0.0.1:{self.front}; "
            f"listen 127.0.0.1:{self.tls} ssl; ssl_certificate certs/fullchain.pem; ssl_certificate_key certs/key.pem; "
            "access_log /var/log/nginx/identity.access.log; include /etc/nginx/safe-mode/*.inc; "
            "location / { proxy_pass http://backend; } } }\n")
        package = {"name": "identity", "version": "1.0.0", "scripts": {"build": "true"}}
        (self.tree / "package.json").write_text(json.dumps(package))
        (self.tree / "package-lock.json").write_text(json.dumps({
            "name": "identity", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {"": package}}))
        self.machine.program("npx", '#!/bin/sh\necho "$*" >>/tmp/npx; echo "No pending migrations to apply."\n')   # for Prisma
        login = self.machine.path("/opt/identity/login.sh")
        login.parent.mkdir()
        login.write_text(f"#!/bin/sh\nexec curl --fail --silent --max-time 5 http://127.0.0.1:{self.api}/api/login\n")
        login.chmod(0o755)
        past = 86400 * 10
        for file in ("nginx.conf", "certs/fullchain.pem"):
            stat = (self.tree / "nginx" / file).stat()
            os.utime(self.tree / "nginx" / file, (stat.st_mtime - past, stat.st_mtime - past))

    def other_disk(self) -> None:
        """A folder on another disk, for what is saved before everything is taken down."""
        self.machine.path("/var/backups/identity/moved").mkdir()

    def stage(self) -> None:
        """Another machine with a tree of its own, at the same place; its containers have other names."""
        tree = self.machine.path("/srv/staging")
        tree.mkdir()
        for name in ("app.py", "behaviour", "Dockerfile"):
            (tree / name).write_bytes((self.tree / name).read_bytes())
        (tree / ".env").write_text(self.env)
        command = ["/usr/bin/python3", "/app/app.py", str(self.staging), "/srv/staging/.env", self.postgres.dsn("shop")]
        made = self.container("backend", command, "build: .", ("/srv/staging:/srv/staging:ro",))
        (tree / "docker-compose.yml").write_text('version: "3.7"\nservices:\n' + made.replace("identity-backend", "staging-backend"))
        script = self.folder / "staging.sh"
        script.write_text("mount --bind /srv/staging /srv/identity && COMPOSE_PROJECT_NAME=staging exec sh -c \"$SSH_ORIGINAL_COMMAND\"\n")
        other = Sshd(self.folder / "staging", f"unshare --mount sh {script}", enter=self.machine.enter)
        self.ends.callback(other.stop)
        other.start()
        self.world.policy["hosts"]["staging"] = other.host

    def rows(self, database: str = "app") -> str:
        return self.postgres.psql("SELECT (SELECT sum(hashtext(u::text)) FROM users u), (SELECT sum(hashtext(n::text)) FROM names n)",
                                  database)

    def services(self) -> str:
        return (self.container("backend", self.program(self.postgres.dsn("shop")), "build: .", ("/srv/identity:/srv/identity:ro",))
                + self.database_container() + self.container("nginx", ["/usr/sbin/nginx"], volumes=("/srv/identity/nginx:/etc/nginx:ro", "/var/log/nginx:/var/log/nginx",
                                                                   "/etc/passwd:/etc/passwd:ro", "/etc/group:/etc/group:ro"))
                + "    stop_signal: SIGTERM\n")


class MusicStack(ComposedStack):
    """API and worker in containers; nginx and the (hosted) database are not."""

    example, service = "compose-nginx.yaml", "music"
    signals = ("health", "health-db", "requests", "webhook-endpoint", "payments-are-off", "containers", "cert", "database-keys")
    env = "COLOUR=blue\nENABLE_STRIPE_PAYMENTS=true\nSTRIPE_SECRET_KEY=sk_live_x\nSTRIPE_WEBHOOK_SECRET=x\nJWT_SECRET=x\nDATABASE_URL=x\nDATABASE_KEY=x\n"

    def build(self) -> None:
        super().build()
        certificate = f"ssl_certificate {self.certificate.path}; ssl_certificate_key {self.certificate.key};"
        public = f"listen {HERE}:80; listen {HERE}:443 ssl;" if self.network else f"listen 127.0.0.1:{self.tls} ssl;"
        self.machine.start_nginx(f"listen 127.0.0.1:{self.front}; {public} {certificate} "
                                 "access_log /var/log/nginx/music.access.log; "
                                 f"location / {{ proxy_pass http://127.0.0.1:{self.api}; }}")
        self.machine.path(f"{self.kept}/evidence").mkdir()
        self.compose("up", "-d", "--build")
        api = {"http://127.0.0.1:8000": f"http://127.0.0.1:{self.api}"}
        self.world.policy = self.shipped(api if self.network else {
            **api, "https://music.example.com": f"http://127.0.0.1:{self.front}",
            '"{{ domain }}:443"': f'"music.example.com:{self.tls}"', '"{{ domain }}:80"': f'"127.0.0.1:{self.front}"'})

    def data(self) -> None:
        self.postgres.psql("CREATE TABLE songs AS SELECT g AS id FROM generate_series(1, 100) g; ALTER TABLE songs OWNER TO shop")
        self.nights(self.kept, "music")
        (self.tree / ".env").chmod(0o600)

    def services(self) -> str:
        tree = (f"/srv/{self.service}:/srv/{self.service}:ro",)
        return (self.container("api", self.program(self.postgres.dsn("shop")), "build: .", tree)
                + self.container("worker", ["/usr/bin/sleep", "86400"]))
