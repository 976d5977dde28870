"""The stack of config/examples/pm2-postgres.yaml, small but real: a Node application under PM2 (two instances in a
cluster), PostgreSQL, Redis, nginx, nightly dumps and archives of the code."""

import datetime
import json
import os

from harness.drill import Drill
from harness.net import free_port
from harness.pm2 import find_pm2
from harness.sshd import Sshd
from harness.waiting import wait_for

APP = """\
const fs = require('fs'), http = require('http'), path = require('path')
const behaviour = fs.readFileSync(path.join(__dirname, 'behaviour'), 'utf8').trim()
if (behaviour === 'crash') { console.error('Error: Cannot find module left-pad'); process.exit(1) }
http.createServer((asked, answer) => {
  const bad = behaviour === 'bad' || fs.readFileSync(path.join(__dirname, '.env'), 'utf8').includes('BROKEN')
  const stuck = asked.url.startsWith('/admin/') && fs.existsSync('/srv/control/queues-stuck')
  if (behaviour === 'schema') console.error('error: relation "invoices_v2" does not exist')
  console.log('asked for ' + asked.url)
  if (behaviour === 'noisy') console.error('ERROR no such template')
  if (bad) console.error('TypeError: undefined is not a function')
  answer.writeHead(bad || stuck ? 500 : 200, { 'Content-Type': 'application/json' })
  answer.end(JSON.stringify(bad ? { status: 'error' } : { status: 'ok', timestamp: Date.now() }))
}).listen(Number(process.env.PORT), '127.0.0.1')
"""
ECOSYSTEM = """\
module.exports = { apps: [{ name: 'control-api', script: 'app.js', cwd: '/srv/control', instances: 2, exec_mode: 'cluster',
  max_restarts: 10, min_uptime: '10s', max_memory_restart: '500M', merge_logs: true,
  error_file: '/var/log/control/error.log', out_file: '/var/log/control/out.log', env: { PORT: '%d' } }] }
"""
TABLES = """CREATE TABLE accounts (id int PRIMARY KEY, status text);
CREATE TABLE invoices (id int PRIMARY KEY, account_id int, quantity int, price int, amount int, updated_at timestamptz DEFAULT now());
CREATE TABLE settings (key text PRIMARY KEY, value text);
CREATE TABLE _prisma_migrations (migration_name text, started_at timestamptz DEFAULT now(), finished_at timestamptz, rolled_back_at timestamptz);
INSERT INTO accounts SELECT g, 'active' FROM generate_series(1, 100) g;
INSERT INTO invoices SELECT g, 1 + g % 100, 2, g, 2 * g FROM generate_series(1, 500) g;
INSERT INTO settings VALUES ('queues_paused', 'false');
INSERT INTO _prisma_migrations VALUES ('1_init', now(), now())"""
OWNED = ("accounts", "invoices", "settings", "_prisma_migrations")


class ControlStack(Drill):
    example, service = "pm2-postgres.yaml", "control"

    def build(self) -> None:
        super().build()
        machine = self.machine
        self.api, self.front, self.redis = free_port(), free_port(), free_port()
        machine.program("pm2", f'#!/bin/sh\nexec {find_pm2()} "$@"\n')
        dsn = f"[control]\nhost=127.0.0.1\nport={self.postgres.port}\nuser=shop\npassword=s3cret-of-shop\ndbname=app\n"
        machine.secret("pg_service.conf", dsn)
        machine.program("psql", '#!/bin/sh\nexport PGSERVICEFILE=/etc/rollbackd/pg_service.conf\nexec /usr/bin/psql "$@"\n')
        for name in ("control.dsn", "standby.dsn"):
            machine.secret(name, self.postgres.dsn("shop"))
        self.postgres.psql(TABLES)
        for table in OWNED:
            self.postgres.psql(f"ALTER TABLE {table} OWNER TO shop")
        self.nights("/var/backups/control", "control_prod", plain=True)
        (machine.path("/var/backups/control") / "last-run").touch()
        machine.path("/var/lib/control/last-drill").touch()
        self.code()
        (machine.path("/etc/nginx/control-safe-mode")).mkdir()
        (machine.path("/etc/nginx/control-safe-mode/on.inc")).touch()
        machine.start_nginx(f"listen 127.0.0.1:{self.front}; access_log /var/log/nginx/control.access.log; "
                            f"include /etc/nginx/control-safe-mode/*.inc; location / {{ proxy_pass http://127.0.0.1:{self.api}; }}")
        machine.unit("redis.service", f"redis-server --port {self.redis} --bind 127.0.0.1 --save '' --daemonize yes",
                     f"redis-cli -p {self.redis} shutdown nosave", f"redis-cli -p {self.redis} ping >/dev/null 2>&1")
        machine.run("systemctl", "start", "redis.service")
        self.ends.callback(self.pm2, "kill", check=False)
        self.pm2("start", "/srv/control/ecosystem.config.js")
        self.world.daemon.environment["CONTROL_ADMIN_TOKEN"] = "not-a-secret"
        self.world.policy = self.shipped({
            '"127.0.0.1:6379"': f'"127.0.0.1:{self.redis}"', '"127.0.0.1:5432"': f'"127.0.0.1:{self.postgres.port}"',
            "http://127.0.0.1:3000": f"http://127.0.0.1:{self.api}",
            "https://control.example.com": f"http://127.0.0.1:{self.front}"})

    def code(self) -> None:
        """A work tree, and its nightly archives, .git and packages included."""
        tree = self.machine.path("/srv/control")
        scripts = {"smoke:production": f"curl --fail --silent http://127.0.0.1:{self.front}/health", "db:check": "psql service=control -c 'SELECT 1'",
                   "build": "true"}
        tree.mkdir()
        for package in ("prisma", "express"):
            (tree / "vendor" / package).mkdir(parents=True)
            (tree / "vendor" / package / "package.json").write_text(json.dumps({"name": package, "version": "1.0.0"}))
        (tree / "package.json").write_text(json.dumps({
            "name": "control", "version": "1.0.0", "scripts": scripts,
            "dependencies": {name: f"file:vendor/{name}" for name in ("prisma", "express")}}))
        (tree / "app.js").write_text(APP)
        (tree / "ecosystem.config.js").write_text(ECOSYSTEM % self.api)
        (tree / ".gitignore").write_text(".env\nnode_modules/\npackage-lock.json\n")
        (tree / ".env").write_text("DATABASE_URL=x\nJWT_SECRET=x\n")
        self.machine.path("/var/log/control/error.log").touch()
        self.machine.git("/srv/control", "init", "--quiet", "--initial-branch=main")
        self.good = self.commit("good")
        self.machine.run("npm", "--prefix", "/srv/control", "install", "--production", "--offline")
        self.machine.run("tar", "-C", "/srv", "-czf", "/srv/code.tgz", "control")
        content = self.machine.path("/srv/code.tgz").read_bytes()
        now = datetime.datetime.now()
        for hours in (1, 25, 49, 73, 97, 121, 145, 169):
            stamp = now - datetime.timedelta(hours=hours)
            file = self.machine.path(f"/var/backups/control/control_code_{stamp:%Y%m%d_%H%M%S}.tgz")
            file.write_bytes(content)
            os.utime(file, (stamp.timestamp(), stamp.timestamp()))

    def commit(self, behaviour: str) -> str:
        self.machine.path("/srv/control/behaviour").write_text(f"{behaviour}\n")
        self.machine.git("/srv/control", "add", "--all")
        self.machine.git("/srv/control", "commit", "--quiet", "--message", f"control, {behaviour}")
        return self.machine.git("/srv/control", "rev-parse", "HEAD")

    def deploy(self, behaviour: str, migration: str = "") -> str:
        """As the team's script does it."""
        version = self.commit(behaviour)
        self.world.api("ingest").must(201, "/v1/services/control/deployments", {"version": version})
        if migration:
            self.postgres.psql(migration)
        self.pm2("restart", "control-api", check=False)
        return version

    def pm2(self, *arguments: str, check: bool = True) -> str:
        return self.machine.run("pm2", *arguments, check=check, env={"PM2_HOME": "/var/lib/control/.pm2", "DRILL": "1"}).stdout

    def standby(self) -> None:
        """Another machine, at the same places, with nothing on it; what it would fetch lies at hand."""
        machine = self.machine
        for place in ("/srv/standby", "/opt/home", "/opt/offsite", "/var/backups/standby"):
            machine.path(place).mkdir()
        script = self.folder / "standby.sh"
        script.write_text("mount --bind /var/backups/control /opt/offsite && mount --bind /srv/standby /srv && "
                          "mount --bind /var/backups/standby /var/backups/control && HOME=/opt/home exec sh -c \"$SSH_ORIGINAL_COMMAND\"\n")
        other = Sshd(self.folder / "standby", f"unshare --mount sh {script}", enter=machine.enter)
        self.ends.callback(other.stop)
        other.start()
        self.ends.callback(lambda: machine.run("pm2", "kill", check=False, env={"HOME": "/opt/home"}))
        self.world.policy["hosts"]["standby"] = other.host
        machine.secret("standby.dsn", self.postgres.dsn("shop", "standby"))
        self.postgres.psql("CREATE DATABASE standby OWNER shop", "postgres")
        machine.program("apt-get", "#!/bin/sh\n")
        machine.program("sudo", "#!/bin/sh\n")
        machine.program("npm", '#!/bin/sh\ncase "$*" in *" -g "*) exit 0 ;; esac\nexec /usr/bin/npm "$@"\n')
        machine.program("rsync", '#!/bin/sh\nfor to; do :; done\nexec cp -a /opt/offsite/. "$to"\n')

    def write_env(self, tree: str) -> None:
        keys = ("DATABASE_URL", "JWT_SECRET", "JWT_REFRESH_SECRET", "PAYMENT_SECRET_KEY", "PAYMENT_WEBHOOK_SECRET", "NODE_ENV", "PORT")
        self.machine.path(f"{tree}/.env").write_text("".join(f"{key}=x\n" for key in keys))

    def watched(self) -> None:
        self.used(("/",))
        self.start("health", "requests", "states", "orphans", "amounts", "accounts", "tables", "failed-migrations", "online",
                   "queues", known_good=self.good)
        wait_for(lambda: self.world.signal("answers", "postgresql")["last_value"] == "ok", what="the database to answer")

    def rows(self, database: str = "app") -> str:
        return self.postgres.psql("SELECT count(*), sum(hashtext(i::text)) FROM invoices i", database)

    def paused(self) -> str:
        return self.postgres.psql("SELECT value FROM settings WHERE key = 'queues_paused'")
