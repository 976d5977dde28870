"""Ports and small TCP servers on loopback."""

import itertools
import os
import socket
import threading

# Below the range that outgoing connections are made from: one of those, to anybody, would take the port of a
# server that is not up yet or just down, and one to its own closed port would meet itself.
FIRST_PORT, PORTS, SLOTS = 20000, 500, 25
_slots: dict[int, tuple[socket.socket, itertools.cycle]] = {}


def free_port() -> int:
    """A port that nobody listens on and that stays ours, also while our server on it is down: each process of
    the tests has a range of its own for as long as it lives. Servers of ours bind port 0 instead; this is for
    those that must be told."""
    if os.getpid() not in _slots:
        _slots[os.getpid()] = _own_slot()
    for port in itertools.islice(_slots[os.getpid()][1], PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError(f"none of our {PORTS} ports is free")


def _own_slot() -> tuple[socket.socket, itertools.cycle]:
    """The ports of a slot that no other process has: a name in the kernel holds it until we end."""
    for slot in range(SLOTS):
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0rollbackd-test-ports-{slot}")
        except OSError:
            holder.close()
            continue
        first = FIRST_PORT + slot * PORTS
        return holder, itertools.cycle(range(first, first + PORTS))
    raise RuntimeError(f"more than {SLOTS} processes want ports for tests")


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
