"""pull_request: a branch with a good release's content, asked for on a forge, and waited for."""

import subprocess

import pytest
from harness import wait_for
from harness.by_hand import RUNS, carry_out, done, dry_run, step_text, with_steps
from harness.forge import TOKEN, Forge

BRANCH = "hotfix/back"


@pytest.fixture
def forge(world):
    """A good release, a bad one on main, a branch with the good one's content, and the forge that has all of it."""
    repository = world.repository
    world.good = repository.release("good")
    repository.release("bad", "fail")
    bare = world.folder / "forge.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repository.path), str(bare)], check=True)
    repository.git("remote", "add", "origin", str(bare))
    world.back = repository.git("commit-tree", f"{world.good}^{{tree}}", "-p", "main", "-m", "Back to v1")
    repository.git("push", "-q", "origin", f"{world.back}:refs/heads/{BRANCH}")
    repository.checkout("good")
    made = Forge(bare, "example/shop")
    world.token = world.folder / "forge.token"
    world.token.write_text(TOKEN + "\n")
    world.token.chmod(0o600)
    yield made
    made.stop()


def pull(world, forge, timeout: str = "60s", **more) -> dict:
    return {"pull_request": {
        "repo": str(world.repository.path), "project": "example/shop", "head": BRANCH, "good": world.good,
        "title": "Back to v1", "api": forge.url, "token_file": str(world.token), "every": "200ms", **more},
        "timeout": timeout}


def begin(world) -> None:
    world.api("operate").must(201, RUNS, {"reason": "a test"})


def ended(world) -> dict:
    def find() -> dict | None:
        runs = world.incident(world.incidents()[0]["id"])["runs"]
        return runs[-1] if runs and runs[-1]["state"] in ("succeeded", "failed", "interrupted", "aborted") else None
    return wait_for(find, what="the run to end")


def looks(forge) -> int:
    """How often a step has asked for the pull requests: what is in the branch is known to it by then."""
    return sum(method == "GET" and "/pulls?" in path for method, path in forge.calls)


def merge_by_hand(forge) -> None:
    assert forge.git("update-ref", "refs/heads/main", forge.commit(BRANCH)).returncode == 0


def test_it_is_opened_once_and_the_step_ends_when_people_have_merged_it(world, forge):
    said = world.folder / "said"
    with_steps(world, {**pull(world, forge, body="Please."), "save": "pull"},
               {"exec": {"argv": ["/bin/sh", "-c", f"echo \"$1\" >{said}", "sh", "{{ steps.pull }}"]}})
    would = dry_run(world)
    assert f"check that {BRANCH} has the content of {world.good}" in would and "at most 1m" in would
    assert TOKEN not in would and forge.pulls == []
    begin(world)
    wait_for(lambda: len(forge.calls) > 6, what="it to be waited for")
    assert world.incident(world.incidents()[0]["id"])["runs"][-1]["state"] == "running"
    assert forge.asked == [{"title": "Back to v1", "head": BRANCH, "base": "main", "body": "Please."}]
    merge_by_hand(forge)
    run = ended(world)
    assert run["state"] == "succeeded", step_text(world, run)
    url = "https://forge.example.com/example/shop/pull/1"
    assert step_text(world, run) == f"example/shop#1 ({url}) is merged"
    assert said.read_text() == url + "\n" and len(forge.asked) == 1
    assert TOKEN not in world.daemon.log.read_text()


def test_one_that_is_open_already_is_taken_and_merged_by_the_step_once_the_forge_lets_it(world, forge):
    forge.opened({"title": "by hand", "head": BRANCH, "base": "main"})
    forge.asked.clear()
    forge.mergeable = False
    with_steps(world, pull(world, forge, merge="squash"))
    begin(world)
    wait_for(lambda: sum(method == "PUT" for method, _ in forge.calls) >= 2, what="two refusals")
    forge.mergeable = True
    run = ended(world)
    assert run["state"] == "succeeded" and forge.asked == [], step_text(world, run)
    assert forge.commit("main") == world.back


def test_a_run_that_was_killed_while_it_waits_goes_on_and_opens_no_other(world, forge):
    with_steps(world, pull(world, forge, timeout="60s"))
    begin(world)
    wait_for(lambda: forge.pulls, what="it to be open")
    world.daemon.kill()
    world.daemon.start()
    calls = len(forge.calls)
    wait_for(lambda: len(forge.calls) > calls + 2, what="it to be asked for again")
    merge_by_hand(forge)
    assert ended(world)["state"] == "succeeded" and len(forge.asked) == 1 == len(forge.pulls)


def test_a_branch_with_other_content_is_never_asked_for(world, forge):
    world.repository.git("push", "-q", "-f", "origin", f"main:refs/heads/{BRANCH}")
    with_steps(world, pull(world, forge))
    run = carry_out(world)
    text = step_text(world, run)
    assert run["state"] == "failed" and "does not have the content of" in text and "behaviour" in text, text
    assert forge.asked == []


def test_what_is_pushed_meanwhile_is_not_waited_for_and_a_closed_one_is_peoples_no(world, forge):
    with_steps(world, pull(world, forge))
    begin(world)
    wait_for(lambda: forge.pulls, what="it to be open")
    forge.pulls[0]["closed"] = True
    run = ended(world)
    assert run["state"] == "failed" and "was closed without being merged" in step_text(world, run)
    forge.pulls[0]["closed"] = False
    world.ctl("resolve", world.incidents()[0]["id"], role="operate")
    before = looks(forge)
    begin(world)
    wait_for(lambda: looks(forge) > before, what="it to be waited for")
    world.repository.git("push", "-q", "-f", "origin", f"main:refs/heads/{BRANCH}")
    run = ended(world)
    assert run["state"] == "failed" and f"somebody has pushed to {BRANCH}" in step_text(world, run), step_text(world, run)


def test_an_abort_ends_the_waiting_at_once_and_leaves_it_open(world, forge):
    with_steps(world, pull(world, forge, timeout="5m", every="1m"))
    begin(world)
    wait_for(lambda: forge.pulls, what="it to be open")
    assert world.ctl("abort", world.incidents()[0]["id"], role="operate").returncode == 0
    assert ended(world)["state"] == "aborted" and forge.shown(forge.pulls[0])["state"] == "open"


def test_not_merged_in_time_is_a_failure_that_names_it(world, forge):
    with_steps(world, pull(world, forge, timeout="8s"))
    run = carry_out(world)
    text = step_text(world, run)
    assert run["state"] == "failed" and text.startswith("not merged within 8s: example/shop#1 ("), text


@pytest.mark.parametrize("trouble, words", [
    (lambda forge: setattr(forge, "token", "another"), ("status 401: the forge does not accept the token: Bad credentials", "[secret]")),
    (lambda forge: setattr(forge, "project", "example/other"), ("status 404: no such project, or the token may not see it: Not Found",)),
    (lambda forge: forge.answers.extend([(200, []), (403, {"message": "Resource not accessible by personal access token"})]),
     ("status 403: the token may not do that: Resource not accessible",)),
    (lambda forge: forge.answers.extend([(200, []), (422, {"message": "Validation Failed", "errors": [{"message": "No commits between main and x"}]})]),
     ("status 422: Validation Failed; No commits between main and x",)),
])
def test_a_forge_that_refuses_is_quoted_and_not_asked_again(world, forge, trouble, words):
    with_steps(world, pull(world, forge))
    trouble(forge)
    run = carry_out(world)
    text = step_text(world, run)
    assert run["state"] == "failed" and all(word in text for word in words), text
    assert TOKEN not in text and TOKEN not in world.daemon.log.read_text()


def test_a_forge_that_is_busy_or_away_is_asked_again(world, forge):
    with_steps(world, pull(world, forge, until="opened"))
    forge.answers.extend([(503, {"message": "busy"}), (429, {"message": "slowly"}), (200, []), (502, {})])
    run = done(world)
    assert "is open" in step_text(world, run) and len(forge.asked) == 1
