"""The evaluator can fail: a journal is played, one fact of it is changed, and the decision that rests on it
is named. What it accepts untouched, it accepts for a reason."""

import copy
import json

import pytest

from condition import FALSE, TRUE, UNKNOWN, Judge, Proof, parse
from corpus import read_corpus
from evaluator import evaluate
from run import tell

CORPUS = {one.name: one for one in read_corpus()}


@pytest.fixture(scope="module")
def journals() -> dict[str, list]:
    """One run each of what is undone, held, and asked about."""
    return {name: next(tell(CORPUS[name], 1, 1))[1].journal
            for name in ("errors", "database-after-a-release", "under-approval", "down-told-late")}


def bodies(journal: list, kind: str) -> list[dict]:
    return [body for _, one, _, _, body in journal if one == kind]


def firing(journal: list) -> dict:
    return bodies(journal, "incident.opened")[0]["incident"]["triggers"][0]


def guard(journal: list, name: str) -> dict:
    return next(one for body in bodies(journal, "incident.judged") for one in body["guards"] if one["guard"] == name)


def doctored(journals: dict, name: str, change) -> list[str]:
    journal = copy.deepcopy(journals[name])
    change(journal)
    decisions, wrong = evaluate(journal)
    assert decisions > 0
    return wrong


def call(journal: list) -> dict:
    signals = firing(journal)["evaluation"]["proof"]["signals"]
    return next(iter(next(iter(signals.values()))["calls"].values()))


@pytest.mark.parametrize("name", ["errors", "database-after-a-release", "under-approval", "down-told-late"])
def test_what_was_recorded_is_recomputed(journals, name):
    decisions, wrong = evaluate(journals[name])
    assert decisions >= 2 and wrong == []


@pytest.mark.parametrize("change, named", [
    (lambda j: call(j).update(failure=0), "stored as"),
    (lambda j: firing(j).update(when="failure_ratio(requests, 5m) > 90%"), "proof"),
    (lambda j: firing(j)["rules"].update(min_count=10_000), "recorded as true"),
    (lambda j: firing(j)["evaluation"].update(verdict="unknown"), "is not true"),
    (lambda j: firing(j)["evaluation"].update(count=0.5), "count is"),
    (lambda j: firing(j)["evaluation"].update(proof={"now": 0, "signals": {}}), "does not prove"),
])
def test_a_doctored_proof_is_noticed(journals, change, named):
    assert any(named in one for one in doctored(journals, "errors", change))


@pytest.mark.parametrize("change, named", [
    (lambda j: bodies(j, "deployment.recorded")[1].update(opens_window=False), "no_deployment fails"),
    (lambda j: bodies(j, "deployment.recorded")[1]["deployment"]["before"]["errors"].update(verdict="true"),
     "is judged as"),
    (lambda j: bodies(j, "incident.judged")[0]["evidence"]["answer"].update(blind=True), "blind fails"),
    (lambda j: bodies(j, "incident.judged")[0]["evidence"]["answer"].update(schema="2"), "schema_moved fails"),
    (lambda j: bodies(j, "incident.judged")[0]["evidence"]["answer"]["steps"][0].update(found="impossible"),
     "no_target fails"),
    (lambda j: bodies(j, "deployment.recorded")[0]["deployment"].update(version="v0"), "known-good target is"),
    (lambda j: bodies(j, "policy.loaded")[0].update(
        text=bodies(j, "policy.loaded")[0]["text"].replace("watch_window: 30m", "watch_window: 1s")), "no_deployment fails"),
    (lambda j: guard(j, "cooldown").update(passed=False), "cooldown passes"),
    (lambda j: guard(j, "bad_before").update(letter="a"), "has the letter a"),
    (lambda j: bodies(j, "incident.judged")[0].update(refusals=[{"guard": "paused", "text": "paused"}]), "the refusals"),
    (lambda j: bodies(j, "run.planned")[0]["run"]["plan"].update(target="v9"), "another version"),
    (lambda j: bodies(j, "policy.loaded")[0].update(
        text=bodies(j, "policy.loaded")[0]["text"].replace("autonomy: enforce", "autonomy: advise")), "is to approve it"),
])
def test_a_doctored_fact_is_noticed(journals, change, named):
    assert any(named in one for one in doctored(journals, "errors", change)), json.dumps(journals["errors"])[:500]


def test_a_run_without_a_judgement_is_noticed(journals):
    def change(journal: list) -> None:
        journal[:] = [record for record in journal if record[1] != "incident.judged"]

    assert any("no judgement allows it" in one for one in doctored(journals, "errors", change))


@pytest.mark.parametrize("kind, named", [("run.check", "have not passed"), ("step.ended", "were not done")])
def test_a_recovery_without_proof_is_noticed(journals, kind, named):
    def change(journal: list) -> None:
        journal[:] = [record for record in journal if record[1] != kind]

    assert any(named in one for one in doctored(journals, "errors", change))


def test_a_dependency_that_failed_cannot_be_told_away(journals):
    def change(journal: list) -> None:
        for body in bodies(journal, "incident.judged"):
            for one in body["guards"]:
                one["passed"] |= one["guard"] == "dependency_failing"
            body["refusals"] = [one for one in body["refusals"] if one["guard"] != "dependency_failing"]

    assert any("dependency_failing fails" in one for one in doctored(journals, "database-after-a-release", change))


def proof(calls: dict, samples: list | None = None, **rules) -> Judge:
    return Judge(Proof({"now": 0, "signals": {"s": {"calls": calls, "samples": samples or []}}}, **rules))


STREAK = {"consecutive_failures(s)": {"length": 1, "value": 1.0}}
FAILED = [{"at": 1, "ok": False}, {"at": 3, "ok": False}]


@pytest.mark.parametrize("since, differing", [(None, 1), (0, 1), (1, 0), (2, 0)])
def test_a_streak_since_a_deployment_leaves_out_what_failed_before_it(since, differing):
    judge = proof(STREAK, FAILED, since=since)
    assert judge.judge(parse("consecutive_failures(s) >= 1")).verdict == TRUE
    assert len(judge.proof.differing) == differing


RATIO = {"failure_ratio(s, 5m)": {"from": 0, "to": 300, "success": 15, "failure": 5, "neutral": 0, "value": 0.25}}


@pytest.mark.parametrize("text, rules, verdict", [
    ("failure_ratio(s, 5m) > 20%", {}, TRUE),
    ("failure_ratio(s, 300s) >= 25%", {}, TRUE),
    ("failure_ratio(s, 5m) > 25%", {}, FALSE),
    ("failure_ratio(s, 5m) > 20%", {"min_count": 21}, UNKNOWN),
    ("failure_ratio(s, 5m) > 30%", {"min_count": 21}, FALSE),
    ("failure_ratio(s, 5m) > 20%", {"confidence": 0.95}, UNKNOWN),
    ("failure_ratio(s, 5m) > 11%", {"confidence": 0.95}, TRUE),
    ("not failure_ratio(s, 5m) <= 20%", {"min_count": 21}, UNKNOWN),
    ("not failure_ratio(s, 5m) > 20%", {}, FALSE),
    ("failure_ratio(s, 5m) > 90% or 1 < 2 and not 2 < 1", {}, TRUE),
    ("quorum(2, failure_ratio(s, 5m) > 20%, failure_ratio(s, 5m) > 30%)", {}, FALSE),
    ("quorum(1, failure_ratio(s, 5m) > 20%, failure_ratio(s, 5m) > 30%)", {}, TRUE),
    ("failure_ratio(s, 5m) * 4 > 1", {}, FALSE),
    ("-failure_ratio(s, 5m) + 1 / 2 == 0.25", {}, TRUE),
    ("failure_ratio(s, 5m) / 0 > 1", {}, UNKNOWN),
])
def test_the_language_is_read_as_its_document_says(text, rules, verdict):
    assert proof(RATIO, **rules).judge(parse(text)).verdict == verdict


def test_days_are_compared_with_durations():
    calls = {"days_left(s)": {"at": 1, "value": 20.0}}
    samples = [{"at": 1, "value": 20.0}]
    assert proof(calls, samples).judge(parse("days_left(s) < 30d")).verdict == TRUE
    assert proof(calls, samples).judge(parse("days_left(s) < 1h30m")).verdict == FALSE


def test_wilsons_bound_is_that_of_the_document():
    for failures, bound in ((1, "0.888"), (2, "2.787")):
        facts = {"success": 20 - failures, "failure": failures, "neutral": 0, "value": failures / 20}
        judge = proof({"failure_ratio(s, 5m)": facts}, confidence=0.95)
        number = judge.proof.number(parse("failure_ratio(s, 5m)"))
        assert f"{100 * number.lower:.3f}" == bound
