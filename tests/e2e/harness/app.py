"""The application under watch: an HTTP server whose behaviour a test sets, or that takes it from the
release that is checked out."""

import json
import socket
import threading
import time
from pathlib import Path


class App:
    """`mode` is ok, fail, or one of the hostile ones: hang, garbage, close, redirect, endless, slow,
    html, missing. With `tree`, a file `behaviour` in it decides while mode is None."""

    def __init__(self, tree: Path | None = None):
        self.tree = tree
        self.mode: str | None = None if tree else "ok"
        self.requests: list[str] = []
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def behaviour(self) -> str:
        if self.mode or not self.tree:
            return self.mode or "ok"
        try:
            return (self.tree / "behaviour").read_text().strip()
        except OSError:
            return "fail"   # in the middle of a checkout

    @property
    def good(self) -> bool:
        return self.behaviour() == "ok"

    def stop(self) -> None:
        self._closing.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(10)
                request = b""
                while b"\r\n\r\n" not in request:
                    more = connection.recv(65536)
                    if not more:
                        return
                    request += more
                self.requests.append(request.split(b"\r\n", 1)[0].decode(errors="replace"))
                self._answer(connection, self.behaviour())
            except OSError:
                return

    def _answer(self, connection: socket.socket, mode: str) -> None:
        if mode == "hang":
            self._closing.wait(30)
        elif mode == "garbage":
            connection.sendall(bytes(range(256)) * 8)
        elif mode == "close":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf")
        elif mode == "redirect":
            send(connection, 302, b"", {"Location": f"{self.url}/{len(self.requests)}"})
        elif mode == "endless":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            while not self._closing.is_set():
                connection.sendall(b"x" * 65536)
        elif mode == "html":
            send(connection, 200, b"<html>it works</html>", {"Content-Type": "text/html"})
        elif mode == "missing":
            send_json(connection, 200, {"other": 1})
        elif mode == "slow":
            self._closing.wait(0.3)
            send_json(connection, 200, {"status": "ok"})
        elif mode == "ok":
            send_json(connection, 200, {"status": "ok", "timestamp": time.time()})
        else:
            send_json(connection, 500, {"status": "failed"})


def send(connection: socket.socket, status: int, body: bytes, headers: dict[str, str]) -> None:
    head = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(head.encode() + b"\r\n" + body)


def send_json(connection: socket.socket, status: int, value: object) -> None:
    send(connection, status, json.dumps(value).encode(), {"Content-Type": "application/json"})
