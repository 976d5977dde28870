"""A container engine of its own (dockerd), with one image: busybox. Needs root and docker.io; touches no
network of the machine."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from harness.waiting import wait_for

BUSYBOX = Path("/bin/busybox")
LINKS = ("sh", "sleep", "true", "false", "echo", "cat", "date", "trap")


def why_no_engine() -> str | None:
    if os.geteuid() != 0:
        return "a container engine needs root"
    for program in ("dockerd", "docker"):
        if not shutil.which(program):
            return f"{program} is not installed (scripts/setup tests)"
    return None if BUSYBOX.exists() else "busybox-static is not installed (scripts/setup tests)"


class Engine:
    def __init__(self, folder: Path):
        self.folder = folder
        self.socket = str(folder / "d.sock")
        self.process: subprocess.Popen | None = None
        self.has_image = False

    def start(self) -> None:
        argv = ["dockerd", "--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec"),
                "-H", f"unix://{self.socket}", "--pidfile", str(self.folder / "d.pid"), "--iptables=false",
                "--ip6tables=false", "--bridge=none", "--storage-driver=vfs", "--default-ulimit", "nofile=1024:4096"]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=(self.folder / "log").open("ab"),
                                        stderr=subprocess.STDOUT, start_new_session=True)
        wait_for(lambda: self.docker("info").returncode == 0, 60, "dockerd to answer")
        if not self.has_image:
            done = subprocess.run(["docker", "-H", f"unix://{self.socket}", "import", "-", "bb:1"], timeout=60,
                                  input=image(), capture_output=True)
            assert done.returncode == 0, done.stderr
            self.has_image = True

    def docker(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(["docker", "-H", f"unix://{self.socket}", *arguments], capture_output=True, text=True,
                              timeout=60)

    def ctl(self, *arguments: str) -> str:
        done = self.docker(*arguments)
        assert done.returncode == 0, f"docker {arguments}: {done.stderr}"
        return done.stdout

    def run(self, name: str, command: str, *options: str, labels: dict[str, str] | None = None) -> None:
        marks = [f"--label={key}={value}" for key, value in (labels or {}).items()]
        self.ctl("run", "-d", "--name", name, "--network=host", *marks, *options, "bb:1", "/bin/sh", "-c", command)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        for container in self.docker("ps", "-aq").stdout.split():
            self.docker("rm", "-f", container)
        self.process.terminate()
        self.process.wait(30)
        subprocess.run(["umount", str(self.folder / "exec/netns/default")], capture_output=True, check=False)


def image() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "tmp", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add(BUSYBOX.resolve(), "bin/busybox")
        for link in LINKS:
            entry = tarfile.TarInfo(f"bin/{link}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return out.getvalue()
