"""Channels, each through the real receiver where there is one: mail servers and Alertmanager; PagerDuty's and
the chats' formats as they publish them."""

import email
import email.policy
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from harness import wait_for
from harness.net import free_port
from harness.policy import failing_payments
from harness.servers import Alertmanager
from harness.tls import Certificate

PASSWORD = "correct horse battery"


def log(world) -> str:
    return world.daemon.log.read_text()


def broken(world) -> str:
    """An incident that people are told of, and nothing is done about. Its id."""
    world.triggers(payments=failing_payments(response="alert"))
    world.start()
    world.healthy_first()
    world.push("payments", *[{"ok": False}] * 4)
    return world.opened("payments")["id"]


def mended(world, id_: str) -> None:
    world.push("payments", *[{"ok": True}] * 3)
    world.until(id_, "resolved")


class MailServer:
    """aiosmtpd: STARTTLS, a login, and one recipient it refuses."""

    def __init__(self, certificate, key):
        self.mails: list[tuple[list[str], email.message.EmailMessage]] = []
        self.logins: list[bytes] = []
        self.refuses = ""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.controller = Controller(
            self, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
            auth_required=True, authenticator=self.log_in, ready_timeout=60)
        self.controller.start()

    def log_in(self, server, session, envelope, mechanism, data) -> AuthResult:
        self.logins.append(data.password)
        right = data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address == "gone@example.com":
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.refuses:
            return self.refuses
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos, message))
        return "250 taken"

    @property
    def address(self) -> str:
        return f"localhost:{self.controller.port}"


@pytest.fixture
def authority(tmp_path):
    return Certificate(tmp_path / "mail-server", san="DNS:localhost,IP:127.0.0.1")


@pytest.fixture
def mails(authority):
    server = MailServer(authority.path, authority.key)
    yield server
    server.controller.stop()


def by_mail(world, server: MailServer, authority, **more) -> None:
    secret = world.folder / "mail.password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    world.policy["notify"] = {"night": {"smtp": {
        "server": server.address, "from": "rollbackd@example.com", "to": ["ops@example.com"],
        "user": "rollbackd", "password_file": str(secret), "ca": str(authority.path), **more}}}


def test_an_incident_is_a_thread_of_mails(world, mails, authority):
    by_mail(world, mails, authority, to=["gone@example.com", "ops@example.com"])
    id_ = broken(world)
    wait_for(lambda: mails.mails, 20, "the first mail")
    mended(world, id_)
    wait_for(lambda: len(mails.mails) >= 2, 20, "the second mail")
    assert all(to == ["ops@example.com"] for to, _ in mails.mails)
    first = mails.mails[0][1]
    assert first["From"] == "rollbackd <rollbackd@example.com>"
    assert first["Subject"].startswith("[rollbackd] P0 shop: payments")
    assert len({mail["References"] for _, mail in mails.mails}) == 1
    ids = [mail["Message-ID"] for _, mail in mails.mails]
    assert len(set(ids)) == len(ids)
    assert id_ in first.get_content()


def test_a_mail_server_that_is_busy_is_asked_again_and_the_same_mail_arrives_once(world, mails, authority):
    by_mail(world, mails, authority)
    mails.refuses = "451 try later"
    broken(world)
    wait_for(lambda: "451" in log(world), 20, "a refusal for now")
    mails.refuses = ""
    wait_for(lambda: mails.mails, 30, "the mail")


def test_a_wrong_password_is_told_and_never_shown(world, mails, authority):
    by_mail(world, mails, authority)
    (world.folder / "mail.password").write_text("wrong-password-1\n")
    broken(world)
    wait_for(lambda: "night: reply 535" in log(world), 20, "the failure in the log")
    assert "wrong-password-1" not in log(world)
    assert not mails.mails


def test_a_mail_server_without_tls_or_with_a_strangers_certificate_gets_no_password(world, mails, authority, tmp_path):
    stranger = Certificate(tmp_path / "stranger")
    by_mail(world, mails, authority, ca=str(stranger.path))
    broken(world)
    wait_for(lambda: "certificate" in log(world), 20, "the refusal in the log")
    assert not mails.logins


def test_a_mail_channel_that_cannot_work_is_refused_with_every_mistake_at_its_place(world):
    world.policy["notify"] = {"night": {"smtp": {
        "server": "mail.example.com", "from": "Ops <ops@example.com>", "to": ["ops@example.com", "x"],
        "user": "ops", "tls": "none"}}}
    world.write_policy()
    said = world.daemon.refuses_to_start()
    for part in ("expected HOST:PORT", '"Ops <ops@example.com>" is no plain address', '"x" is no plain address',
                 "user and password_file go together"):
        assert part in said, said


class Recorder:
    """Answers every POST as it is told and keeps what came."""

    def __init__(self, status: int, answer: dict):
        recorder = self
        self.bodies: list[dict] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                recorder.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_a_pager_is_triggered_acknowledged_and_resolved_under_one_key(world):
    pager = Recorder(202, {"status": "success", "message": "Event processed"})
    world.policy["notify"] = {"pager": {"pagerduty": {"routing_key": "R0KEY", "url": pager.url + "/v2/enqueue"}}}
    id_ = broken(world)
    wait_for(lambda: pager.bodies, 20, "the trigger")
    world.api("operate").must(200, f"/v1/incidents/{id_}/ack")
    mended(world, id_)
    wait_for(lambda: pager.bodies[-1]["event_action"] == "resolve", 20, "the resolve")
    pager.close()
    actions = [body["event_action"] for body in pager.bodies]
    assert actions[0] == "trigger" and actions.count("acknowledge") == 1 and actions.count("resolve") == 1
    assert {body["dedup_key"] for body in pager.bodies} == {id_}
    assert pager.bodies[0]["payload"]["severity"] == "critical"
    assert "R0KEY" not in log(world)


def test_alertmanager_fires_while_the_incident_lasts(world, tmp_path):
    token = tmp_path / "token"
    token.write_text("none")
    server = Alertmanager(tmp_path / "am", "http://127.0.0.1:9/unused", token)
    server.start()
    try:
        world.policy["notify"] = {"am": {"alertmanager": {"url": server.url, "labels": {"team": "shop"}}}}

        def firing() -> list[dict]:
            return json.loads(server.get("/api/v2/alerts?active=true") or b"[]")

        id_ = broken(world)
        alerts = wait_for(firing, 20, "the alert")
        assert alerts[0]["labels"] == {"alertname": "RollbackdIncident", "incident": id_, "service": "shop",
                                       "severity": "P0", "team": "shop"}
        mended(world, id_)
        wait_for(lambda: not firing(), 20, "the alert's end")
    finally:
        server.stop()


@pytest.mark.parametrize(("form", "where"), [("discord", "content"), ("teams", "attachments")])
def test_chats_get_their_own_form(world, form, where):
    chat = Recorder(204 if form == "discord" else 202, {})
    world.policy["notify"] = {"chat": {"webhook": {"url": chat.url + "/hook", "format": form}}}
    broken(world)
    wait_for(lambda: chat.bodies, 20, "the message")
    chat.close()
    assert "shop" in json.dumps(chat.bodies[0][where])
