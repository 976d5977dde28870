"""A daemon that stands by shows a certificate as long as it does, perhaps for a year: it is renewed there too."""

import copy
import json

import pytest
from harness import wait_for
from harness.daemon import Daemon, wait_for_start
from test_shared_store import hanging, pair, server  # noqa: F401
from test_tls import Secured, SecureApi, fingerprint


class Standby(Secured):
    """`world.daemon` leads, `second` stands by; both show the certificate of the same files."""

    def start(self) -> None:
        super().start()
        wait_for(lambda: self.api().get("/readyz").status == 200, what="the first to lead")
        folder = self.world.folder / "two"
        folder.mkdir()
        self.first = self.world.daemon
        second = self.world.second = self.world.daemon = Daemon(folder)
        policy = copy.deepcopy(self.world.policy)
        policy["daemon"]["listen"] = [f"127.0.0.1:{second.port}"]
        policy["daemon"]["run_dir"] = str(self.world.folder / "steps-2")
        second.config.write_text(json.dumps(policy))
        process = second.spawn()
        wait_for_start(lambda: "standby" in second.tail() and process.poll() is None and self.answers(), process)

    def answers(self) -> bool:
        try:
            return SecureApi(self.world.second.port, self.ca.path).get("/healthz").status == 200
        except OSError:
            return False

    def note(self) -> str:
        return self.api("read").read("/v1/status")["config_note"]


@pytest.fixture
def standby(pair):  # noqa: F811
    secured = Standby(pair)
    secured.start()
    return secured


def test_a_standby_takes_a_renewed_certificate_without_a_word(standby):
    before = standby.shown()
    renewed = standby.certificate(until_days=30)
    standby.install(renewed)
    wait_for(lambda: standby.shown() != before, 40, "the renewed certificate")
    assert standby.shown() == fingerprint(renewed.path.read_text())
    assert "tls.loaded" in standby.world.second.tail()
    assert standby.api("read").read("/v1/status")["role"] == "standby"


def test_a_standby_that_is_told_to_reload_takes_the_renewed_certificate_at_once(standby):
    before = standby.shown()
    standby.install(standby.certificate())
    wait_for(lambda: standby.shown() != before, 40, "a look by itself, so that the next one is seconds away")
    renewed = standby.certificate()
    standby.install(renewed)
    standby.world.second.reload()
    wait_for(lambda: standby.shown() == fingerprint(renewed.path.read_text()), 2, "the renewed certificate")
    assert "config.later" in standby.world.second.tail()


def test_a_standby_keeps_its_certificate_while_the_files_are_no_pair_and_says_so(standby):
    before = standby.shown()
    standby.cert.write_bytes(standby.certificate().path.read_bytes())            # the key is the old one
    standby.world.second.reload()
    wait_for(lambda: "the key does not belong" in standby.note(), 5, "the refusal to be told")
    assert standby.shown() == before


def test_a_database_that_hangs_holds_no_certificate_up(standby):
    before = standby.shown()
    with hanging(standby.world.server):
        standby.install(standby.certificate())
        wait_for(lambda: standby.shown() != before, 40, "the renewed certificate")
