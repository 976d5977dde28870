"""A container engine of its own (dockerd), with one image: busybox. Needs root and docker.io; touches no
network of the machine."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from harness.waiting import wait_for

BUSYBOX = Path("/bin/busybox")
LINKS = ("sh", "sleep", "true", "false", "echo", "cat", "date", "trap")


def why_no_engine(programs: tuple[str, ...] = ("dockerd", "docker")) -> str | None:
    if os.geteuid() != 0:
        return "a container engine needs root"
    for program in programs:
        if not shutil.which(program):
            return f"{program} is not installed (scripts/setup tests)"
    return None if BUSYBOX.exists() else "busybox-static is not installed (scripts/setup tests)"


class Engine:
    """dockerd."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.socket = str(folder / "d.sock")
        self.exec_root = str(folder / "exec")
        # A containerd that is slow to end leaves its stacks where temporary files go.
        self.environment = {**os.environ, "TMPDIR": str(folder)}
        self.process: subprocess.Popen | None = None
        self.has_image = False

    def server(self) -> list[str]:
        return ["dockerd", "--data-root", str(self.folder / "data"), "--exec-root", self.exec_root,
                "-H", f"unix://{self.socket}", "--pidfile", str(self.folder / "d.pid"), "--iptables=false",
                "--ip6tables=false", "--bridge=none", "--storage-driver=vfs", "--default-ulimit", "nofile=1024:4096"]

    def client(self) -> list[str]:
        return ["docker", "-H", f"unix://{self.socket}"]

    def start(self) -> None:
        self.process = subprocess.Popen(self.server(), stdin=subprocess.DEVNULL, env=self.environment,
                                        stdout=(self.folder / "log").open("ab"), stderr=subprocess.STDOUT,
                                        start_new_session=True)
        try:
            wait_for(self.answers, 60, "the engine")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.docker('info').stderr}\n{self.log_tail()}") from error
        if not self.has_image:
            done = subprocess.run([*self.client(), "import", "-", "bb:1"], timeout=300, env=self.environment,
                                  input=image(), capture_output=True)
            assert done.returncode == 0, done.stderr
            self.has_image = True

    def answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"the engine ended: {self.log_tail()}")
        return Path(self.socket).exists() and self.docker("info").returncode == 0

    def log_tail(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def docker(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([*self.client(), *arguments], capture_output=True, text=True, timeout=300,
                              env=self.environment)

    def ctl(self, *arguments: str) -> str:
        done = self.docker(*arguments)
        assert done.returncode == 0, f"docker {arguments}: {done.stderr}"
        return done.stdout

    def run(self, name: str, command: str, *options: str, labels: dict[str, str] | None = None) -> None:
        marks = [f"--label={key}={value}" for key, value in (labels or {}).items()]
        self.ctl("run", "-d", "--name", name, "--network=host", *marks, *options, "bb:1", "/bin/sh", "-c", command)

    def discard(self) -> None:
        """After the last stop."""

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        for container in self.docker("ps", "-aq").stdout.split():
            self.docker("rm", "-f", container)
        self.process.terminate()
        self.process.wait(120)
        for left in ("exec/netns/default", "data/vfs"):
            subprocess.run(["umount", str(self.folder / left)], capture_output=True, check=False)


PODMAN_CONF = """\
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]
log_driver = "k8s-file"
netns = "host"
cgroups = "enabled"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Podman(Engine):
    """Podman's socket, which speaks the same API. Without systemd: no health checks by itself."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        conf = folder / "containers.conf"
        conf.write_text(PODMAN_CONF)
        self.environment["CONTAINERS_CONF"] = str(conf)
        # Podman wants it no longer than 50 characters.
        self.run_root = tempfile.mkdtemp(prefix="p")

    def client(self) -> list[str]:
        return ["podman", "--root", str(self.folder / "data"), "--runroot", self.run_root,
                "--tmpdir", str(self.folder / "tmp"), "--storage-driver", "vfs"]

    def server(self) -> list[str]:
        return [*self.client(), "system", "service", "-t", "0", f"unix://{self.socket}"]

    def stop(self) -> None:
        super().stop()
        Path(self.socket).unlink(missing_ok=True)

    def discard(self) -> None:
        shutil.rmtree(self.run_root, ignore_errors=True)


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
