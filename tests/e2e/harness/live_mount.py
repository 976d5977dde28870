"""A mount with a server of its own that serves the files of a folder, for reading, and may fall silent: then whoever
looks hangs in the kernel, with a file that is open already too, until it speaks again. Needs root and /dev/fuse."""

import ctypes
import errno
import os
import struct
import threading
from pathlib import Path

DETACH = 2
LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = (
    1, 2, 3, 14, 15, 18, 25, 26, 27, 28, 29, 36, 42)
UNANSWERED = {FORGET, INTERRUPT, BATCH_FORGET}
DIRECT_IO = 1   # every read asks the server
ROOT = 1


class LiveMount:
    """`folder` shows what lies in `behind`. Attributes and names are asked for each time."""

    def __init__(self, folder: Path, behind: Path):
        self.folder, self.behind = folder, behind
        self.names: dict[int, str] = {ROOT: ""}
        self.speaks = threading.Event()
        self.speaks.set()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.server},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if self.libc.mount(b"live", str(folder).encode(), b"fuse", 0, options) != 0:
            code = ctypes.get_errno()
            os.close(self.server)
            raise OSError(code, os.strerror(code), str(folder))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def die(self) -> None:
        self.speaks.clear()

    def revive(self) -> None:
        """Every question that was asked meanwhile is answered now."""
        self.speaks.set()

    def unmount(self) -> None:
        self.revive()
        self.libc.umount2(str(self.folder).encode(), DETACH)
        self.thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                question = os.read(self.server, 1 << 18)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                break   # unmounted
            self.speaks.wait()
            _, opcode, unique, node = struct.unpack_from("<IIQQ", question)
            if opcode in UNANSWERED:
                continue
            try:
                self._answer(unique, self._do(opcode, node, question[40:]))
            except OSError as error:
                self._answer(unique, b"", error.errno or errno.EIO)
        os.close(self.server)

    def _answer(self, unique: int, body: bytes, code: int = 0) -> None:
        try:
            os.write(self.server, struct.pack("<IiQ", 16 + len(body), -code, unique) + body)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):   # whoever asked has gone
                raise

    def _path(self, node: int) -> Path:
        return self.behind / self.names[node]

    def _attributes(self, path: Path) -> bytes:
        found = path.stat()
        node = ROOT if path == self.behind else found.st_ino
        seconds, rest = divmod(found.st_mtime_ns, 10**9)
        return struct.pack("<6Q10I", node, found.st_size, found.st_blocks, seconds, seconds, seconds, rest, rest, rest,
                           found.st_mode, found.st_nlink, found.st_uid, found.st_gid, 0, 4096, 0)

    def _do(self, opcode: int, node: int, body: bytes) -> bytes:
        if opcode == INIT:
            return struct.pack("<4I2H10I", 7, 31, 1 << 16, 0, 16, 12, 1 << 16, 1, 0, 0, 0, 0, 0, 0, 0, 0)
        if opcode == LOOKUP:
            name = body.rstrip(b"\0").decode()
            attributes = self._attributes(self.behind / name)
            inode = struct.unpack_from("<Q", attributes)[0]
            self.names[inode] = name
            return struct.pack("<4Q2I", inode, 0, 0, 0, 0, 0) + attributes
        if opcode == GETATTR:
            return struct.pack("<Q2I", 0, 0, 0) + self._attributes(self._path(node))
        if opcode in (OPEN, OPENDIR):
            self._path(node).stat()
            return struct.pack("<Q2I", node, DIRECT_IO if opcode == OPEN else 0, 0)
        if opcode == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            with self._path(node).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        if opcode == READDIR:
            return self._entries(struct.unpack_from("<QQ", body)[1])
        if opcode in (RELEASE, RELEASEDIR):
            return b""
        raise OSError(errno.ENOSYS, "not served")

    def _entries(self, offset: int) -> bytes:
        out = b""
        for number, name in enumerate(sorted(os.listdir(self.behind))[offset:], offset + 1):
            text = name.encode()
            entry = struct.pack("<QQII", (self.behind / name).stat().st_ino, number, len(text), 0o100000 >> 12) + text
            out += entry.ljust((len(entry) + 7) // 8 * 8, b"\0")
        return out[:4096]
