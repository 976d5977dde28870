"""rollbackd and rollbackctl, as a user runs them."""

import hashlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Iterator

from shop_site import die_with_us, fill_in, free_port
from waiting import TookTooLong, wait_for

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("ROLLBACKD_BIN_DIR", ROOT / "build/bin"))


class Hook:
    """The team's chat, as far as rollbackd knows: receives its messages."""

    def __init__(self, received: Callable[[dict], None]):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                received(json.loads(body))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Daemon:
    def __init__(self, folder: Path, hook: Hook):
        self.folder = folder
        self.port = free_port()
        self.token = secrets.token_urlsafe(32)
        (folder / "hook.url").write_text(hook.url)
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, words: dict[str, str]) -> None:
        digest = hashlib.sha256(self.token.encode()).hexdigest()
        policy = (Path(__file__).resolve().parent / "policy.yaml").read_text()
        config = self.folder / "rollbackd.yaml"
        config.write_text(fill_in(policy, {**words, "PORT": str(self.port), "TOKEN_SHA256": digest}))
        log = (self.folder / "rollbackd.log").open("wb")
        self._process = subprocess.Popen([*die_with_us(), str(BINARIES / "rollbackd"), "--config", str(config)],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(self.ready, 10, "rollbackd to be ready")
        except TookTooLong as error:
            raise TookTooLong(f"{error}\n{self.log_tail()}") from None

    def ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise TookTooLong(f"rollbackd ended by itself:\n{self.log_tail()}")
        try:
            return self.ask("/readyz")[0] == 200
        except OSError:
            return False

    def log_tail(self) -> str:
        return "\n".join((self.folder / "rollbackd.log").read_text(errors="replace").splitlines()[-20:])

    def ask(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def read(self, path: str):
        status, body = self.ask(path)
        if status != 200:
            raise TookTooLong(f"GET {path}: {status} {body[:300]!r}")
        return json.loads(body)

    def incidents(self) -> list[dict]:
        return [self.read(f"/v1/incidents/{item['id']}")
                for item in self.read("/v1/incidents?limit=100")["items"]]

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = dict(os.environ, ROLLBACKD_URL=self.url, ROLLBACKD_TOKEN=self.token)
        return subprocess.run([str(BINARIES / "rollbackctl"), *arguments], env=environment, capture_output=True,
                              text=True, timeout=20)

    def events(self, stop: threading.Event) -> Iterator[tuple[str, dict]]:
        """Everything the daemon writes down, as it does so: (kind, record)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/v1/events", headers={
            "Authorization": f"Bearer {self.token}", "Last-Event-ID": "0"})
        answer, kind = connection.getresponse(), ""
        while not stop.is_set() and (line := answer.readline()):
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
