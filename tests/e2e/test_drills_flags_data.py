"""compose-flags.yaml, damaged data: writers are stopped by itself, the restore asks first, and nothing that was there
before the drill is lost, whatever breaks on the way."""

import os

from harness.world import playbooks

LONG = os.environ.get("ROLLBACKD_TEST_LONG") == "1"
ORPHANS = "INSERT INTO bookings SELECT 100000 + g, 900 + g, 'orphan' FROM generate_series(1, 5) g"


def rows(booking, database: str = "app") -> str:
    return booking.postgres.psql("SELECT count(*), sum(hashtext(b::text)) FROM bookings b", database)


def writers_stopped(booking, trigger: str, restore: str) -> str:
    """Contained by itself; the incident's id, once the restore asks a person."""
    id_ = booking.of_trigger(trigger, timeout=90)["id"]
    booking.run_of(id_, restore, "waiting", timeout=60)
    assert "booking-api-1" not in booking.machine.run("docker", "ps", "--format", "{{.Names}}").stdout
    return id_


def test_damaged_data_is_contained_by_itself_and_restored_after_a_person_has_agreed(world, booking):
    if LONG:
        booking.postgres.psql("CREATE TABLE photos AS SELECT g AS id, (SELECT string_agg(md5(random()::text || g || h), '') "
                              "FROM generate_series(1, 32) h) AS data FROM generate_series(1, 100000) g")
        booking.postgres.psql("ALTER TABLE photos OWNER TO shop")
        booking.nights("/var/backups/booking", "booking")
    good = rows(booking)
    booking.postgres.psql(ORPHANS)
    damaged = rows(booking)
    booking.watched()

    id_ = writers_stopped(booking, "data-corruption", "restore-data")
    # Nobody else starts what writes again while a person thinks.
    incident = world.incident(id_)
    assert playbooks(incident) == ["stop-writers", "restore-data"], [item["summary"] for item in world.incidents("booking")]
    assert rows(booking) == damaged
    booking.approve(id_, "restore-data")
    booking.recovered(id_, 90 if LONG else 40)

    assert rows(booking) == good
    # The damaged one stays beside, and as a dump that no rule will ever choose.
    (before,) = [name for name in booking.databases() if name.startswith("app_before_")]
    assert rows(booking, before) == damaged
    assert list(booking.machine.path("/var/backups/booking").glob("booking_emergency_*.dump"))
    booking.measure(id_, "data-corruption", "database restore" + (", 100 MB" if LONG else ""), 1800, limit=90)
