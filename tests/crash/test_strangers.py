"""A process is known by its pid and its start: whoever has got the number of a dead one is left alone."""

import ctypes
import os
import signal
from pathlib import Path

import pytest
from harness import World, settled, wait_for
from harness.policy import gated_step

CLONE3, SIGCHLD = 435, signal.SIGCHLD
PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def world(tmp_path):
    """Orphans come to this process: a pid is free again only once somebody has asked how it ended."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    made = World(tmp_path)
    yield made
    made.close()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def reap(leader: int) -> None:
    """Waits until nobody of its process group is left: as long as one is, the number is taken."""

    def reaped() -> bool:
        try:
            while os.waitpid(-leader, os.WNOHANG)[0]:
                pass
            return False
        except ChildProcessError:
            return gone(leader)

    wait_for(reaped, what=f"process group {leader} to be gone")


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def become(pid: int) -> int:
    """A process of that number, in a session of its own, that waits to be ended."""
    wanted = ctypes.c_int32(pid)
    arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, SIGCHLD, 0, 0, 0, ctypes.addressof(wanted), 1, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    made = libc.syscall(CLONE3, arguments, ctypes.sizeof(arguments))
    if made == 0:
        os.setsid()
        os.execv("/bin/sleep", ["sleep", "600"])
    if made < 0:
        pytest.skip(f"cannot choose a pid: {os.strerror(ctypes.get_errno())}")
    return made


def marks(world) -> dict[str, int]:
    """The pids written down by the supervisor: its own and the step's."""
    found = {}
    for path in (world.folder / "rollbackd.db.runs").glob("RUN-*/exec/*"):
        if path.name in ("claim", "child"):
            text = path.read_text().split("\n")
            found[path.name] = int(text[text.index(next(t for t in text if t.startswith("pid "))) + 1])
    return found


@pytest.mark.parametrize("whose", [("claim",), ("child",), ("claim", "child")])
def test_a_stranger_with_the_pid_of_a_dead_step_is_neither_waited_for_nor_killed(world, whose):
    step, lines, _ = gated_step(world)
    world.shop["playbooks"]["by-hand"] = {"undoes": "nothing", "risk": "low", "data_loss": "none", "steps": [step]}
    world.start()
    world.healthy_first()
    world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(lambda: len(marks(world)) == 2 and lines.exists())
    pids = marks(world)
    world.daemon.kill()
    os.kill(pids["claim"], signal.SIGKILL)
    os.killpg(pids["child"], signal.SIGKILL)
    reap(pids["claim"])
    reap(pids["child"])
    strangers = []
    try:
        for name in whose:
            strangers.append(become(pids[name]))
        world.daemon.start()
        id_ = world.incidents()[0]["id"]
        incident = world.until(id_, "frozen")     # at once, not when the stranger ends
        assert incident["runs"][0]["steps"][0]["state"] == "unknown"
        world.api("operate").post(f"/v1/incidents/{id_}/abort")
        assert settled(lambda: [gone(pid) for pid in strangers]) == [False] * len(strangers)
        assert lines.read_text() == "ran\n"
    finally:
        for pid in strangers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
