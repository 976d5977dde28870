"""The short form of the campaign, and that its judge can tell."""

import shutil
import sqlite3

import campaign
import pytest
from judge import judge
from points import NAMES, sides_of
from texts import FLAGS, LOG, SECRET

SEED = 1


def test_no_crash_point_starts_a_step_twice_or_loses_what_anybody_was_told(tmp_path):
    """Every named point and side, one call each, with more crashes in the lives after."""
    figures = campaign.run(tmp_path / "campaign", seed=SEED)
    print(figures.text())
    assert not figures.failures, "\n\n".join(figures.failures)
    assert not figures.slow(), figures.text()
    missed = {f"{side} {name}" for name in NAMES for side in sides_of(name)} - figures.reached()
    assert not missed, f"never reached: {sorted(missed)}"


@pytest.fixture
def told(stage):
    """A story that went well; the test tampers with what it left."""
    stage.play()
    judge(stage)
    return stage


def execute(stage, *statements: str) -> None:
    with sqlite3.connect(stage.folder / "rollbackd.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def test_the_judge_sees_a_step_that_ran_twice(told):
    told.lines.write_text(told.lines.read_text() + "begin two\n")
    with pytest.raises(AssertionError, match="ran 2 times"):
        judge(told)


def test_the_judge_sees_a_message_that_never_came_and_an_incident_that_is_gone(told):
    message = told.sink.messages.pop()
    with pytest.raises(AssertionError, match="never delivered"):
        judge(told)
    told.sink.messages.append(message)
    told.seen.add("INC-99")
    with pytest.raises(AssertionError, match="lost"):
        judge(told)


@pytest.mark.parametrize("name", ["flags", "secret", "log"])
def test_the_judge_sees_a_file_that_is_half_and_one_that_is_not_as_it_was_told(told, name):
    file = getattr(told, name)
    whole = file.read_text()
    file.write_text(whole[:len(whole) // 2] or "half a log")
    with pytest.raises(AssertionError):
        judge(told)
    file.write_text({"flags": FLAGS, "secret": SECRET, "log": LOG}[name])
    with pytest.raises(AssertionError, match="is done and has not happened"):
        judge(told)


def test_the_judge_sees_a_record_that_was_changed_or_cut_off(told):
    copy = told.folder / "copy.db"
    shutil.copy(told.folder / "rollbackd.db", copy)
    execute(told, "DROP TRIGGER record_update", "UPDATE record SET body = body || ' ' WHERE seq = 5")
    with pytest.raises(AssertionError, match="wrong hash"):
        judge(told)
    shutil.copy(copy, told.folder / "rollbackd.db")
    execute(told, "DROP TRIGGER record_delete", "DELETE FROM record WHERE seq = (SELECT max(seq) FROM record)")
    with pytest.raises(AssertionError):
        judge(told)
