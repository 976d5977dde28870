"""Builds the page with Vite and writes it as C++, every file plain and gzipped (page.hpp).

Usage: build.py SOURCE WORK OUTPUT. SOURCE is this folder; WORK keeps the packages of package-lock.json
between builds, shared by all presets; OUTPUT is the C++ file. Where npm or its registry cannot be had the
daemon is built all the same, with a page that says so."""

import fcntl
import gzip
import hashlib
import mimetypes
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS_MAX = 180
COPIED = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "vite.config.ts", "index.html", "src", "without")
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml"}


def refresh(source: Path, work: Path) -> None:
    """The sources beside the packages, where Vite finds both; the source tree stays clean."""
    for name in COPIED:
        shutil.rmtree(work / name, ignore_errors=True)
        copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
        copy(source / name, work / name)


def has_packages(work: Path) -> bool:
    """Those of the lock file are there, or were just fetched. None of them runs a script of its own."""
    wanted = hashlib.sha256((work / "package-lock.json").read_bytes()).hexdigest()
    mark = work / "packages"
    if mark.is_file() and mark.read_text() == wanted:
        return True
    if shutil.which("npm") is None:
        return False
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=work, timeout=INSTALL_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode == 0:
        mark.write_text(wanted)
    return done.returncode == 0


def build(work: Path) -> Path:
    for tool in ("typescript/bin/tsc", "vite/bin/vite.js"):
        arguments = ["--noEmit"] if tool.endswith("tsc") else ["build", "--logLevel", "warn"]
        subprocess.run(["node", f"node_modules/{tool}", *arguments], cwd=work, check=True)
    return work / "dist"


def bytes_of(name: str, content: bytes) -> list[str]:
    lines = [f"constexpr unsigned char {name}[] = {{"]
    for at in range(0, len(content), 64):
        lines.append(",".join(map(str, content[at:at + 64])) + ",")
    return [*lines, "};"]


def as_cpp(folder: Path) -> str:
    lines = ['#include "api/dashboard/page.hpp"', "", "namespace rollbackd::api {", "", "namespace {", ""]
    table = []
    for n, file in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        content = file.read_bytes()
        lines += bytes_of(f"plain_{n}", content) + bytes_of(f"gzip_{n}", gzip.compress(content, 9, mtime=0)) + [""]
        kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
        tag = hashlib.sha256(content).hexdigest()[:16]
        name = file.relative_to(folder).as_posix()
        table.append(f'    {{"{name}", "{kind}", "{tag}", text_of(plain_{n}), text_of(gzip_{n})}},')
    lines += ["template <std::size_t N>", "std::string_view text_of(unsigned char const (&bytes)[N]) {",
              "    return {reinterpret_cast<char const*>(bytes), N};", "}", "", "}  // namespace", "",
              "std::span<Asset const> dashboard_assets() {", "    static Asset const assets[] = {", *table, "    };",
              "    return assets;", "}", "", "}  // namespace rollbackd::api", ""]
    return "\n".join(lines)


def main(source: Path, work: Path, output: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refresh(source, work)
        if has_packages(work):
            pages = build(work)
        else:
            print("warning: npm or its registry cannot be had: built without the dashboard "
                  "(scripts/setup installs npm)", file=sys.stderr, flush=True)
            pages = work / "without"
        output.write_text(as_cpp(pages))


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:4]))
