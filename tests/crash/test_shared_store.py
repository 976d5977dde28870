"""The campaign on a PostgreSQL store, short: a few kills."""

import campaign
import pytest
from harness.servers import Postgres

SEED, KILLS = 1, 10


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    postgres = Postgres(tmp_path_factory.mktemp("crash") / "postgres").with_app()
    yield postgres
    postgres.stop()


def test_no_kill_starts_a_step_twice_or_loses_what_anybody_was_told(tmp_path, server):
    figures = campaign.run_shared(tmp_path / "campaign", SEED, KILLS, server)
    print(figures.text())
    assert not figures.failures, "\n\n".join(figures.failures)
    assert figures.total >= KILLS and not figures.slow(), figures.text()
