"""The campaign on a PostgreSQL store, short: a few kills."""

import campaign
import pytest
from harness.servers import Postgres

SEED, STORIES = 1, 8


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    postgres = Postgres(tmp_path_factory.mktemp("crash") / "postgres").with_app()
    yield postgres
    postgres.stop()


def test_no_kill_starts_a_step_twice_or_loses_what_anybody_was_told(tmp_path, server):
    figures = campaign.run_shared(tmp_path / "campaign", SEED, STORIES, server)
    print(figures.text())
    assert not figures.failures, "\n\n".join(figures.failures)
    assert figures.total >= STORIES and not figures.slow(), figures.text()
