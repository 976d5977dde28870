"""An sshd of its own on loopback, and a key that it lets in."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path

from harness.net import free_port
from harness.waiting import wait_for


def why_no_sshd() -> str | None:
    for program in ("/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"):
        if not Path(program).exists():
            return f"{program} is not installed (scripts/setup tests)"
    return None if os.geteuid() == 0 or shutil.which("ssh") else "no ssh"


class Sshd:
    """`command` is carried out whatever is asked for, which it finds in $SSH_ORIGINAL_COMMAND."""

    def __init__(self, folder: Path, command: str = "", enter: tuple[str, ...] = ()):
        folder.mkdir(exist_ok=True)
        self.enter = enter      # where it runs: a machine of its own
        self.folder, self.port = folder, free_port()
        self.log = folder / "log"
        self.process: subprocess.Popen | None = None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for name in ("host", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        shutil.copy(folder / "key.pub", folder / "authorized")
        public = " ".join((folder / "host.pub").read_text().split()[:2])
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {public}\n")
        # In a second shell bash reads no startup file: what a user's does is no matter of the tests.
        (folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n"
            "SetEnv SHLVL=1\n" + (f"ForceCommand {command}\n" if command else ""))

    @property
    def host(self) -> dict:
        """As `hosts` of a policy has it."""
        return {"ssh": f"{getpass.getuser()}@127.0.0.1", "port": self.port,
                "identity_file": str(self.folder / "key"), "known_hosts": str(self.folder / "known")}

    def start(self) -> None:
        self.log.touch()
        before = self.log.read_text().count("listening on")
        self.process = subprocess.Popen([*self.enter, "/usr/sbin/sshd", "-D", "-f", str(self.folder / "config"), "-E",
                                         str(self.log)], stdin=subprocess.DEVNULL, start_new_session=True)
        wait_for(lambda: self.log.read_text().count("listening on") > before, what="sshd to listen")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None
