"""The site under watch: nginx, real, serving a git work tree; a small shop and a database behind it."""

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from waiting import wait_for

NGINX_CONF = """\
daemon off;
pid @FOLDER@/nginx.pid;
@USER@
worker_processes 1;
error_log @FOLDER@/error.log warn;
events { worker_connections 512; }
http {
    access_log @FOLDER@/access.log combined;
    client_body_temp_path @FOLDER@/tmp/body;
    proxy_temp_path @FOLDER@/tmp/proxy;
    fastcgi_temp_path @FOLDER@/tmp/fastcgi;
    uwsgi_temp_path @FOLDER@/tmp/uwsgi;
    scgi_temp_path @FOLDER@/tmp/scgi;
    types { text/html html; }
    include @FOLDER@/shop/nginx/http.conf;                     # of the release
    server {
        listen 127.0.0.1:@SITE_PORT@;
        listen 127.0.0.1:@TLS_PORT@ ssl;
        ssl_certificate @FOLDER@/cert.pem;
        ssl_certificate_key @FOLDER@/key.pem;
        root @FOLDER@/shop/www;
        location / { include @FOLDER@/shop/nginx/page.conf; }   # of the release
        location = /health { access_log off; return 200 "ok\\n"; }
        location /cart { proxy_pass http://127.0.0.1:@SHOP_PORT@; }
        location /webhooks/ { proxy_pass http://127.0.0.1:@SHOP_PORT@; }
    }
}
"""
# `nginx -s reload` comes back before anything has changed: a worker that still serves the release
# before would make a recovery look like a relapse. This one ends when the old workers have.
RELOAD = """\
#!/bin/sh
old=$(pgrep -P "$(cat @FOLDER@/nginx.pid)")
@NGINX@ -p @FOLDER@ -c @FOLDER@/nginx.conf -e @FOLDER@/error.log -s reload || exit 1
for _ in $(seq 200); do
    kill -0 $old 2>/dev/null || exit 0
    sleep 0.05
done
echo "the old workers have not ended" >&2
exit 1
"""
# Release 3 brings a mistake that only some requests meet.
BAD_HTTP = 'split_clients "$request_id" $unlucky { 4% 1; * 0; }\n'
BAD_PAGE = "if ($unlucky) { return 500; }\n"


def free_port() -> int:
    """A port nobody listens on, outside the range that outgoing connections are made from: one of those
    could take it before its server is up."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def fill_in(text: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(f"@{name}@", value)
    return text


def die_with_us() -> list[str]:
    """A prefix that ends the child when we are killed outright."""
    path = shutil.which("setpriv")
    return [path, "--pdeathsig", "TERM"] if path else []


class Listener:
    """Accepts connections while it is up: the database, and the reference, as a probe sees them."""

    def __init__(self) -> None:
        self.port = free_port()
        self._socket: socket.socket | None = None
        self.up()

    def up(self) -> None:
        if self._socket is None:
            self._socket = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()

    def down(self) -> None:
        held, self._socket = self._socket, None
        if held:
            held.shutdown(socket.SHUT_RDWR)
            held.close()

    def _accept(self, held: socket.socket) -> None:
        while True:
            try:
                held.accept()[0].close()
            except OSError:
                return


class Shop:
    """Behind nginx: a cart that needs the database, and the payment provider's webhooks. Reads its
    PAYMENTS flag at every request, so that switching it off takes effect at once."""

    def __init__(self, env: Path, database: Listener):
        self.env, self.database = env, database
        self.provider_broken = False
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200 if shop.database_answers() else 502)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.answer(200 if not shop.payments_on() else 500 if shop.provider_broken else 200)

            def answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def payments_on(self) -> bool:
        return "PAYMENTS=on" in self.env.read_text()

    def database_answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.database.port), timeout=0.5).close()
            return True
        except OSError:
            return False

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Site:
    def __init__(self, folder: Path):
        self.folder = folder
        self.tree = folder / "shop"
        self.versions: dict[int, str] = {}
        self.database, self.reference = Listener(), Listener()
        (folder / "shop.env").write_text("# read by the shop at every request\nPAYMENTS=on\n")
        self.shop = Shop(folder / "shop.env", self.database)
        self.port, self.tls_port = free_port(), free_port()
        self.nginx_path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin") or "nginx"
        self._nginx: subprocess.Popen | None = None

    @property
    def words(self) -> dict[str, str]:
        return {
            "FOLDER": str(self.folder), "SITE_PORT": str(self.port), "TLS_PORT": str(self.tls_port),
            "SHOP_PORT": str(self.shop.port), "DATABASE_PORT": str(self.database.port),
            "REFERENCE_PORT": str(self.reference.port), "NGINX": self.nginx_path,
            "USER": "user root;" if os.geteuid() == 0 else "",
        }

    def start(self) -> None:
        (self.folder / "tmp").mkdir()
        (self.folder / "access.log").touch()
        self.certificate(days=90)
        (self.folder / "nginx.conf").write_text(fill_in(NGINX_CONF, self.words))
        script = self.folder / "reload"
        script.write_text(fill_in(RELOAD, self.words))
        script.chmod(0o755)
        self._nginx = subprocess.Popen([*die_with_us(), *self.nginx_argv()], stdin=subprocess.DEVNULL,
                                       stderr=(self.folder / "nginx.err").open("w"), start_new_session=True)
        wait_for(self.answers, 10, "nginx to answer")

    def nginx_argv(self) -> list[str]:
        return [self.nginx_path, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"),
                "-e", str(self.folder / "error.log")]

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.5).close()
            return True
        except OSError:
            return False

    def reload(self) -> None:
        subprocess.run([str(self.folder / "reload")], check=True, capture_output=True)

    def certificate(self, days: int) -> None:
        """A new self-signed certificate for that many days, trusted by the probe."""
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                   "-nodes", "-days", str(days), "-subj", "/CN=shop.example.com",
                   "-addext", "subjectAltName=DNS:shop.example.com",
                   "-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "cert.pem")]
        subprocess.run(command, check=True, capture_output=True)
        shutil.copy(self.folder / "cert.pem", self.folder / "ca.pem")
        if self._nginx:
            self.reload()

    def git(self, *arguments: str) -> str:
        environment = dict(
            os.environ, GIT_AUTHOR_NAME="A Developer", GIT_AUTHOR_EMAIL="dev@example.com",
            GIT_COMMITTER_NAME="A Developer", GIT_COMMITTER_EMAIL="dev@example.com",
            GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null")
        return subprocess.run(["git", "-C", str(self.tree), *arguments], env=environment, check=True,
                              capture_output=True, text=True).stdout.strip()

    def release(self, number: int, bad: bool = False) -> str:
        """Commits a release on top of the newest one and checks it out, as a deployment would."""
        if not self.versions:
            self.tree.mkdir()
            self.git("init", "-q", "-b", "main")
        elif self.git("rev-parse", "HEAD") != self.git("rev-parse", "main"):
            self.git("checkout", "-q", "main")
        for name, text in {
            "www/index.html": f"<html><h1>The shop</h1><p>Release {number}</p></html>\n",
            "nginx/http.conf": BAD_HTTP if bad else "# nothing special\n",
            "nginx/page.conf": BAD_PAGE if bad else "# nothing special\n",
        }.items():
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"Release {number}")
        self.versions[number] = self.git("rev-parse", "HEAD")
        return self.versions[number]

    @property
    def serving(self) -> int | None:
        """Number of the release that is checked out."""
        head = self.git("rev-parse", "HEAD")
        return next((number for number, version in self.versions.items() if version == head), None)

    def stop(self) -> None:
        if self._nginx and self._nginx.poll() is None:
            self._nginx.send_signal(signal.SIGTERM)
            try:
                self._nginx.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self._nginx.pid, signal.SIGKILL)
                self._nginx.wait()
        self.shop.stop()
        self.database.down()
        self.reference.down()
