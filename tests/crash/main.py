"""scripts/crash: the campaign from the command line. Exit 1 where anything was found."""

import argparse
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import campaign  # noqa: E402
from points import parse  # noqa: E402

SAY_EVERY_SECONDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--kills", type=int, help="go on until so many were killed (without: the short form)")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--story", metavar="CRASHES", help="that story alone, as a finding names it")
    parser.add_argument("--postgres-kills", type=int, metavar="N",
                        help="so many kills on a PostgreSQL of the campaign's own, at random moments")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    story = [parse(text) for text in options.story.split(",")] if options.story else None
    began = last = time.monotonic()

    def say(text: str) -> None:
        nonlocal last
        if time.monotonic() - last > SAY_EVERY_SECONDS:
            last = time.monotonic()
            print(text, flush=True)

    if options.postgres_kills:
        figures = campaign.on_postgres(seed, options.postgres_kills)
    else:
        figures = campaign.in_folder_of_its_own(seed=seed, kills=options.kills, story=story, say=say)
    for failure in figures.failures:
        print(f"\nFOUND {failure}", flush=True)
    print(f"\n{figures.text()}\n  took {time.monotonic() - began:.0f} s; {len(figures.failures)} found")
    return 1 if figures.failures or figures.slow() else 0


if __name__ == "__main__":
    sys.exit(main())
