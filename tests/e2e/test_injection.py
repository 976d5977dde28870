"""What comes from outside is shown and never obeyed: no terminal, log, message, report or page takes a reason,
an output, a line of a log or a name for anything but text."""

import re

import pytest
from harness import wait_for
from harness.daemon import ROOT
from harness.policy import failing_payments, script
from test_boundaries import line, write

# Terminal escapes (7 and 8 bit), a title, a forged line, HTML, Markdown, mentions, a direction override.
EVIL = ("\x1b[2J\x1b]0;owned\x07\u009b31m\nYou: run forged\r\n2026-01-01T00:00:00Z info forged\n"
        "<script>alert(1)</script><img src=x onerror=alert(1)>[click](http://evil.example.com)\n"
        "# forged\n| forged | row |\n`code` @everyone <!channel> \u202edlrow\u2028\ufeff\x00")
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
FORGED = re.compile(r"^(You: run forged|\S* info forged|# forged|\| forged)", re.M)
COMMANDS = ("status", "services", "incidents", "show INC", "explain INC", "explain shop/payments", "report INC",
            "versions shop")


def harmless(text: str, where: str) -> None:
    assert not STEERS.search(text), f"{where}: {STEERS.search(text).group(0)!r} in {text[:2000]!r}"
    assert not FORGED.search(text), f"{where}: {FORGED.search(text).group(0)!r}"


@pytest.fixture
def attacked(world):
    """A failing step, a failing push, a raise and a log line, each with all of it."""
    slack = world.folder / "slack.url"
    slack.write_text(world.sink.url)
    world.policy["notify"]["chat"] = {"webhook": {"url_file": str(slack), "format": "slack"}}
    (world.folder / "evil").write_text(EVIL.replace("\x00", ""))
    shout = script(world, "shout", f'cat "{world.folder}/evil" >&2\ncat "{world.folder}/evil"\nexit 3\n')
    world.shop["playbooks"]["shout"] = {"undoes": "nothing", "risk": "low", "data_loss": "none",
                                        "steps": [{"exec": {"argv": [shout]}}]}
    world.shop["signals"]["requests"] = {"access_log": {"path": str(world.access_log)}}
    world.triggers(
        payments=failing_payments(response=["shout"], blame="any"),
        log={"when": "failures(requests, 5m) >= 1", "severity": "P2", "response": "alert"},
        seen={"when": "consecutive_failures(payments) > 1000", "severity": "P1", "response": "alert"})
    world.start()
    world.healthy_first()
    flat = EVIL.replace("\n", "").replace("\r", "").replace('"', "")
    write(world, line(500, path=f"/{flat}", query=f"?{flat}"))
    world.push("payments", *[{"ok": False, "reason": EVIL, "id": f"{n}{EVIL}"} for n in range(4)])
    id_ = world.opened("payments")["id"]
    world.until(id_, "frozen", "open")
    world.api("operate").must(200, "/v1/services/shop/triggers/seen/raise", {"reason": EVIL})
    world.api("operate").must(200, f"/v1/incidents/{id_}/verdict", {"verdict": "false-positive", "reason": EVIL})
    for told in (lambda: world.sink.messages, lambda: chats(world)):
        wait_for(lambda: {"payments", "seen"} <= set(re.findall(r"payments|seen", str(told()))))
    return world, id_


def chats(world) -> list[str]:
    return [message["text"] for message in world.sink.messages if "incident" not in message]


def test_no_outside_text_steers_a_terminal_or_writes_a_line_of_its_own(attacked):
    world, id_ = attacked
    harmless(world.daemon.log.read_text(), "the log")
    for command in COMMANDS:
        done = world.ctl(*command.replace("INC", id_).split())
        assert done.returncode == 0, done.stderr
        harmless(done.stdout + done.stderr, command)
    for message in world.sink.messages:
        harmless(message["text"], "a message")
        assert len(message["text"].splitlines()) == 4, message["text"]


def test_a_report_and_a_chat_take_outside_text_for_text(attacked):
    world, id_ = attacked
    report = world.ctl("report", id_).stdout
    assert not re.search(r"<(script|img)|(?<!\\)\]\(http|(?<!\\)`code", report), report
    chat = chats(world)
    assert chat and not any("<" in text or "<!channel>" in text for text in chat), chat


def test_the_page_puts_no_text_in_as_markup(world):
    world.start()
    page = world.api(None).get("/")
    assert page.status == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    # The libraries in it could; that the page never asks them to is seen in its source, and test_dashboard.py
    # shows such text to a browser.
    sources = sorted((ROOT / "api/dashboard/src").glob("*.ts*"))
    assert sources
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(|new Function|srcdoc|javascript:"
    found = [(file.name, sink) for file in sources for sink in re.findall(sinks, file.read_text(), re.I)]
    assert not found, found



NAMES = ["--upload-pack=evil", "-x", "{{ repo }}", "v${HOME}", "a b", "a\nb", "a\x1b[31mb", "a\x00b", "", "a\u009bb", "x" * 300]


@pytest.mark.parametrize("version", NAMES)
def test_a_version_that_could_be_an_option_or_two_words_is_refused(world, version):
    world.start()
    answer = world.api("ingest").post("/v1/services/shop/deployments", {"version": version})
    assert answer.status == 422, answer.text
    harmless(answer.text + world.daemon.log.read_text(), "the refusal")


VALUES = ["--upload-pack=touch pwned", "-c core.sshCommand=touch", "$(touch pwned)", "`touch pwned`", "; touch pwned",
          "two words", "a'b\"c", "a\nb", "{{ repo }}", "${HOME}", "../../pwned", "*"]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_one_argument_and_never_an_option_or_a_command(world, value):
    """First on its own, where a leading dash would make an option of it, then behind an equals sign."""
    out = world.folder / "out"
    show = script(world, "show", f'printf "%s\\\\0" "$#" "$@" > "{out}"\n')
    for name, argument in (("alone", "{{ inputs.text }}"), ("behind", "--text={{ inputs.text }}")):
        world.shop["playbooks"][name] = {"undoes": "nothing", "risk": "low", "data_loss": "none", "inputs": {"text": None},
                                         "steps": [{"exec": {"argv": [show, argument], "cwd": str(world.folder)}}]}
    world.start()
    for name, before in (("alone", ""), ("behind", "--text=")):
        out.unlink(missing_ok=True)
        answer = world.api("operate").post(f"/v1/services/shop/playbooks/{name}/runs",
                                           {"reason": "a test", "inputs": {"text": value}})
        if "{{" in value or "${" in value or name == "alone" and value.startswith("-"):
            assert answer.status in (409, 422), answer.text
            continue
        assert answer.status == 201, answer.text
        wait_for(lambda: out.exists() and out.read_text().split("\0")[:-1] == ["1", before + value],
                 what=f"{value!r} to be one argument")
        wait_for(lambda: world.incidents() == [] or not any(
            run["state"] in ("running", "verifying") for item in world.incidents()
            for run in world.incident(item["id"])["runs"]))
    assert not list(world.folder.rglob("pwned"))


def test_a_version_with_shell_in_it_is_a_word_for_git_that_it_does_not_know(world):
    world.start()
    world.healthy_first()
    world.record("v;touch&&pwned", known_good=True)
    world.repository.prepare("v2", "fail")
    world.deploy("v2")
    incident = world.opened("down")
    wait_for(lambda: world.incident(incident["id"])["refusals"] or world.incident(incident["id"])["runs"])
    assert not list(world.folder.rglob("pwned"))
