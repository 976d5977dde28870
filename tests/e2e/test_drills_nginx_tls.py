"""compose-nginx.yaml: its certificate has ended, by the real certbot and an issuer of the drill's own."""

import shlex
import ssl

import pytest
from harness import wait_for
from harness.acme import Acme
from harness.world import playbooks

NAME = "music.example.com"
# What sees it first.
ENDED = ("tls-broken", "tls-7-days", "tls-14-days")


@pytest.fixture
def acme(music, tmp_path):
    """nginx serves a certificate that has ended, and certbot knows where it was from."""
    made = Acme(tmp_path / "acme", seconds=86400 * 90)
    try:
        made.start()
        made.issue(NAME)
        made.let_end(NAME)
        music.machine.trust(made.root(), NAME)
        music.machine.program("certbot", f"#!/bin/sh\nverb=$1; shift; [ \"$verb\" != certonly ] || set -- \"$@\" {shlex.join(made.first)}\n"
                              f"exec {shlex.join(made.certbot)} \"$verb\" \"$@\"\n")
        config = music.machine.path("/etc/nginx/nginx.conf")
        config.write_text(config.read_text().replace(str(music.certificate.path), str(made.live(NAME)))
                          .replace(str(music.certificate.key), str(made.live(NAME, "privkey"))))
        restarted(music, made)
        yield made
    finally:
        made.stop()


def served(music) -> str:
    return ssl.get_server_certificate(("127.0.0.1", music.tls))


def restarted(music, acme: Acme) -> None:
    """No worker of before serves any more, as after a reload some still may."""
    music.machine.run("systemctl", "restart", "nginx.service")
    wait_for(lambda: served(music) == acme.live(NAME, "cert").read_text(), what="it to be served")


def test_a_certificate_that_has_ended_is_renewed_and_served(world, music, acme):
    before = served(music)
    music.watched()
    id_ = music.of_trigger(*ENDED)["id"]
    music.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["renew"] and served(music) != before
    music.measure(id_, ENDED, "certificate ended: renewed and served", 3600)


def test_where_the_issuer_cannot_come_in_the_web_server_makes_way_and_runs_again(world, music, acme):
    config = music.machine.path("/etc/nginx/nginx.conf")
    config.write_text(config.read_text().replace("server { listen", f"server {{ listen 127.0.0.1:{acme.challenge_port}; listen"))
    restarted(music, acme)
    before = served(music)
    music.watched()
    id_ = music.of_trigger(*ENDED)["id"]
    music.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["renew", "renew-standalone"] and served(music) != before
    assert "certbot gave no certificate" in music.step_texts(id_) and music.status("/") == 200
    music.measure(id_, ENDED, "certificate ended: nginx makes way for the issuer", 3600)


def test_where_the_issuer_is_away_the_site_goes_on_and_people_are_called(world, music, acme):
    before = served(music)
    acme.stop()
    music.watched()
    id_ = music.of_trigger(*ENDED)["id"]
    music.frozen(id_, "certbot gave no certificate")
    assert playbooks(world.incident(id_)) == ["renew", "renew-standalone"]
    assert music.status("/") == 200 and served(music) == before
