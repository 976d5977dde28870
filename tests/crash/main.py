"""scripts/crash: the campaign from the command line. Exit 1 where anything was found."""

import argparse
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import campaign  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--kills", type=int, help="go on until so many were killed (without: the short form)")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=int, metavar="STORY", help="that story of the seed alone")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    figures = campaign.in_folder_of_its_own(
        seed=seed, kills=options.kills, only=options.only, say=lambda text: print(text, flush=True))
    for failure in figures.failures:
        print(f"\nFOUND {failure}", flush=True)
    print(f"\n{figures.text()}\n  took {time.monotonic() - began:.0f} s; {len(figures.failures)} found")
    long = f" --kills {options.kills}" if options.kills else ""
    if figures.failures:
        print(f"again: scripts/crash --seed {seed}{long} [--only STORY]")
    return 1 if figures.failures or figures.slow() else 0


if __name__ == "__main__":
    sys.exit(main())
