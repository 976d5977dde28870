"""A machine with systemd as its first process: systemd-nspawn over an overlay of this machine's root,
so its packages are there and nothing here is changed. Needs root."""

import os
import shutil
import subprocess
import time
from pathlib import Path

BOOT_SECONDS_MAX = 300     # says when to give up
MASKED = ("systemd-resolved", "systemd-timesyncd", "systemd-udevd", "systemd-logind", "systemd-networkd",
          "console-getty", "systemd-firstboot")

# Runs in a mount namespace of its own: when its last process ends, the mounts are gone.
BOOT = r"""
set -eu
mount -t tmpfs -o mode=755 tmpfs /run     # nspawn leaves marks there, and they are to go too
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
rm -rf etc/systemd/system/*.wants/* lib/systemd/system/systemd-firstboot.service
rm -rf tmp/* var/tmp/* || true    # others may be writing there, and nspawn lays its own over it
rm -f etc/machine-id
systemd-id128 new > etc/machine-id
for unit in $2; do ln -sf /dev/null "etc/systemd/system/$unit.service"; done
# tar, because /lib is a link where /usr is merged and cp would not follow it.
tar -C "$3" -cf - . | tar -C "$1/root" -xf - --keep-directory-symlink
exec systemd-nspawn --quiet --directory="$1/root" --machine="$4" --register=no --keep-unit --boot \
    --console=pipe --link-journal=no
"""


def why_not() -> str | None:
    """What this machine lacks; None where the container can run."""
    if os.geteuid() != 0:
        return "a systemd container needs root"
    for program in ("systemd-nspawn", "unshare", "nsenter"):
        if not shutil.which(program):
            return f"{program} is not installed (scripts/setup tests)"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed (scripts/setup tests)"
    return None


class Container:
    def __init__(self, folder: Path, files: Path):
        self.folder, self.files = folder, files
        self.log = folder / "console.log"
        self.process: subprocess.Popen | None = None
        self.leader = 0

    def start(self) -> None:
        mountpoint = self.folder / "machine"
        mountpoint.mkdir()
        argv = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", BOOT, "boot",
                str(mountpoint), " ".join(MASKED), str(self.files), f"rb{os.getpid()}"]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log.open("wb"),
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.until(self._booted, BOOT_SECONDS_MAX, "systemd to run")

    def _booted(self) -> bool:
        assert self.process and self.process.poll() is None, f"the container ended:\n{self.console()}"
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = int(children[0])
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(self, *argv: str, check: bool = True, user: str | None = None,
            text: str | None = None) -> subprocess.CompletedProcess:
        """Runs a command inside, as root or as that user."""
        inside = ["nsenter", "-t", str(self.leader), "-m", "-p", "-u", "-i", "-C", "-n",
                  f"--root=/proc/{self.leader}/root", "--wd=/", "--"]
        if user:
            inside += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env", "--"]
        done = subprocess.run([*inside, *argv], capture_output=True, text=True, input=text, timeout=300,
                              **({} if text is not None else {"stdin": subprocess.DEVNULL}))
        assert not check or done.returncode == 0, \
            f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def shell(self, script: str, check: bool = True, user: str | None = None) -> str:
        return self.run("/bin/sh", "-euc", script, check=check, user=user).stdout

    def until(self, condition, seconds: float, what: str):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}\n{self.console()}"
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        return value

    def console(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def journal(self, unit: str = "rollbackd") -> str:
        if not self.leader:
            return ""
        return self.run("journalctl", "--no-pager", "-u", unit, "-n", "100", check=False).stdout

    def stop(self) -> None:
        """An orderly shutdown, then whatever is needed."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
