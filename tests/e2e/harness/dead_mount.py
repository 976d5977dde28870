"""A mount whose server never answers, as a network file system's that has gone: whoever looks at it hangs in
the kernel. Needs root and /dev/fuse."""

import ctypes
import os
from pathlib import Path

DEVICE = Path("/dev/fuse")
DETACH = 2


def why_no_dead_mount() -> str | None:
    if os.geteuid() != 0:
        return "a mount needs root"
    return None if DEVICE.exists() else "there is no /dev/fuse"


class DeadMount:
    """Hangs from `die` on, until `revive` lets everybody go who hangs in it, and its folder is there again."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.server: int | None = None
        self.libc = ctypes.CDLL(None, use_errno=True)

    def die(self) -> None:
        self.server = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.server},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if self.libc.mount(b"dead", str(self.folder).encode(), b"fuse", 0, options) != 0:
            code = ctypes.get_errno()
            self.revive()
            raise OSError(code, os.strerror(code), str(self.folder))

    def revive(self) -> None:
        if self.server is None:
            return
        os.close(self.server)   # what is asked now, and what was, is answered: there is nobody
        self.server = None
        self.libc.umount2(str(self.folder).encode(), DETACH)
