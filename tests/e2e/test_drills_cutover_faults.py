"""compose-cutover.yaml: a breach, its quick fixes, and what it does where a part of the release of before is missing."""

from harness import wait_for
from harness.tls import Certificate
from harness.world import guards, playbooks
from test_drills_cutover import BROKEN


def ended(identity) -> None:
    """nginx serves a certificate that has ended."""
    certificate = Certificate(identity.folder / "ended", san="DNS:identity.example.com", from_days=-90, until_days=-1)
    (identity.tree / "nginx/certs/fullchain.pem").write_bytes(certificate.path.read_bytes())
    (identity.tree / "nginx/certs/key.pem").write_bytes(certificate.key.read_bytes())
    identity.compose("restart", "nginx")


def test_a_certificate_that_has_ended_is_made_anew(world, identity):
    authority = Certificate(identity.folder / "authority", authority=True)
    identity.machine.trust(authority.path, "identity.example.com")
    new = Certificate(identity.folder / "new", san="DNS:identity.example.com", issuer=authority)
    script = identity.tree / "scripts/generate-certs.sh"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ncp {new.path} nginx/certs/fullchain.pem && cp {new.key} nginx/certs/key.pem\n")
    script.chmod(0o755)
    ended(identity)
    identity.watched()
    id_ = identity.of_trigger("https")["id"]
    identity.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["certificates"]
    identity.measure(id_, "https", "quick fix: certificate ended", 600)


def test_where_a_certificate_cannot_be_made_people_are_called_and_services_run_on(world, identity):
    ended(identity)
    identity.watched()
    id_ = identity.of_trigger("https")["id"]
    wait_for(lambda: "no such program: /srv/identity/scripts/generate-certs.sh" in world.sink.texts(), 60, "people to be told")
    whole = world.incident(id_)
    assert whole["state"] == "open" and whole["runs"] == [], whole
    assert identity.running() == {"identity-backend-1", "identity-db-1", "identity-nginx-1"} and identity.status("/") == 200


def test_a_breach_closes_the_site_for_all_and_keeps_what_was_there(world, identity):
    identity.watched()
    rows = identity.rows()
    world.ctl("raise", "identity", "breach", "--reason", "an admin was taken over", role="operate")
    id_ = identity.of_trigger("breach")["id"]
    identity.run_of(id_, "contain-breach", "succeeded")
    assert identity.status("/") == identity.status("/health") == identity.status("/api/webhooks?provider=btc") == 503
    assert list((identity.tree / "backups").glob("identity_forensic_*")) and identity.rows() == rows
    identity.measure(id_, "breach", "breach: closed for all, evidence kept", "immediately", limit=5)
    identity.by_hand("safe-mode-off")
    assert identity.status("/") == 200


def test_a_container_that_is_down_is_brought_up_again(world, identity):
    """At night, when nobody meets an error; else users are shielded first."""
    identity.start(*(name for name in identity.signals if name != "requests"), known_good=identity.good)
    identity.machine.run("docker", "stop", "identity-backend-1")
    id_ = identity.of_trigger("containers-down", timeout=40)["id"]
    identity.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["up-again"]
    identity.measure(id_, "containers-down", "quick fix: a container is down", 300)


def test_without_the_env_file_of_before_nothing_is_taken_back_and_users_are_shielded(world, identity):
    (identity.machine.path(f"{identity.kept}/env") / f"{identity.good}.env").unlink()
    identity.watched()
    bad = identity.deploy("half")
    id_ = identity.of_trigger(*BROKEN)["id"]
    identity.run_of(id_, "safe-mode", "verifying", "succeeded", timeout=60)
    whole = world.incident(id_)
    assert "code-rollback" not in playbooks(whole) and guards(whole)["no_target"] == "d"
    assert any(f"{identity.good}.env" in refusal["text"] for refusal in whole["refusals"])
    assert identity.machine.git("/srv/identity", "rev-parse", "HEAD") == bad
    wait_for(lambda: identity.status("/") == 503, what="the page")
    assert identity.running() == {"identity-backend-1", "identity-db-1", "identity-nginx-1"}
