"""Two machines without a machine: network namespaces joined by a cable, each entered by an sshd on loopback. Needs
root; no network and no firewall of the machine is touched."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.sshd import Sshd, why_no_sshd
from harness.waiting import wait_for

WEB, OTHER = ("192.0.2.1", "2001:db8::1"), ("192.0.2.2", "2001:db8::2")
SERVER = """
import socketserver, socket, sys
class Six(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address, daemon_threads = socket.AF_INET6, True, True
    request_queue_size = 128
class Hello(socketserver.BaseRequestHandler):
    def handle(self):
        for line in self.request.makefile("rb"):
            self.request.sendall(b"hello " + line)
Six(("::", int(sys.argv[1])), Hello).serve_forever()
"""


def why_no_namespaces(*programs: str) -> str | None:
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", *programs):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return f"{program} is not installed (scripts/setup tests)"
    return why_no_sshd()


class TwoMachines:
    """`web`, which is closed and opened, and `other`, which looks at it."""

    def __init__(self, folder: Path):
        folder.mkdir()
        self.folder, self.servers = folder, []
        self.names = {"web": f"rbw{os.getpid():x}", "other": f"rbo{os.getpid():x}"}
        self.etc = folder / "ufw"
        if Path("/etc/ufw").exists():
            shutil.copytree("/etc/ufw", self.etc)
        else:
            self.etc.mkdir()
        # What is asked for runs over there, with ufw's files of its own.
        self.sshds = {machine: Sshd(folder / machine, " ".join(self.inside(machine, "sh -c \"$SSH_ORIGINAL_COMMAND\"")))
                      for machine in self.names}

    def inside(self, machine: str, line: str) -> list[str]:
        script = self.folder / f"{machine}-{abs(hash(line)):x}.sh"
        script.write_text(f"mount --bind {self.etc} /etc/ufw 2>/dev/null\n{line}\n")
        return ["ip", "netns", "exec", self.names[machine], "unshare", "-m", "--propagation", "private", "sh",
                str(script)]

    def start(self) -> "TwoMachines":
        for name in self.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "cable", "netns", self.names["web"], "type", "veth", "peer", "name", "cable", "netns",
            self.names["other"])
        for machine, addresses in (("web", WEB), ("other", OTHER)):
            name = self.names[machine]
            run("ip", "-n", name, "addr", "add", f"{addresses[0]}/24", "dev", "cable")
            run("ip", "-n", name, "-6", "addr", "add", f"{addresses[1]}/64", "dev", "cable", "nodad")
            run("ip", "-n", name, "link", "set", "cable", "up")
        for sshd in self.sshds.values():
            sshd.start()
        return self

    @property
    def hosts(self) -> dict:
        return {machine: sshd.host for machine, sshd in self.sshds.items()}

    def run(self, line: str) -> str:
        """On web."""
        return run(*self.inside("web", line))

    def listen(self, port: int, program: str = "") -> None:
        """A server in web that answers lines, on both families; or `program`, until it listens there."""
        script = self.folder / "server.py"
        script.write_text(SERVER)
        line = program or f"exec /usr/bin/python3 {script} {port}"
        self.servers.append(subprocess.Popen(self.inside("web", line), stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(lambda: self.reaches(WEB[0], port), what="the server to listen")

    def reaches(self, address: str, port: int, source: str = "") -> bool:
        """A connection from the other machine is accepted."""
        ask = f"import socket; socket.create_connection(({address!r}, {port}), 2, ({source!r}, 0))"
        return subprocess.run(["ip", "netns", "exec", self.names["other"], "/usr/bin/python3", "-c", ask],
                              capture_output=True).returncode == 0

    def both(self, port: int) -> tuple[bool, bool]:
        """By IPv4, by IPv6."""
        return self.reaches(WEB[0], port), self.reaches(WEB[1], port)

    def stop(self) -> None:
        for sshd in self.sshds.values():
            sshd.stop()
        for server in self.servers:
            server.terminate()
            server.wait(60)
        self.servers = []
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{argv}: {done.stderr}{done.stdout}"
    return done.stdout
