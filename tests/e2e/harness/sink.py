"""Receives webhooks and remembers them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.world import World


class Sink:
    """`status` is what it answers: 500 makes the daemon try again. GETs are heartbeats."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        self.beats = 0
        self.status = 200
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if sink.status < 300:
                    try:
                        sink.messages.append(json.loads(body))
                    except ValueError:
                        sink.messages.append({"not json": body.decode(errors="replace")})
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                sink.beats += sink.status < 300
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def events(self, incident: str | None = None) -> list[str]:
        return [m.get("event", "") for m in self.messages
                if incident is None or (m.get("incident") or {}).get("id") == incident]

    def texts(self) -> str:
        return "\n".join(json.dumps(message) for message in self.messages)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def second_channel(world: "World", name: str, form: str) -> Iterator[Sink]:
    """A receiver beside the one every world has, as a channel of its policy."""
    sink = Sink()
    world.policy["notify"][name] = {"webhook": {"url": sink.url, "format": form}}
    yield sink
    if world.daemon.running:
        world.daemon.stop()
    sink.stop()
