"""Real servers that signals read: each in a folder of its own, on loopback, ended by its own handle."""

import json
import os
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest
from harness.net import free_port
from harness.waiting import wait_for

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def find_program(*names: str) -> str:
    """The program, or a skipped test (with CI=true: a failed one)."""
    for name in names:
        for folder in [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/usr/local/sbin"]:
            if (path := Path(folder, name)).is_file():
                return str(path)
    missing = f"{names[0]} is not installed (scripts/setup tests)"
    if os.environ.get("CI") == "true":
        raise AssertionError(missing)
    return pytest.skip(missing)


def as_nobody(argv: list[str]) -> list[str]:
    """Some servers refuse to run as root."""
    return [*NOBODY, *argv] if os.geteuid() == 0 else argv


class Server:
    """A process with a port that can be taken away and brought back."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def argv(self) -> list[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> "Server":
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.argv(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(self.answers, 30, f"{type(self).__name__} to be ready; its log: {self.folder}/log")
        return self

    def answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:     # it will not answer any more
            raise RuntimeError(f"{type(self).__name__} ended: {(self.folder / 'log').read_text()[-2000:]}")
        try:
            return self.ready()
        except OSError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.process = None

    def hang(self) -> None:
        """Connections are accepted by the kernel, and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return answer.read()


class Alertmanager(Server):
    def __init__(self, folder: Path, webhook: str, token_file: Path):
        super().__init__(folder)
        self.webhook, self.token_file = webhook, token_file

    def argv(self) -> list[str]:
        program = find_program("prometheus-alertmanager", "alertmanager")
        config = {
            "route": {"receiver": "rollbackd", "group_by": ["alertname"], "group_wait": "0s",
                      "group_interval": "200ms", "repeat_interval": "500ms"},
            "receivers": [{"name": "rollbackd", "webhook_configs": [{
                "url": self.webhook, "send_resolved": True,
                "http_config": {"authorization": {"credentials_file": str(self.token_file)}}}]}],
        }
        file = self.folder / "alertmanager.yml"
        file.write_text(json.dumps(config))
        return [program, f"--config.file={file}", f"--storage.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]

    def ready(self) -> bool:
        return self.get("/-/ready") != b""

    def alert(self, ends_at: str | None = None, **labels: str) -> None:
        """As Prometheus would: fires while it is not said to have ended."""
        alert = {"labels": labels, "annotations": {"summary": "told by a rule"}}
        if ends_at:
            alert["endsAt"] = ends_at
        request = urllib.request.Request(self.url + "/api/v2/alerts", json.dumps([alert]).encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()


class Postgres(Server):
    """The newest PostgreSQL there is, with the database `app` for the role `shop`."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        self.programs = found[-1].parent if found else Path(find_program("initdb")).parent
        if os.geteuid() == 0:
            for each in [folder, *folder.parents][:4]:   # the server's user must get there
                each.chmod(each.stat().st_mode | 0o711)
            os.chown(folder, 65534, 65534)
        self.run("initdb", "-D", str(folder / "data"), "-U", "root", "-A", "trust", "--no-sync", "--locale=C.UTF-8",
                 "-E", "UTF8")
        self.dsn_file = folder.parent / "app.dsn"
        self.dsn_file.write_text(self.dsn("shop"))
        self.dsn_file.chmod(0o600)

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(as_nobody([str(self.programs / program), *arguments]), capture_output=True, text=True,
                              env={"HOME": str(self.folder), "PATH": os.environ["PATH"]}, cwd="/")
        assert done.returncode == 0, done.stderr

    def dsn(self, role: str, database: str = "app") -> str:
        return f"postgresql://{role}:s3cret-of-{role}@127.0.0.1:{self.port}/{database}"

    def argv(self) -> list[str]:
        # No socket: its path would be longer than a socket's may be, in folders as deep as those of a whole suite.
        return as_nobody([str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port),
                          "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                          "-c", "max_connections=20", "-c", "shared_buffers=4MB"])

    def ready(self) -> bool:
        return self.psql("SELECT 1", "postgres", check=False) == "1"

    def psql(self, text: str, database: str = "app", check: bool = True) -> str:
        done = subprocess.run([str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                               self.dsn("root", database), "-c", text], capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def with_app(self) -> "Postgres":
        self.start()
        self.psql("CREATE ROLE shop LOGIN", "postgres")
        self.psql("CREATE DATABASE app OWNER shop", "postgres")
        return self

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT: fast, the connections are closed."""
        super().stop(how)


class Prometheus(Server):
    """Watches itself, twice a second."""

    def argv(self) -> list[str]:
        config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "400ms"},
                  "scrape_configs": [{"job_name": "self", "static_configs": [{"targets": [self.url[7:]]}]}]}
        file = self.folder / "prometheus.yml"
        file.write_text(json.dumps(config))
        return [find_program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}"]

    def ready(self) -> bool:
        return self.get("/-/ready") != b""


class Redis(Server):
    def __init__(self, folder: Path):
        super().__init__(folder)
        self.password_file = folder.parent / "redis.password"
        self.password_file.write_text("s3cret-of-redis")
        self.password_file.chmod(0o600)

    def argv(self) -> list[str]:
        return [find_program("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder),
                "--requirepass", "s3cret-of-redis", "--save", "", "--appendonly", "yes", "--appendfsync", "no"]

    def ready(self) -> bool:
        return self.ask("PING") == "PONG"

    def ask(self, *command: str) -> str:
        done = subprocess.run([find_program("redis-cli"), "-p", str(self.port), *command], capture_output=True,
                              text=True, timeout=120, env={**os.environ, "REDISCLI_AUTH": "s3cret-of-redis"})
        return done.stdout.strip()


class Nginx(Server):
    """Hands everything on to one server, whatever the URL's host is, from its port and from a socket. As one
    process all of it hangs, and none of it reloads."""

    def __init__(self, folder: Path, upstream: str, one_process: bool = False):
        super().__init__(folder)
        self.processes = "master_process off" if one_process else "worker_processes 1"
        self.upstream, self.socket = upstream, folder / "nginx.sock"

    def argv(self) -> list[str]:
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = self.folder / "nginx.conf"
        config.write_text(f"""daemon off; {self.processes}; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{}}
http {{ access_log off; {temporary}
server {{ listen 127.0.0.1:{self.port}; listen unix:{self.socket}; location / {{ proxy_pass {self.upstream}; }} }} }}
""")
        return [find_program("nginx"), "-p", str(self.folder), "-c", str(config), "-e", str(self.folder / "error.log")]

    def ready(self) -> bool:
        return self.get("/-/ready") != b""


class NameServer(Server):
    """A DNS server that answers what it was told, and 127.0.0.1 for other names."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.management = free_port()

    def argv(self) -> list[str]:
        return [find_program("pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01",
                self.address, "-http01", "", "-https01", "", "-tlsalpn01", "", "-management",
                f"127.0.0.1:{self.management}"]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ready(self) -> bool:
        self.name("ready.example.com", "192.0.2.1")
        return True

    def name(self, host: str, *addresses: str) -> None:
        for call, body in (("clear-a", {"host": f"{host}."}), ("add-a", {"host": f"{host}.", "addresses": addresses})):
            urllib.request.urlopen(f"http://127.0.0.1:{self.management}/{call}", json.dumps(body).encode(),
                                   timeout=30).close()
