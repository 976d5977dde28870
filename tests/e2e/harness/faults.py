"""Faults of the machine under the daemon: a preloaded shim whose clocks jump and whose disk waits, and disks
that can be taken away. What needs root says so and is skipped without it."""

import os
import sqlite3
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

SANITIZED = "build/dev" in os.environ.get("ROLLBACKD_BIN_DIR", "")
# Sanitizers take their time, and keep what was freed for a while.
ANSWER_SECONDS_MAX = 1.0 if SANITIZED else 0.1
# One answer alone may have waited for a processor; none waits for what holds the daemon up.
HELD_SECONDS_MAX = 1.0
MEMORY_FACTOR = 40 if SANITIZED else 1

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
/* Every clock goes on by the seconds in FAULT_FOLDER/later; a sync takes the milliseconds in FAULT_FOLDER/slow,
 * and waits while FAULT_FOLDER/stuck is there. */
static char const* folder;
static void __attribute__((constructor)) begin(void) {
    folder = getenv("FAULT_FOLDER");
}
static char const* in_folder(char* path, size_t size, char const* name) {
    snprintf(path, size, "%s/%s", folder ? folder : "/nowhere", name);
    return path;
}
static long number_in(char const* name) {
    char path[4096];
    FILE* const file = folder ? fopen(in_folder(path, sizeof path, name), "r") : NULL;
    long number = 0;
    if (file && fscanf(file, "%ld", &number) != 1) number = 0;
    if (file) fclose(file);
    return number;
}
int clock_gettime(clockid_t id, struct timespec* ts) {
    static int (*real)(clockid_t, struct timespec*);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int const result = real(id, ts);
    if (result == 0 && id != CLOCK_PROCESS_CPUTIME_ID) ts->tv_sec += number_in("later");
    return result;
}
static void wait_for_disk(void) {
    char path[4096];
    struct stat status;
    usleep((useconds_t)number_in("slow") * 1000);
    while (folder && stat(in_folder(path, sizeof path, "stuck"), &status) == 0) usleep(5000);
}
int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    wait_for_disk();
    return real(fd);
}
int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    wait_for_disk();
    return real(fd);
}
"""


class Shim:
    """Preloaded into the daemon before it starts."""

    def __init__(self, world):
        folder = world.folder / "faults"
        folder.mkdir()
        source, library = folder / "shim.c", folder / "shim.so"
        source.write_text(SHIM)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self._folder, self._stuck = folder, folder / "stuck"
        world.daemon.environment = {"LD_PRELOAD": str(library), "FAULT_FOLDER": str(folder)}
        if SANITIZED:
            world.daemon.environment["ASAN_OPTIONS"] = "verify_asan_link_order=0"

    def later(self, seconds: int) -> None:
        """All clocks, as after a sleep of the machine or a SIGSTOP of the daemon."""
        self._write("later", seconds)

    def slow_disk(self, milliseconds: int) -> None:
        self._write("slow", milliseconds)

    def _write(self, name: str, value: int) -> None:
        new = self._folder / "new"
        new.write_text(str(value))
        new.rename(self._folder / name)     # never read half

    @contextmanager
    def stuck_disk(self) -> Iterator[None]:
        """A sync begun meanwhile ends afterwards."""
        self._stuck.touch()
        try:
            yield
        finally:
            self._stuck.unlink(missing_ok=True)


def need(*argv: object) -> None:
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{argv[0]} does not work here: {done.stderr.strip()}")


@contextmanager
def failing_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, on which `break_disk` may be called."""
    image, mount = folder / "disk.img", folder / "disk"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    need("mkfs.ext4", "-q", image)
    need("mount", "-o", "loop", image, mount)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)
        image.unlink()


def break_disk(mount: Path) -> None:
    """As the kernel does after an input/output error: read-only from here on, also for open files."""
    subprocess.run(["mount", "-o", "remount,abort", str(mount)], check=True)


def checkpoint(world) -> str:
    """What a daemon killed now would go on from, as text."""
    with sqlite3.connect(f"file:{world.folder}/rollbackd.db?mode=ro", uri=True, timeout=60) as store:
        return str(store.execute("SELECT * FROM checkpoint").fetchall())
