"""scripts/situations: plays the corpus, judges every run by its label, recomputes every decision from
its proof, and prints the table. Exit 1 where a goal is missed: no false rollback, at least 95 % of the
bad releases rolled back, every decision recomputed."""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator

from corpus import Situation, read_corpus
from evaluator import evaluate
from judging import Judgement, Told, judge
from real_stage import play_real

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("ROLLBACKD_BIN_DIR", ROOT / "build/bin"))
SEEDS = 100
CAUGHT_MIN = 0.95
JOBS = os.cpu_count() or 2
REAL_JOBS = 8    # they wait most of the time
PLAYS_MAX = 3    # on the real stack, where the machine was too slow for the story


@dataclass
class Sum:
    """What was found of one situation, over its seeds."""

    situation: Situation
    runs: int = 0
    right: int = 0
    false_rollbacks: int = 0
    outcomes: Counter = field(default_factory=Counter)
    decisions: int = 0
    wrong_decisions: list[str] = field(default_factory=list)
    wrong_seeds: list[tuple[int, str]] = field(default_factory=list)

    def add(self, seed: int, found: Judgement, decisions: int, wrong: list[str]) -> None:
        self.runs += 1
        self.right += found.right
        self.false_rollbacks += found.false_rollbacks
        self.outcomes[found.outcome] += 1
        self.decisions += decisions
        self.wrong_decisions += [f"seed {seed}: {one}" for one in wrong]
        if not found.right:
            self.wrong_seeds.append((seed, found.why))


def tell(situation: Situation, seeds: int, first: int) -> Iterator[tuple[int, Told]]:
    """Each seed of one situation, as the simulated stage tells of it."""
    argv = [str(BINARIES / "situations"), "--seeds", str(seeds), "--from", str(first)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(situation.as_json()))
    process.stdin.close()
    seed, told = 0, None
    for line in process.stdout:
        words = line.split(" ", 4)
        if words[0] != "outcome":
            told.journal.append((int(words[0]), words[1], words[2], int(words[3]), json.loads(words[4])))
            continue
        if told:
            yield seed, told
        seed, account = int(words[1]), json.loads(line.split(" ", 2)[2])
        told = Told(account["effects"], account["services"], set(account["arrived"]), [])
    if process.wait() != 0 or not told:
        raise SystemExit(f"situations: {situation.name}: the stage ended with {process.returncode}")
    yield seed, told


def play(situation: Situation, seeds: int, first: int) -> Sum:
    out = Sum(situation)
    for seed, told in tell(situation, seeds, first):
        out.add(seed, judge(situation, told), *evaluate(told.journal))
    return out


def play_really(situation: Situation, runs: int, first: int) -> Sum:
    out = Sum(situation)
    for seed in range(first, first + runs):
        for _ in range(PLAYS_MAX):
            told, kept_pace = play_real(situation, seed)
            found = judge(situation, told)
            if found.right or kept_pace:
                break
            print(f"{situation.name}: the machine did not keep pace; played again", flush=True)
        out.add(seed, found, *evaluate(told.journal))
    return out


def play_all(chosen: list[Situation], how: Callable[..., Sum], runs: int, first: int, jobs: int) -> list[Sum]:
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(how, one, runs, first): one.name for one in chosen}
        for done in as_completed(waiting):
            done.result()
    by_name = {waiting[done]: done.result() for done in waiting}
    return [by_name[one.name] for one in chosen]


def table(sums: list[Sum]) -> str:
    widest = max(len(one.situation.name) for one in sums)
    lines, kind = [], None
    for one in sums:
        if one.situation.kind != kind:
            kind = one.situation.kind
            lines.append(f"\n{kind}")
        outcomes = "; ".join(f"{n} {what}" for what, n in one.outcomes.most_common())
        word = "LIMIT" if one.situation.limit else "WRONG"
        wrong = "" if one.right == one.runs else f"  {word} {one.runs - one.right}"
        lines.append(f"  {one.situation.name:<{widest}}  {one.situation.label:<28}  {outcomes}{wrong}")
    return "\n".join(lines)


def verdict(sums: list[Sum]) -> bool:
    """Prints the totals; whether every goal is reached."""
    decisions = sum(one.decisions for one in sums)
    wrong = [f"{one.situation.name}: {text}" for one in sums for text in one.wrong_decisions]
    limits = [one for one in sums if one.situation.limit]
    sums = [one for one in sums if not one.situation.limit]
    false = sum(one.false_rollbacks for one in sums)
    bad = [one for one in sums if one.situation.label.startswith("roll back to")]
    due, caught = sum(one.runs for one in bad), sum(one.right for one in bad)
    others = [one for one in sums if one not in bad]
    print(f"\n{len(sums) + len(limits)} situations, {sum(one.runs for one in sums + limits)} runs")
    print(f"false rollbacks: {false}")
    share = f"{100 * caught / due:.2f} %" if due else "none due"
    print(f"bad releases rolled back to the right version, verified: {caught} of {due} ({share})")
    print(f"other labels met: {sum(one.right for one in others)} of {sum(one.runs for one in others)}")
    print(f"decisions recomputed: {decisions - len(wrong)} of {decisions}")
    for text in wrong[:20]:
        print(f"  not as recorded: {text}")
    for one in limits:
        print(f"known limit: {one.situation.name}: {one.right} of {one.runs} as labelled, "
              f"{one.false_rollbacks} false rollbacks: {one.situation.limit}")
    held = all(one.right == one.runs for one in others)
    return false == 0 and (not due or caught >= CAUGHT_MIN * due) and held and not wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/situations", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    parser.add_argument("--real", action="store_true", help="the main ones on the real stack too, once each")
    parser.add_argument("--why", action="store_true", help="tell the story of a wrong run of each situation")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    corpus = read_corpus()
    unknown = set(options.names) - {one.name for one in corpus}
    if unknown:
        parser.error(f"no situation is called {sorted(unknown)[0]}")
    chosen = [one for one in corpus if not options.names or one.name in options.names]
    reached = True
    if options.seeds:
        reached &= report(play_all(chosen, play, options.seeds, options.first, JOBS), "in simulation", options.why)
    if options.real:
        main_ones = [one for one in chosen if one.real]
        reached &= report(play_all(main_ones, play_really, 1, options.first, REAL_JOBS), "on the real stack", options.why)
    return 0 if reached else 1


def report(sums: list[Sum], where: str, why: bool) -> bool:
    print(f"\nSituations {where}\n{table(sums)}")
    for one in sums if why else []:
        for seed, story in one.wrong_seeds[:1]:
            print(f"\n{one.situation.name}, seed {seed}, was to be: {one.situation.label}\n{story}")
    return verdict(sums)


if __name__ == "__main__":
    sys.exit(main())
