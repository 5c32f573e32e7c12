#!/usr/bin/env python3
"""A file system that answers late, as a file server far away does.

slow_fs.py MOUNT_POINT FILES FILES_PER_DIRECTORY MILLISECONDS
    Mounts a read-only tree of empty files, which exists in no memory: all follows from the numbers. Each request is answered after so many
    milliseconds, many requests at the same time. Nothing may be cached by the kernel. Prints "ready" when it is mounted, and ends when it
    is unmounted. Linux, root.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
import threading
import time

# Requests, by the names of linux/fuse.h.
LOOKUP, FORGET, GETATTR, OPEN, STATFS, RELEASE, INIT, OPENDIR, READDIR, RELEASEDIR = 1, 2, 3, 14, 17, 18, 26, 27, 28, 29
ACCESS, INTERRUPT, DESTROY, BATCH_FORGET = 34, 36, 38, 42
# Lookups in one directory may come at the same time.
PARALLEL_DIROPS = 1 << 18
ROOT = 1
THREADS = 64
MS_RDONLY, MS_NOSUID, MS_NODEV = 1, 2, 4
TIME = 1_700_000_000


class Tree:
    """Number 1 is the root; then come the directories, then the files."""

    def __init__(self, files, each):
        self.files, self.each = files, each
        self.dirs = (files + each - 1) // each

    def kind(self, number):
        return stat.S_IFDIR | 0o755 if number < 2 + self.dirs else stat.S_IFREG | 0o644

    def entries(self, number):
        """The names in a directory, with their numbers."""
        if number == ROOT:
            return [(b"%04x" % n, 2 + n) for n in range(self.dirs)]
        first = (number - 2) * self.each
        last = min(first + self.each, self.files)
        return [(b"%08x.cif.gz" % n, 2 + self.dirs + n) for n in range(first, last)]

    def find(self, number, name):
        """The number of a name in a directory, or None."""
        try:
            n = int(name.split(b".")[0], 16)
        except ValueError:
            return None
        if number == ROOT:
            return 2 + n if n < self.dirs and name == b"%04x" % n else None
        within = n < self.files and n // self.each == number - 2
        return 2 + self.dirs + n if within and name == b"%08x.cif.gz" % n else None


class Server:
    def __init__(self, device, tree, delay):
        self.device, self.tree, self.delay = device, tree, delay

    def attributes(self, number):
        mode = self.tree.kind(number)
        links = 2 if stat.S_ISDIR(mode) else 1
        return struct.pack("<6Q10I", number, 0, 0, TIME, TIME, TIME, 0, 0, 0, mode, links, 0, 0, 0, 4096, 0)

    def listing(self, number, offset, size):
        names = [(b".", number), (b"..", ROOT)] + self.tree.entries(number)
        out = []
        for at, (name, to) in enumerate(names[offset:], offset + 1):
            entry = struct.pack("<QQII", to, at, len(name), self.tree.kind(to) >> 12) + name
            entry += bytes(-len(entry) % 8)
            size -= len(entry)
            if size < 0:
                break
            out.append(entry)
        return b"".join(out)

    def answer(self, operation, number, body):
        """The answer, or an error number. Names and attributes are valid for no time at all."""
        if operation == INIT:
            return struct.pack("<4I2H2I2HI7I", 7, 31, 0, PARALLEL_DIROPS, THREADS, THREADS, 131072, 1, 32, 0, 0, *([0] * 7))
        if operation == LOOKUP:
            found = self.tree.find(number, body.rstrip(b"\0"))
            return struct.pack("<4Q2I", found, 0, 0, 0, 0, 0) + self.attributes(found) if found else errno.ENOENT
        if operation == GETATTR:
            return struct.pack("<Q2I", 0, 0, 0) + self.attributes(number)
        if operation in (OPEN, OPENDIR):
            return struct.pack("<Q2I", 0, 0, 0)
        if operation == READDIR:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.listing(number, offset, size)
        if operation == STATFS:
            return struct.pack("<5Q4I6I", 0, 0, 0, self.tree.files, 0, 4096, 255, 4096, 0, *([0] * 6))
        if operation in (RELEASE, RELEASEDIR, ACCESS):
            return b""
        return errno.ENOSYS

    def serve(self):
        while True:
            try:
                request = os.read(self.device, 1 << 18)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                # Unmounted.
                os._exit(0)
            length, operation, unique, number = struct.unpack_from("<IIQQ", request)
            if operation in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            if operation == DESTROY:
                os._exit(0)
            if operation != INIT:
                time.sleep(self.delay)
            answer = self.answer(operation, number, request[40:length])
            failed = isinstance(answer, int)
            data = b"" if failed else answer
            try:
                os.write(self.device, struct.pack("<IiQ", 16 + len(data), -answer if failed else 0, unique) + data)
            except OSError:
                # Whoever asked has given up.
                pass


def main(arguments):
    if len(arguments) != 4:
        sys.exit(__doc__)
    point, files, each, milliseconds = arguments[0], int(arguments[1]), int(arguments[2]), float(arguments[3])
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"slow_fs", os.fsencode(point), b"fuse", MS_RDONLY | MS_NOSUID | MS_NODEV, options) != 0:
        sys.exit(f"cannot mount at {point}: {os.strerror(ctypes.get_errno())}")
    server = Server(device, Tree(files, each), milliseconds / 1000)
    for _ in range(THREADS - 1):
        threading.Thread(target=server.serve, daemon=True).start()
    print("ready", flush=True)
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
