"""Names, greetings and certificates: a name server, STARTTLS of a real PostgreSQL, files on disk."""

import contextlib
import os
import socket
import ssl
import struct
import threading

import pytest
from aiosmtpd.controller import Controller
from harness import free_port, wait_for
from harness.servers import Postgres
from harness.tls import Certificate


class NameServer:
    """Answers A questions with `addresses`; or with `code`; or nothing while `silent`; or garbage."""

    def __init__(self) -> None:
        self.addresses, self.code, self.silent, self.garbage = ["192.0.2.1"], 0, False, False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):      # closed
            while True:
                question, peer = self.socket.recvfrom(4096)
                if not self.silent:
                    self.socket.sendto(question[:2] + self._answer(question), peer)

    def _answer(self, question: bytes) -> bytes:
        if self.garbage:
            return b"nonsense"
        records = b"".join(b"\xc0\x0c\x00\x01\x00\x01" + struct.pack(">IH", 60, 4) + socket.inet_aton(a)
                           for a in self.addresses) if self.code == 0 else b""
        count = len(self.addresses) if self.code == 0 else 0
        return struct.pack(">HHHHH", 0x8180 | self.code, 1, count, 0, 0) + question[12:] + records

    def stop(self) -> None:
        self.socket.close()


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.stop()


def watch(world, form: dict, when: str = "consecutive_failures(it) >= 2") -> None:
    world.shop["signals"]["it"] = {**form, "every": "200ms", "timeout": "2s"}
    world.triggers(broken={"when": when, "severity": "P2", "response": "alert"})
    world.start()


def signal(world) -> dict:
    return world.signal("it")


def is_due_soon(world) -> bool:
    seen = signal(world)
    return seen["state"] == "ok" and 9 < seen["last_value"] <= 10


def reason(world) -> str:
    return signal(world)["last_reason"] or ""


def test_a_name_has_the_addresses_it_should_have_and_each_fault_its_word(world, names):
    watch(world, {"dns": {"name": "shop.example.com", "server": names.address, "expect": ["192.0.2.1", "192.0.2.2"]}})
    names.addresses = ["192.0.2.2", "192.0.2.1"]
    wait_for(lambda: signal(world)["state"] == "ok")
    names.addresses = ["192.0.2.9"]
    wait_for(lambda: reason(world).startswith("content: shop.example.com is 192.0.2.9"))
    names.addresses = []
    wait_for(lambda: reason(world).startswith("missing: "))
    for code, word in ((3, "nxdomain: "), (2, "servfail: "), (5, "refusal: ")):
        names.code = code
        wait_for(lambda: reason(world).startswith(word), what=word)
    names.garbage = True
    wait_for(lambda: reason(world).startswith("garbage: "))
    names.garbage, names.silent = False, True
    wait_for(lambda: reason(world).startswith("timeout: "))
    world.opened("broken")
    names.silent, names.code, names.addresses = False, 0, ["192.0.2.1", "192.0.2.2"]
    wait_for(lambda: signal(world)["state"] == "ok")


def test_records_are_counted_and_a_number_that_cannot_be_had_is_unknown(world, names):
    watch(world, {"dns": {"name": "shop.example.com", "server": names.address, "measure": "records"}}, "value(it) < 1")
    wait_for(lambda: signal(world)["last_value"] == 1)
    names.silent = True
    wait_for(lambda: reason(world).startswith("timeout: ") and world.trigger("broken")["verdict"] == "unknown")
    names.silent, names.code = False, 3
    world.opened("broken")


def test_the_certificate_of_a_real_postgresql_is_seen_past_its_own_handshake(world, tmp_path_factory):
    shown = Certificate(world.folder / "certificate", until_days=10)
    server = Postgres(tmp_path_factory.mktemp("starttls") / "postgres")
    key = server.folder / "server.key"
    key.write_bytes(shown.key.read_bytes())
    key.chmod(0o600)
    (server.folder / "server.crt").write_bytes(shown.path.read_bytes())
    if os.geteuid() == 0:
        os.chown(key, 65534, 65534)
    with open(server.folder / "data" / "postgresql.conf", "a") as conf:
        conf.write(f"ssl = on\nssl_key_file = '{key}'\nssl_cert_file = '{server.folder}/server.crt'\n")
    server.start()
    try:
        form = {"address": f"127.0.0.1:{server.port}", "starttls": "postgresql", "server_name": "shop.example.com",
                "ca": str(shown.path)}
        watch(world, {"tls": form}, "days_left(it) < 30")
        world.opened("broken")
        wait_for(lambda: is_due_soon(world))
    finally:
        server.stop()


def test_the_certificate_of_a_real_mail_server_is_seen_after_starttls(world):
    """aiosmtpd; then one that offers no TLS, then none."""
    shown = Certificate(world.folder / "certificate", until_days=10)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.path, shown.key)
    port = free_port()

    def serve(tls: ssl.SSLContext | None) -> Controller:
        server = Controller(object(), hostname="127.0.0.1", port=port, tls_context=tls, ready_timeout=60)
        server.start()
        return server

    mails = serve(context)
    try:
        form = {"address": f"127.0.0.1:{port}", "starttls": "smtp", "server_name": "shop.example.com", "ca": str(shown.path)}
        watch(world, {"tls": form}, "days_left(it) < 30")
        world.opened("broken")
        wait_for(lambda: is_due_soon(world))
        mails.stop()
        wait_for(lambda: reason(world).startswith("refused: "))
        mails = serve(None)
        wait_for(lambda: reason(world).startswith("tls: "))
        assert 9 < signal(world)["last_value"] <= 10    # the one last seen
        mails.stop()
        mails = serve(context)
        wait_for(lambda: signal(world)["state"] == "ok")
    finally:
        mails.stop()


def test_a_certificate_on_disk_is_watched_where_it_lies(world):
    old, new = (Certificate(world.folder / name, until_days=days) for name, days in (("old", 10), ("new", 80)))
    file = world.folder / "served.pem"
    file.write_bytes(old.path.read_bytes())
    watch(world, {"tls": {"file": str(file)}}, "days_left(it) < 30")
    incident = world.opened("broken")
    file.write_bytes(new.path.read_bytes())
    world.until(incident["id"], "resolved")
    file.write_text("gone\n")
    wait_for(lambda: reason(world).startswith("content: ") and world.trigger("broken")["verdict"] == "unknown")


def test_a_greeting_is_what_is_expected_of_a_service(world):
    listener = socket.create_server(("127.0.0.1", 0))
    said = [b"220 mail.example.com ESMTP\r\n"]

    def serve() -> None:
        while True:
            try:
                with listener.accept()[0] as peer:
                    peer.sendall(said[0])
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    watch(world, {"tcp": {"address": f"127.0.0.1:{listener.getsockname()[1]}", "expect": "^220 "}})
    wait_for(lambda: signal(world)["state"] == "ok")
    said[0] = b"421 too busy\r\n"
    wait_for(lambda: reason(world).startswith('content: "421 too busy'))
    world.opened("broken")
    listener.close()


def test_a_machine_that_answers_an_echo_is_ok_and_one_that_does_not_has_failed(world):
    world.shop["signals"]["far"] = {"icmp": {"host": "2001:db8::1"}, "every": "200ms", "timeout": "150ms"}
    watch(world, {"icmp": {"host": "localhost", "ip": "v4"}})
    wait_for(lambda: signal(world)["state"] == "ok" or reason(world).startswith("denied: "))
    if reason(world).startswith("denied: "):
        assert signal(world)["state"] is None      # our own trouble is no failure
        return
    wait_for(lambda: (world.signal("far")["last_reason"] or "").startswith(("timeout: ", "unreachable: ")) and
             world.signal("far")["state"] == "failed")
