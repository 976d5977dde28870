"""A network of a drill's own, as large as a policy needs it: loopback, the machine's public address, and a cable to
another machine that looks at it. No port and no firewall of this machine is touched. Needs root."""

import ctypes
import os
import subprocess

from harness.waiting import wait_for

CLONE_NEWNET = 0x40000000
HERE = "192.0.2.1"
# The other machine's: one of the operators, and one of everybody.
OPERATOR, ANYBODY = "192.0.2.2", "198.51.100.2"
HERE_OF_THIS_THREAD = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


def must(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class OwnNetwork:
    """This thread's, from here on, and that of all that it begins."""

    def __init__(self) -> None:
        self.before = os.open(HERE_OF_THIS_THREAD, os.O_RDONLY)
        must(_libc.unshare(CLONE_NEWNET))
        self.other = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        self.inside_other = ("nsenter", f"--net=/proc/{self.other.pid}/ns/net", "--")
        ours = os.readlink(HERE_OF_THIS_THREAD)
        wait_for(lambda: os.readlink(f"/proc/{self.other.pid}/ns/net") != ours, what="the other machine's network")
        ip("link", "set", "lo", "up")
        ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(self.other.pid))
        ip("addr", "add", f"{HERE}/24", "dev", "cable")
        ip("link", "set", "cable", "up")
        for line in (f"addr add {OPERATOR}/24 dev cable", f"addr add {ANYBODY}/32 dev cable", "link set cable up", "link set lo up"):
            run(*self.inside_other, "ip", *line.split())
        ip("route", "add", f"{ANYBODY}/32", "dev", "cable")

    def reaches(self, port: int, source: str = ANYBODY) -> bool:
        """A connection from the other machine is accepted."""
        ask = f"import socket; socket.create_connection(({HERE!r}, {port}), 2, ({source!r}, 0))"
        return subprocess.run([*self.inside_other, "/usr/bin/python3", "-c", ask], capture_output=True).returncode == 0

    def stop(self) -> None:
        self.other.terminate()
        self.other.wait(60)
        must(_libc.setns(self.before, CLONE_NEWNET))
        os.close(self.before)


def ip(*argv: str) -> None:
    run("ip", *argv)


def run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{argv}: {done.stderr}{done.stdout}"
