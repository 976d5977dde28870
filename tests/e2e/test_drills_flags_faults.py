"""compose-flags.yaml where the engine, a provider or its own steps fail."""

from harness import wait_for
from harness.booking import ENV
from harness.world import playbooks
from test_drills_flags_data import ORPHANS, rows

BACKUPS = "/var/backups/booking"
# One of twenty clients is the provider.
PROVIDER = (*["/"] * 19, "/webhooks/events?provider=card")
# Hangs where it restores, and says which process group it is in.
HANGING = """#!/bin/sh
case "$*" in *--dbname=*) ps -o pgid= -p $$ >/run/restoring.new; mv /run/restoring.new /run/restoring; sleep 600 ;; esac
exec /usr/bin/pg_restore "$@"
"""


def test_payments_that_fail_for_a_provider_are_switched_off(world, booking):
    booking.watched(paths=PROVIDER)
    booking.env.write_text(ENV + "PROVIDER=down\n")
    id_ = booking.of_trigger("payments-failing")["id"]
    booking.run_of(id_, "payments-off", "verifying", "succeeded")
    assert booking.env.read_text() == ENV.replace("PAYMENTS=true", "PAYMENTS=false") + "PROVIDER=down\n"
    # The provider's failure is not over by that, and is not told as if it were.
    assert not world.incident(id_)["recovered_at"]
    booking.env.write_text(ENV.replace("PAYMENTS=true", "PAYMENTS=false"))
    booking.recovered(id_, 60)
    assert playbooks(world.incident(id_)) == ["payments-off"]


def test_a_breach_closes_the_site_for_all_and_keeps_what_was_there(world, booking):
    booking.watched()
    before = rows(booking)
    world.ctl("raise", "booking", "breach", "--reason", "an account was taken over", role="operate")
    id_ = booking.of_trigger("breach")["id"]
    booking.run_of(id_, "contain-breach", "succeeded")
    assert booking.status("/") == booking.status("/webhooks/events") == 503
    assert list(booking.machine.path(BACKUPS).glob("booking_forensic_*")) and rows(booking) == before
    assert playbooks(world.incident(id_)) == ["contain-breach"]
    booking.measure(id_, "breach", "breach: closed for all, evidence kept", "immediately", limit=5)
    booking.by_hand("safe-mode-off")
    assert booking.status("/") == 200


def test_without_an_engine_the_unit_is_started_instead(world, booking):
    """Its containers run on, but for the one that is broken."""
    booking.watched()
    gone = booking.machine.path("/run/docker.sock").rename(booking.machine.path("/run/gone.sock"))
    try:
        booking.machine.run("docker", "--host", "unix:///run/gone.sock", "stop", "booking-api-1")
        id_ = booking.of_trigger("production-down")["id"]
        incident = booking.recovered(id_, 60)
        assert playbooks(incident) == ["restart"]
        states = {step["name"] or step["type"]: step["state"] for step in incident["runs"][0]["steps"]}
        assert states["restart-api"] == "skipped" and states["restart-unit"] == "done"
        booking.measure(id_, "production-down", "no engine: the unit instead", "none")
    finally:
        gone.rename(booking.machine.path("/run/docker.sock"))


def test_a_restore_that_fails_at_each_step_loses_nothing_and_can_be_done_again(world, booking):
    """No room for the dump of what is there; killed half-way; the newest dump broken."""
    good = rows(booking)
    newest = sorted(booking.machine.path(BACKUPS).glob("booking_*.dump"))[-1]
    newest.write_bytes(newest.read_bytes()[:-500])
    booking.postgres.psql(ORPHANS)
    damaged = rows(booking)
    booking.machine.small_disk(BACKUPS, 4096)
    booking.machine.fill(f"{BACKUPS}/junk", 100)
    booking.watched()

    id_ = booking.of_trigger("data-corruption", timeout=90)["id"]
    whole = booking.frozen(id_)
    refusal = next(one for one in whole["refusals"] if one["playbook"] == "restore-data")
    assert refusal["letter"] == "d" and "0 bytes are free" in refusal["text"], refusal
    assert "booking-api-1" not in booking.machine.run("docker", "ps", "--format", "{{.Names}}").stdout
    untouched(booking, damaged)

    booking.machine.run("rm", f"{BACKUPS}/junk")
    booking.machine.program("pg_restore", HANGING)
    booking.called("restore-data")
    booking.approve(id_, "restore-data")
    restoring = booking.machine.path("/run/restoring")
    wait_for(restoring.exists, what="it to be restored")
    booking.machine.run("kill", "-9", "--", f"-{int(restoring.read_text())}")
    booking.run_of(id_, "restore-data", "failed", "interrupted")
    untouched(booking, damaged)

    booking.machine.path("/usr/local/sbin/pg_restore").unlink()
    booking.called("restore-data")
    booking.approve(id_, "restore-data")
    booking.run_of(id_, "restore-data", "succeeded", timeout=60)
    assert rows(booking) == good and newest.name in booking.step_texts(id_)
    assert booking.status("/") == 200
    (before,) = [name for name in booking.databases() if name.startswith("app_before_")]
    assert rows(booking, before) == damaged


def untouched(booking, before: str) -> None:
    """The damaged data as it was, still behind the page, and nothing writes."""
    assert rows(booking) == before and not [name for name in booking.databases() if "before" in name]
    assert booking.status("/") == 503
    assert "booking-api-1" not in booking.machine.run("docker", "ps", "--format", "{{.Names}}").stdout
