"""Many stories with crashes in them, from one seed. First every named point, each at one of its calls (short
form) or at every call (long form), followed by crashes at random points and moments of the lives after."""

import random
import shutil
import statistics
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

from judge import judge
from points import DAEMON, NAMES, OF_SUPERVISOR, STEP, SUPERVISOR, Moment, Point, sides_of, victims_text
from stage import Stage
from tools import Tools

# How often a life that nobody disturbs comes by: what the plans draw from. A point beyond is not reached,
# which the figures say.
CALLS = {
    "store_make": 7, "wal_write": 165, "wal_sync": 30, "base_write": 26, "base_sync": 3, "folder_sync": 21,
    "lock_write": 1, "run_folder": 19, "spec_write": 9, "spec_rename": 9, "supervisor_start": 9,
    "run_remove": 32, "message_send": 4, "answer_send": 40, "room_take": 9, "mark_write": 36,
    "mark_sync": 36, "claim_link": 9, "step_fork": 9, "mark_rename": 18, "spec_remove": 45, "end_cut": 9,
}
STORY_SECONDS = 1.5
EVERYBODY = DAEMON | SUPERVISOR | STEP
WITH_HELPERS = (DAEMON, DAEMON | SUPERVISOR, EVERYBODY)
OF_HELPERS = (SUPERVISOR, SUPERVISOR | STEP, *WITH_HELPERS)
RESTART_SECONDS_MAX = 1.0
AT_ONCE = 3


@dataclass
class Figures:
    seed: int
    stories: int = 0
    kills: Counter = field(default_factory=Counter)      # (point or "moment", victims)
    ready: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    def add(self, stage: Stage) -> None:
        self.stories += 1
        self.ready += stage.ready_seconds[1:]
        for kill in stage.kills:
            where = f"{kill.side} {kill.name}" if isinstance(kill, Point) else "moment"
            self.kills[where, kill.victims] += 1

    def slow(self) -> bool:
        """A restart takes less than a second. The median: others may use this machine."""
        return bool(self.ready) and statistics.median(self.ready) >= RESTART_SECONDS_MAX

    def reached(self) -> set[str]:
        return {where for where, _ in self.kills}

    def text(self) -> str:
        by_victims = Counter()
        for (_, victims), count in self.kills.items():
            by_victims[victims_text(victims)] += count
        moments = sum(count for (where, _), count in self.kills.items() if where == "moment")
        lines = [f"seed {self.seed}: {self.total} kills in {self.stories} stories, {moments} of them at random "
                 f"moments, {len(self.reached() - {'moment'})} kinds of named points"]
        lines += [f"  killed: {who}: {count}" for who, count in by_victims.most_common()]
        if self.ready:
            lines.append(f"  restart to ready: median {statistics.median(self.ready) * 1000:.0f} ms, "
                         f"max {max(self.ready) * 1000:.0f} ms, {len(self.ready)} restarts")
        return "\n".join(lines)


def named(randomly: random.Random, every_call: bool) -> list[Point]:
    """Every point and side; all its calls, or one of them."""
    points = []
    for name in NAMES:
        calls = range(1, CALLS[name] + 1) if every_call else [randomly.randint(1, max(1, CALLS[name] * 2 // 3))]
        for count in calls:
            for side in sides_of(name):
                points.append(Point(name, count, side, victims_for(randomly, name, side)))
    randomly.shuffle(points)
    return points


def victims_for(randomly: random.Random, name: str, side: str) -> int:
    if name not in OF_SUPERVISOR:
        return randomly.choice(WITH_HELPERS) if randomly.random() < 0.3 else DAEMON
    choices = [v for v in OF_HELPERS if v & SUPERVISOR] if side == "torn" else OF_HELPERS
    return randomly.choice(choices)


def any_crash(randomly: random.Random) -> Point | Moment:
    if randomly.random() < 0.5:
        name = randomly.choice(NAMES)
        side = randomly.choice(sides_of(name))
        return Point(name, randomly.randint(1, max(1, CALLS[name] // 2)), side, victims_for(randomly, name, side))
    return Moment(randomly.uniform(0, STORY_SECONDS), randomly.choice((DAEMON, DAEMON, EVERYBODY, DAEMON | SUPERVISOR)))


def plans(seed: int, every_call: bool, more: bool) -> Iterator[list[Point | Moment]]:
    """One list of crashes a story: one a life. With `more`, random ones without end after the named ones."""
    randomly = random.Random(seed)
    for point in named(randomly, every_call):
        yield [point, *[any_crash(randomly) for _ in range(randomly.randint(0, 2))]]
    while more:
        yield [any_crash(randomly) for _ in range(randomly.randint(1, 5))]


def tell(number: int, plan: list[Point | Moment], seed: int) -> str:
    return f"seed {seed}, story {number}: " + "; then ".join(map(str, plan))


def run_story(folder: Path, tools: Tools, number: int, plan: list, figures: Figures) -> None:
    # A step that takes a moment can be killed in its middle, one that does not can be over before.
    stage = Stage(folder / f"story-{number}", tools, plan, step_seconds=(0, 0.05)[number % 2])
    try:
        stage.play()
        judge(stage)
    except Exception as error:      # noqa: BLE001: whatever is wrong with it is the story's finding
        kept = folder / f"failed-{number}"
        figures.failures.append(f"{tell(number, plan, figures.seed)}\n{error!r}\n{stage.daemon.tail(25)}\n"
                                f"{stage.story()[:3000]}\nits files: {kept}")
        shutil.copytree(stage.folder, kept, ignore=shutil.ignore_patterns("bin"), dirs_exist_ok=True)
    finally:
        stage.close()
        figures.add(stage)
        shutil.rmtree(stage.folder, ignore_errors=True)


def run(folder: Path, seed: int, kills: int | None = None, only: int | None = None, say=None) -> Figures:
    """The short form without `kills`; with it, until so many have been killed. `only`: that story alone."""
    figures = Figures(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tools = Tools(folder / "tools")
    stories = enumerate(plans(seed, every_call=kills is not None, more=kills is not None))

    def work(worker: int) -> None:
        while kills is None or figures.total < kills:
            story = next(stories, None)
            if story is None or len(figures.failures) > 10:
                return
            number, plan = story
            if only is not None and number > only:
                return
            if only in (None, number):
                run_story(folder, tools, number, plan, figures)
            if say and worker == 0 and number % 60 < AT_ONCE:
                say(figures.text())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, range(AT_ONCE)))
    return figures


def in_folder_of_its_own(**options) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="rollbackd-crash-"))
    figures = run(folder, **options)
    if not figures.failures:
        shutil.rmtree(folder)
    return figures
