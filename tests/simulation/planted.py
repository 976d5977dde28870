"""scripts/simulate --planted: breaks the engine on purpose, one mutation after the other, and shows
that the simulation notices. A mutated file is compiled beside the tree and linked before the
engine's library; the tree itself is never touched. Exit 1 where one is not noticed."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from planted_list import PLANTED

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
SEEDS = 3000
SECONDS_MAX = 600
JOBS = os.cpu_count() or 2


def link_command() -> list[str]:
    """How ninja links the simulation."""
    done = subprocess.run(["ninja", "-C", str(BUILD), "-t", "commands", "simulation"], check=True,
                          capture_output=True, text=True)
    line = done.stdout.strip().splitlines()[-1]
    return shlex.split(line.removeprefix(": && ").removesuffix(" && :"))


def compile_command(source: str, link: list[str]) -> list[str]:
    """As for the library that the simulation links: another may compile the same file otherwise."""
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if Path(entry["file"]).resolve() != ROOT / source:
            continue
        argv = shlex.split(entry["command"])
        target = re.search(r"([^/]+)\.dir/", argv[argv.index("-o") + 1]).group(1)
        if any(item.endswith(f"lib{target}.a") or f"/{target}.dir/" in item for item in link):
            return argv
    raise SystemExit(f"planted: {source} is not compiled here")


def mutated(name: str, source: str, old: str, new: str) -> str:
    text = (ROOT / source).read_text()
    if text.count(old) != 1:
        raise SystemExit(f"planted: {name}: its text stands {text.count(old)} times in {source}; mend the list")
    return text.replace(old, new)


def build(name: str, source: str, text: str, link: list[str], folder: Path) -> Path | None:
    """None where it is no program any more: the list is behind the code."""
    binary = folder / name
    if binary.exists():
        return binary
    file = folder / f"{name}.cpp"
    file.write_text(text)
    argv = compile_command(source, link)
    argv[argv.index("-o") + 1] = str(folder / f"{name}.o")
    argv[argv.index("-c") + 1] = str(file)
    # A mutation may leave something unused behind.
    if subprocess.run(argv + ["-w"], cwd=BUILD).returncode != 0:
        return None
    argv = list(link)
    argv[argv.index("-o") + 1] = str(binary)
    argv.insert(argv.index("-o"), str(folder / f"{name}.o"))
    subprocess.run(argv, cwd=BUILD, check=True)
    return binary


def notice(binary: Path) -> tuple[str, float]:
    """What the simulation says of it first; empty: nothing."""
    began = time.monotonic()
    done = subprocess.run([str(binary), "--seeds", str(SEEDS), "--jobs", str(JOBS), "--failures", "1"],
                          capture_output=True, text=True, timeout=SECONDS_MAX)
    found = re.search(r"^FAILED (.*)", done.stdout, re.M)
    return (found.group(1) if found else ""), time.monotonic() - began


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/simulate --planted")
    parser.add_argument("names", nargs="*", help="of mutations; none: all of them")
    parser.add_argument("--in", dest="folder", help="keep what is built there, and use what is built there already")
    parser.add_argument("--build-only", action="store_true")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - {name for name, *_ in PLANTED}:
        parser.error(f"no mutation {sorted(unknown)[0]!r}")
    return chosen


def judge(chosen: list[tuple], binaries: list[Path | None]) -> int:
    missed = []
    for (name, _, _, _, promise), binary in zip(chosen, binaries):
        if binary is None:
            missed.append(name)
            print(f"NO PROGRAM {name}: mend the list", flush=True)
            continue
        what, took = notice(binary)
        if not what:
            missed.append(name)
        print(f"{'caught' if what else 'MISSED':6} {name:24} promise {promise:2} {took:6.1f} s  {what}", flush=True)
    print(f"planted {len(chosen)}, caught {len(chosen) - len(missed)}" +
          (f", missed: {' '.join(missed)}" if missed else ""))
    return 1 if missed else 0


def main() -> int:
    wanted = options()
    chosen = [one for one in PLANTED if not wanted.names or one[0] in wanted.names]
    texts = {name: mutated(name, source, old, new) for name, source, old, new, _ in chosen}
    with tempfile.TemporaryDirectory(prefix="rollbackd-planted-") as temporary:
        folder = Path(wanted.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not all((folder / one[0]).exists() for one in chosen):
            subprocess.run(["./scripts/build", "release", "simulation"], cwd=ROOT, check=True,
                           stdout=subprocess.DEVNULL)
            link = link_command()
        else:
            link = []
        with ThreadPoolExecutor(JOBS) as pool:
            binaries = list(pool.map(lambda one: build(one[0], one[1], texts[one[0]], link, folder), chosen))
        if wanted.build_only:
            return 1 if None in binaries else 0
        return judge(chosen, binaries)


if __name__ == "__main__":
    sys.exit(main())
