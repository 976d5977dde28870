"""What the campaign stands on, made once: the preloaded shim, and the binaries beside each other with a
supervisor that can be preloaded too (the shipped one is linked statically; the sources are the same)."""

import os
import shutil
import subprocess
from pathlib import Path

from harness import BINARIES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WRAPPER = """\
#!/bin/sh
export CRASH_PAGE='{page}' CRASH_SUPERVISOR=1 LD_PRELOAD='{shim}'
exec '{real}' "$@"
"""


class Tools:
    def __init__(self, folder: Path):
        folder.mkdir()
        self.shim = folder / "shim.so"
        self.supervisor = folder / "supervisor"
        self._daemon = folder / "rollbackd"
        sources = sorted((ROOT / "actions/steps/supervisor").glob("*.cpp"))
        compiled = [
            subprocess.Popen(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", self.shim,
                              HERE / "shim.c", "-ldl"]),
            subprocess.Popen(["g++", "-std=c++20", "-O1", f"-I{ROOT}", "-o", self.supervisor, *sources])]
        if any(process.wait() != 0 for process in compiled):
            raise RuntimeError("the crash tools do not compile")
        shutil.copy2(BINARIES / "rollbackd", self._daemon)

    def install(self, folder: Path, page: Path) -> Path:
        """The binaries for one stage; answers the daemon's path."""
        folder.mkdir()
        os.link(self._daemon, folder / "rollbackd")
        wrapper = folder / "rollbackd-step"
        wrapper.write_text(WRAPPER.format(page=page, shim=self.shim, real=self.supervisor))
        wrapper.chmod(0o755)
        return folder / "rollbackd"
