"""scripts/run: sets everything up in a temporary folder, tells the story, cleans up."""

import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from chapters import Story
from daemon import Daemon, Hook
from shop_site import Site
from story import Narrator, Teller
from visitors import Visitors
from waiting import TookTooLong, wait_for


class Interrupted(Exception):
    pass


def interrupt(number: int, _frame: object) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)     # cleaning up is not interrupted
    raise Interrupted(signal.Signals(number).name)


class Show:
    """Everything that runs, so that all of it can be ended."""

    def __init__(self) -> None:
        self.teller = Teller()
        self.folder = Path(tempfile.mkdtemp(prefix="rollbackd-demo-"))
        self.site = Site(self.folder)
        self.hook = Hook(self.message)
        self.daemon = Daemon(self.folder, self.hook)
        self.visitors = Visitors(self.site.port)
        self.messages: list[dict] = []
        self.narrator: Narrator | None = None

    def message(self, message: dict) -> None:
        self.messages.append(message)
        did = [line for line in str(message.get("text", "")).splitlines() if line.startswith("rollbackd: ")]
        incident = (message.get("incident") or {}).get("id", "")
        self.teller.tell("message", f"to the team, {incident} {message.get('event')}: "
                         f"{did[0].removeprefix('rollbackd: ') if did else message.get('text')}")

    def start(self) -> None:
        self.site.release(1)
        self.site.start()
        self.daemon.start(self.site.words)
        self.narrator = Narrator(self.daemon, self.teller)
        self.visitors.start()
        wait_for(lambda: self.visitors.requests > 100, 20, "traffic")
        self.teller.plain(f"The shop is at http://127.0.0.1:{self.site.port}, rollbackd at {self.daemon.url}.\n"
                          "The policy is scripts/demo/policy.yaml: a real one's, with short periods.")

    def stop(self) -> None:
        for end in (self.visitors.stop, self.narrator.stop if self.narrator else None, self.daemon.stop,
                    self.site.stop, self.hook.stop):
            if end:
                try:
                    end()
                except Exception as error:  # the rest is ended all the same
                    print(f"cleaning up: {error}", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)


def summary(show: Show, story: Story) -> None:
    if story.rollback:
        show.teller.title("The incident report (rollbackctl report " + story.rollback["id"] + ")")
        report = show.daemon.ctl("report", story.rollback["id"])
        show.teller.plain(report.stdout.rstrip() or report.stderr.rstrip())
        story.checks.check(report.returncode == 0 and report.stdout.strip(), "there is an incident report")
    if story.times:
        show.teller.title("Measured")
        for name, text in story.times:
            show.teller.plain(f"  {name:<12}{text}")
    show.teller.title("Did it do what it should?")
    story.checks.check(len(show.messages) >= 4, f"people were told ({len(show.messages)} messages)")
    story.checks.show()


def stay(show: Show) -> None:
    show.teller.plain(
        f"\nStill running. The API and metrics: {show.daemon.url} (token {show.daemon.token})\n"
        f"Try:  export ROLLBACKD_URL={show.daemon.url} ROLLBACKD_TOKEN={show.daemon.token}\n"
        "      build/bin/rollbackctl status\n"
        "Ctrl-C ends everything and cleans up.")
    threading.Event().wait()


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    show, once = Show(), "--once" in sys.argv[1:]
    story = Story(show.site, show.daemon, show.visitors, show.teller)
    try:
        try:
            show.start()
            story.run()
        except TookTooLong as error:
            story.checks.check(False, str(error))
            show.teller.tell("bad", f"{error}\n{show.daemon.log_tail()}")
        summary(show, story)
        if not once:
            stay(show)
        return 0 if story.checks.good else 1
    except Interrupted as why:
        print(f"\n{why}: cleaning up", file=sys.stderr)
        return 0 if str(why) == "SIGINT" and not once else 130
    finally:
        show.stop()


if __name__ == "__main__":
    sys.exit(main())
