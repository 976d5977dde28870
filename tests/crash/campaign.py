"""Many stories with crashes in them, from one seed. First every named point, each at one of its calls (short
form) or at every call (long form), followed by crashes at random points and moments of the lives after."""

import random
import shutil
import statistics
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

from database import Database
from harness.servers import Postgres
from judge import judge
from points import DAEMON, NAMES, OF_SUPERVISOR, STEP, SUPERVISOR, Moment, Point, sides_of, victims_text
from stage import Stage
from tools import Tools

STORY_SECONDS = 1.5
EVERYBODY = DAEMON | SUPERVISOR | STEP
WITH_HELPERS = (DAEMON, DAEMON | SUPERVISOR, EVERYBODY)
OF_HELPERS = (SUPERVISOR, SUPERVISOR | STEP, *WITH_HELPERS)
# How often a call of people comes by depends on how fast they ask.
ANSWERS_MAX = 40
RESTART_SECONDS_MAX = 1.0
AT_ONCE = 3
FOUND_MAX = 10


@dataclass
class Figures:
    seed: int
    stories: int = 0
    kills: Counter = field(default_factory=Counter)      # (point or "moment", victims)
    ready: list[float] = field(default_factory=list)
    played: list[float] = field(default_factory=list)    # seconds of each story, from its first start
    failures: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    def add(self, stage: Stage) -> None:
        self.stories += 1
        self.ready += stage.ready_seconds[1:]
        self.played.append(stage.played_seconds)
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


def count_calls(folder: Path, tools: Tools) -> dict[str, int]:
    """How often each point comes by in a story that nobody disturbs: what the plans draw from."""
    stage = Stage(folder / "quiet", tools, [])
    try:
        stage.play()
        judge(stage)
        counts = stage.page.counts()
    finally:
        stage.close()
    shutil.rmtree(stage.folder)
    never = [name for name, count in counts.items() if count == 0]
    assert not never, f"points that no story comes by; shim.c knows nothing of how it is done now: {never}"
    counts["answer_send"] = min(counts["answer_send"], ANSWERS_MAX)
    return counts


def named(randomly: random.Random, calls: dict[str, int], every_call: bool) -> list[Point]:
    """Every point and side; all its calls, or one of them."""
    points = []
    for name in NAMES:
        some = [randomly.randint(1, max(1, calls[name] * 2 // 3))]
        for count in range(1, calls[name] + 1) if every_call else some:
            for side in sides_of(name):
                points.append(Point(name, count, side, victims_for(randomly, name, side)))
    randomly.shuffle(points)
    return points


def victims_for(randomly: random.Random, name: str, side: str) -> int:
    if name not in OF_SUPERVISOR:
        return randomly.choice(WITH_HELPERS) if randomly.random() < 0.3 else DAEMON
    choices = [v for v in OF_HELPERS if v & SUPERVISOR] if side == "torn" else OF_HELPERS
    return randomly.choice(choices)


def any_crash(randomly: random.Random, calls: dict[str, int]) -> Point | Moment:
    if randomly.random() < 0.5:
        name = randomly.choice(NAMES)
        side = randomly.choice(sides_of(name))
        count = randomly.randint(1, max(1, calls[name] // 2))
        return Point(name, count, side, victims_for(randomly, name, side))
    return Moment(randomly.uniform(0, STORY_SECONDS), randomly.choice((DAEMON, DAEMON, *WITH_HELPERS)))


def plans(seed: int, calls: dict[str, int], every_call: bool) -> Iterator[list[Point | Moment]]:
    """One list of crashes a story, one crash a life. With `every_call`, random ones without end after it."""
    randomly = random.Random(seed)
    for point in named(randomly, calls, every_call):
        yield [point, *[any_crash(randomly, calls) for _ in range(randomly.randint(0, 2))]]
    while every_call:
        yield [any_crash(randomly, calls) for _ in range(randomly.randint(1, 5))]


def moments(seed: int, seconds: float) -> Iterator[list[Moment]]:
    """Of a store whose calls the shim does not know: in lives that, undisturbed, would take `seconds`."""
    randomly = random.Random(seed)
    while True:
        yield [Moment(randomly.uniform(0, seconds), randomly.choice((DAEMON, DAEMON, *WITH_HELPERS)))
               for _ in range(randomly.randint(1, 4))]


def run_shared(folder: Path, seed: int, kills: int, server: Postgres) -> Figures:
    """The same stories on PostgreSQL, killed at random moments until so many have been."""
    figures = Figures(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tools = Tools(folder / "tools")

    def story(number: int, plan: list[Moment]) -> None:
        database = Database(server, f"story{number}")
        run_story(folder, tools, number, plan, figures, database)
        database.drop()

    story(0, [])
    plans_ahead = enumerate(moments(seed, figures.played[0]), start=1)
    # In a story that is over before its moment comes nobody dies.
    while figures.total < kills and figures.stories < kills * 4 and not figures.failures:
        story(*next(plans_ahead))
    return figures


def run_story(folder: Path, tools: Tools, number: int, plan: list, figures: Figures,
              database: Database | None = None) -> None:
    # A step that takes a moment can be killed in its middle, one that does not can be over before.
    stage = Stage(folder / f"story-{number}", tools, plan, step_seconds=(0, 0.05)[len(plan) % 2], database=database)
    try:
        stage.play()
        judge(stage)
    except Exception as error:      # noqa: BLE001: whatever is wrong with it is the story's finding
        kept = folder / f"failed-{number}"
        figures.failures.append(f"seed {figures.seed}: {error!r}\n{stage.daemon.tail(25)}\n"
                                f"{stage.story()[:3000]}\nits files: {kept}\n"
                                f"again: scripts/crash --story {','.join(map(str, plan))}")
        shutil.copytree(stage.folder, kept, ignore=shutil.ignore_patterns("bin"), dirs_exist_ok=True)
    finally:
        stage.close()
        figures.add(stage)
        shutil.rmtree(stage.folder, ignore_errors=True)


def run(folder: Path, seed: int, kills: int | None = None, story: list | None = None, say=None) -> Figures:
    """The short form; with `kills` the long one, until so many have been killed; or that story alone."""
    figures = Figures(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tools = Tools(folder / "tools")
    if story:
        run_story(folder, tools, 0, story, figures)
        return figures
    stories = enumerate(plans(seed, count_calls(folder, tools), every_call=kills is not None))
    taking = threading.Lock()

    def work(worker: int) -> None:
        while (kills is None or figures.total < kills) and len(figures.failures) < FOUND_MAX:
            with taking:
                number, plan = next(stories, (0, None))
            if plan is None:
                return
            run_story(folder, tools, number, plan, figures)
            if say and worker == 0:
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


def on_postgres(seed: int, kills: int) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="rollbackd-crash-"))
    server = Postgres(folder / "postgres").with_app()
    try:
        figures = run_shared(folder, seed, kills, server)
    finally:
        server.stop()
    if not figures.failures:
        shutil.rmtree(folder)
    return figures
