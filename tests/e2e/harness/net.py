"""Ports and small TCP servers on loopback."""

import socket
import threading


def free_port() -> int:
    """A port nobody listens on. Another process may take it before we do: servers of ours bind
    port 0 instead; this is for those that must be told."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dependency:
    """Something that accepts connections while it is up: a database, a reference, as far as a tcp
    probe can tell. Keeps its port while down."""

    def __init__(self) -> None:
        self.port = free_port()
        self._listener: socket.socket | None = None
        self.up()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def up(self) -> None:
        if self._listener:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """New connections are refused from here on."""
        listener, self._listener = self._listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return
