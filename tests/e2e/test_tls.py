"""The API over TLS: versions and ciphers, certificates that are renewed under the daemon's feet, and client
certificates with a role."""

import http.client
import json
import ssl
import subprocess
from pathlib import Path

import pytest
from harness import Api, wait_for
from harness.daemon import wait_for_start
from harness.tls import Certificate


class SecureApi(Api):
    """Trusts one CA; shows a certificate where it has one."""

    def __init__(self, port: int, ca: Path, token: str | None = None, own: Certificate | None = None):
        super().__init__(port, token)
        self.ca, self.own = ca, own

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(self.ca))
        if self.own:
            context.load_cert_chain(self.own.path, self.own.key)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)


class Secured:
    """A world whose API speaks TLS, with a CA for servers and one for clients."""

    def __init__(self, world):
        self.world = world
        self.folder = world.folder / "tls"
        self.ca = Certificate(self.folder / "ca", authority=True)
        self.cert, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        self.made = 0
        self.install(self.certificate())
        self.tls = {"cert": str(self.cert), "key": str(self.key)}
        world.policy["daemon"]["tls"] = self.tls

    def certificate(self, **given) -> Certificate:
        self.made += 1
        return Certificate(self.folder / str(self.made), issuer=given.pop("issuer", self.ca), **given)

    def install(self, certificate: Certificate) -> None:
        """As certbot does: the certificate, then its key."""
        for new, old in ((certificate.path, self.cert), (certificate.key, self.key)):
            beside = old.with_suffix(".new")
            beside.write_bytes(new.read_bytes())
            beside.rename(old)

    def start(self) -> None:
        self.world.write_policy()
        process = self.world.daemon.spawn()
        wait_for_start(lambda: f"127.0.0.1:{self.world.daemon.port}" in self.world.daemon.tail() and process.poll() is None,
                       process)

    def api(self, role: str | None = "admin", own: Certificate | None = None) -> SecureApi:
        return SecureApi(self.world.daemon.port, self.ca.path, self.world.tokens[role] if role else None, own)

    def shown(self) -> str:
        """The fingerprint of the certificate that somebody who comes now is shown."""
        pem = ssl.get_server_certificate(("127.0.0.1", self.world.daemon.port))
        return fingerprint(pem)

    def s_client(self, *options: object) -> str:
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.world.daemon.port}",
                               "-CAfile", str(self.ca.path), *map(str, options)], input="", capture_output=True,
                              text=True, timeout=30)
        return done.stdout + done.stderr


def fingerprint(pem: str) -> str:
    return ssl.PEM_cert_to_DER_cert(pem).hex()


@pytest.fixture
def secured(world):
    return Secured(world)


@pytest.fixture
def clients(secured):
    """Clients must show a certificate of a CA of their own; two of them are somebody."""
    secured.clients_ca = Certificate(secured.folder / "clients", authority=True)
    secured.tls["client_ca"] = str(secured.clients_ca.path)
    secured.tls["clients"] = [{"name": "deployer", "role": "ingest", "cn": "ci.example.com"},
                              {"name": "ops", "role": "operate", "san": "URI:spiffe://example.com/ops"}]
    secured.ci = secured.certificate(issuer=secured.clients_ca, cn="ci.example.com", san="DNS:x.example.com")
    secured.ops = secured.certificate(issuer=secured.clients_ca, cn="whoever", san="URI:spiffe://example.com/ops")
    secured.nobody = secured.certificate(issuer=secured.clients_ca, cn="nobody.example.com", san="DNS:nobody.example.com")
    secured.start()
    return secured


AGREED = "Cipher is "
NONE = "Cipher is (NONE)"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_versions_below_1_2_are_refused(secured, version):
    secured.start()
    said = secured.s_client(version, "-cipher", "ALL:@SECLEVEL=0")
    assert NONE in said or AGREED not in said, said


@pytest.mark.parametrize("options, agreed", [
    (("-tls1_3",), True),
    (("-tls1_2",), True),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), True),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"), True),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"), False),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"), False),
    (("-tls1_2", "-cipher", "AECDH-AES128-SHA:@SECLEVEL=0"), False),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"), False),
])
def test_modern_ciphers_alone_are_agreed_on(secured, options, agreed):
    secured.start()
    said = secured.s_client(*options)
    assert (AGREED in said and NONE not in said) == agreed, said


def test_a_renewed_certificate_is_taken_without_a_word_and_connections_stay(secured):
    secured.start()
    before = secured.shown()
    connection = secured.api().connect()
    token = {"Authorization": f"Bearer {secured.world.tokens['read']}"}
    connection.request("GET", "/v1/status", headers=token)
    assert connection.getresponse().read()
    renewed = secured.certificate(until_days=30)
    secured.install(renewed)
    wait_for(lambda: secured.shown() != before, 40, "the renewed certificate")
    assert secured.shown() == fingerprint(renewed.path.read_text())
    connection.request("GET", "/v1/status", headers=token)
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    assert "tls.loaded" in secured.world.daemon.tail()
    text = secured.api().get("/metrics").text
    until = next(line for line in text.splitlines() if line.startswith("rollbackd_tls_certificate_not_after"))
    wanted = ssl.cert_time_to_seconds(enddate(renewed))
    assert float(until.split()[-1]) == wanted, until


def enddate(certificate: Certificate) -> str:
    return subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", str(certificate.path)],
                          capture_output=True, text=True, check=True).stdout.strip().removeprefix("notAfter=")


@pytest.mark.parametrize("asked", ["SIGHUP", "reload"])
def test_a_reload_takes_the_renewed_certificate_at_once(secured, asked):
    secured.start()
    renewed = secured.certificate()
    elsewhere = secured.folder / "elsewhere.pem"
    elsewhere.write_bytes(renewed.path.read_bytes())
    secured.tls["cert"], secured.tls["key"] = str(elsewhere), str(renewed.key)    # other paths, too
    secured.world.write_policy()
    if asked == "SIGHUP":
        secured.world.daemon.reload()
    else:
        answer = secured.api().must(200, "/v1/config/reload", {})
        assert answer["ok"] and answer["note"] == "", answer
    wait_for(lambda: secured.shown() == fingerprint(renewed.path.read_text()), 5, "the renewed certificate")


def test_a_pair_that_is_none_keeps_the_old_one_and_says_so_until_it_is_mended(secured):
    secured.start()
    before = secured.shown()
    renewed = secured.certificate()
    secured.cert.write_bytes(renewed.path.read_bytes())                          # the key is the old one
    answer = secured.api().must(200, "/v1/config/reload", {})
    assert "the key does not belong" in answer["note"] and "stays" in answer["note"], answer
    assert secured.shown() == before
    assert "the key does not belong" in secured.api().read("/v1/status")["config_note"]
    assert "tls.refused" in secured.world.daemon.tail()
    secured.key.write_bytes(renewed.key.read_bytes())
    wait_for(lambda: secured.shown() != before, 40, "the pair")
    assert secured.api().read("/v1/status")["config_note"] == ""


def test_a_client_certificate_has_the_role_the_policy_gives_it(clients):
    ci, ops = clients.api(None, clients.ci), clients.api(None, clients.ops)
    assert ci.read("/v1/status")["you"] == {"name": "cert:deployer", "role": "ingest"}
    assert ops.read("/v1/status")["you"] == {"name": "cert:ops", "role": "operate"}
    ci.must(201, "/v1/services/shop/deployments", {"version": "v1"})
    assert ci.post("/v1/pause", {}).status == 403
    ops.must(200, "/v1/pause", {"service": "shop"})
    who = {(record["who"], record["kind"]) for record in ops.read("/v1/journal?limit=1000")["items"]}
    assert any(name == "cert:deployer" and kind.startswith("deployment") for name, kind in who), who
    assert any(name == "cert:ops" for name, _ in who), who


def test_a_certificate_that_is_nobodys_needs_a_token_and_a_token_counts_instead(clients):
    answer = clients.api(None, clients.nobody).get("/v1/status")
    assert answer.status == 401 and answer.headers["content-type"] == "application/problem+json"
    assert clients.api("read", clients.nobody).read("/v1/status")["you"]["name"] == "test-read"
    assert clients.api("read", clients.ops).post("/v1/pause", {}).status == 403


def test_without_a_certificate_of_that_ca_there_is_no_connection(clients):
    stranger = clients.certificate(cn="ci.example.com", san="DNS:ci.example.com")     # of the servers' CA
    expired = clients.certificate(issuer=clients.clients_ca, cn="ci.example.com", from_days=-2, until_days=-1)
    for own in (None, stranger, expired):
        with pytest.raises(OSError):
            clients.api("admin", own).get("/v1/status")
    assert clients.api(None, clients.ci).get("/v1/status").status == 200


def test_a_reload_changes_who_is_who_at_the_next_request_of_a_connection(clients):
    connection = clients.api(None, clients.ci).connect()
    connection.request("GET", "/v1/status")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    clients.tls["clients"] = clients.tls["clients"][1:]
    clients.world.write_policy()
    assert clients.api("admin", clients.nobody).must(200, "/v1/config/reload", {})["ok"]
    connection.request("GET", "/v1/status")
    answer = connection.getresponse()
    assert answer.status == 401 and answer.read()


def test_a_session_is_never_resumed_where_certificates_are_asked_for(clients, tmp_path):
    """It would show no certificate again, whatever has become of its CA."""
    kept = tmp_path / "session"
    own = ("-cert", clients.ci.path, "-key", clients.ci.key)
    said = clients.s_client(*own, "-tls1_2", "-sess_out", kept)
    assert AGREED in said
    assert not kept.is_file() or "Reused" not in clients.s_client(*own, "-tls1_2", "-sess_in", kept)


def test_a_page_elsewhere_cannot_use_the_browsers_certificate(clients):
    answer = clients.api(None, clients.ops).request("POST", "/v1/pause", b"{}", {
        "Content-Type": "application/json", "Origin": "https://evil.example.com"})
    assert answer.status == 403


def test_the_command_line_shows_its_certificate(clients):
    done = clients.world.ctl("status", "--json", "--ca", str(clients.ca.path), "--cert", str(clients.ops.path),
                             "--key", str(clients.ops.key), role=None,
                             url=f"https://127.0.0.1:{clients.world.daemon.port}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["you"]["name"] == "cert:ops"
