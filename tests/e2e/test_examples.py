"""The shipped policies: each passes its check, docs/runbooks.md names what is really in them and leaves nothing out, and
every playbook of every one can be planned by a daemon that has loaded it."""

import os
import re
import subprocess

import pytest
import yaml
from harness.daemon import BINARIES, ROOT, Daemon
from harness.waiting import wait_for
from step_faults import FAULTS

EXAMPLES = sorted(path for path in (ROOT / "config/examples").glob("*.yaml")
                  if not path.name.endswith(".test.yaml"))
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
# A section of the page is about one policy, which its heading names: ## 2. `compose-flags.yaml`
SECTIONS = dict(re.findall(r"^## \d\. `([\w-]+\.yaml)`\n(.*?)(?=^## |\Z)", RUNBOOKS, re.M | re.S))
# triggers/down, playbooks/code-rollback/branch, booking:triggers/down where the service must be told
REFERENCE = re.compile(r"`((?:[\w-]+:)?(?:triggers|playbooks|signals|duties|notify|hosts|references)/[\w./-]+|matrix|gate)`")
EXPECTED_WARNINGS = re.compile(r"warning: (there is no file /etc/rollbackd/|\$\{\w+\} is not set here)")
# Examples of the grammar, which no runbook stands behind.
WITHOUT_PAGE = {"first.yaml", "shop.yaml"}


def ctl(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROLLBACKD_")}
    return subprocess.run([str(BINARIES / "rollbackctl"), *arguments], capture_output=True, text=True, timeout=300,
                          env={**clean, **environment})


def policy_of(name: str) -> dict:
    return yaml.safe_load((ROOT / "config/examples" / name).read_text())


def things_of(policy: dict, service: str | None) -> set[str]:
    """What a reference may name: of one service, or of all."""
    found = {"matrix"} & set(policy) | {"gate"}
    found |= {f"notify/{name}" for name in policy.get("notify", {})} | {f"hosts/{name}" for name in policy.get("hosts", {})}
    for name, parts in policy["services"].items():
        if service not in (None, name):
            continue
        for kind in ("triggers", "signals", "playbooks"):
            found |= {f"{kind}/{one}" for one in parts.get(kind, {})}
        found |= {f"duties/{duty['name']}" for duty in parts.get("duties", [])}
        for playbook, content in parts.get("playbooks", {}).items():
            found |= {f"playbooks/{playbook}/{part}" for part in parts_of(content)}
    return found


def parts_of(playbook: dict) -> set[str]:
    """A playbook's steps, by name or type, its duties, and its other keys."""
    keys = {"name", "timeout", "retries", "idempotent", "check", "host", "when", "save", "approval"}
    parts = set(playbook) | {duty["name"] for duty in playbook.get("duties", [])}
    for step in playbook["steps"] + playbook.get("always", []):
        parts |= {step["name"]} if "name" in step else set()
        parts |= set(step) - keys
    return parts


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_shipped_policy_passes_its_check_and_only_its_secrets_are_missing(path):
    done = ctl("check", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    assert not [line for line in lines if "warning:" in line and not EXPECTED_WARNINGS.search(line)], done.stdout


def test_each_policy_of_a_runbook_has_its_table():
    assert set(SECTIONS) == {path.name for path in EXAMPLES} - WITHOUT_PAGE


@pytest.mark.parametrize("name", SECTIONS)
def test_what_the_table_names_is_in_the_policy_and_what_is_in_the_policy_is_named(name):
    policy = policy_of(name)
    named: set[str] = set()
    for reference in REFERENCE.findall(SECTIONS[name]):
        service, _, thing = reference.rpartition(":")
        assert thing in things_of(policy, service or None), f"{name} has no {reference}"
        named.add(thing)
    named |= {"/".join(thing.split("/")[:2]) for thing in named}
    owed = {thing for thing in things_of(policy, None)
            if thing.count("/") == 1 and thing.split("/")[0] in ("triggers", "playbooks", "duties", "notify")}
    assert not owed - named, f"docs/runbooks.md says nothing of these parts of {name}"


@pytest.mark.parametrize("name", SECTIONS)
def test_each_row_of_the_table_says_where_or_why_not(name):
    rows = [line for line in SECTIONS[name].splitlines() if line.startswith("| ") and not line.startswith("| --")]
    assert len(rows) > 10
    for row in rows[1:]:
        cells = [cell.strip() for cell in row.strip().strip("|").split(" | ")]
        if len(cells) < 2 or cells == ["sentence", "where"]:
            continue
        assert REFERENCE.search(row) or "`" in cells[-1] or cells[-1].startswith("✗"), row


def test_every_type_of_step_that_a_shipped_policy_has_fails_in_a_drill():
    keys = {"name", "timeout", "retries", "idempotent", "check", "host", "when", "save", "approval"}
    used = {key for path in EXAMPLES if path.name not in WITHOUT_PAGE
            for parts in policy_of(path.name)["services"].values() for playbook in parts.get("playbooks", {}).values()
            for step in playbook["steps"] + playbook.get("always", []) for key in set(step) - keys}
    assert used == set(FAULTS)
    for told in (told for tests in FAULTS.values() for told in tests if not told.startswith("- ")):
        file, test = told.split("::")
        assert f"def {test}(" in (ROOT / "tests/e2e" / file).read_text(), f"{told} is gone"


@pytest.fixture
def loaded(tmp_path, request):
    """A daemon that has loaded the policy as it is shipped, in observe, in a network of its own: nothing answers."""
    text = (ROOT / "config/examples" / request.param).read_text()
    for path in sorted(set(re.findall(r"/etc/rollbackd/(\w[\w.-]*)", text))):
        (tmp_path / path).write_text("https://example.com/\n" if path.endswith(".url") else "host=127.0.0.1\n")
        (tmp_path / path).chmod(0o600)
    text = text.replace("/etc/rollbackd/", f"{tmp_path}/").replace("/run/rollbackd/api.sock", f"{tmp_path}/api.sock")
    text = text.replace("/var/lib/rollbackd/", f"{tmp_path}/").replace("autonomy: enforce", "autonomy: observe")
    # A database that answers is no part of this: what would be recorded of its schema stands in a file.
    (tmp_path / "schema").write_text("41\n")
    text = re.sub(r"schema: \{ sql: .*\}\n", f"schema: {{ file: {tmp_path}/schema }}\n", text)
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "not-a-secret")
    enter = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--net")
    daemon = Daemon(tmp_path, variables, (*enter, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"))
    daemon.config.write_text(text)
    daemon.spawn()
    url = f"unix:{tmp_path}/api.sock"
    try:
        wait_for(lambda: ctl("--url", url, "status").returncode == 0, 20, "the daemon to answer")
        yield yaml.safe_load(text), url
    except AssertionError as error:
        raise AssertionError(f"{error}\n{daemon.tail()}") from None
    finally:
        daemon.stop()


@pytest.mark.parametrize("loaded", [path.name for path in EXAMPLES if path.name not in WITHOUT_PAGE], indirect=True)
def test_every_playbook_shows_what_it_would_do(loaded):
    policy, url = loaded
    for service, parts in policy["services"].items():
        assert ctl("--url", url, "deploy", service, "a" * 40, "--known-good").returncode == 0
        assert ctl("--url", url, "deploy", service, "b" * 40).returncode == 0
        for playbook, content in parts.get("playbooks", {}).items():
            given = [f"--input={name}=1" for name in content.get("inputs", {})]
            done = ctl("--url", url, "run", service, playbook, "--dry-run", *given)
            assert done.returncode == 0, f"{service} {playbook}: {done.stdout}{done.stderr}"
            for step in content["steps"] + content.get("always", []):
                assert "name" not in step or step["name"] in done.stdout, done.stdout
