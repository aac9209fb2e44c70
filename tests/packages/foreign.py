#!/usr/bin/env python3
"""Runs a command to which programs of another architecture are as good as this machine's own, by qemu-user.

usage: foreign.py EMULATOR COMMAND...     (EMULATOR: qemu-aarch64-static; as root)

The emulator is registered with the kernel for the command alone: in a user namespace of its own, in which every user has
the number that it has outside. Kernels before 6.7 cannot do that. Status 77: why not, in one sentence.
"""

import ctypes
import os
import shutil
import sys

SKIPPED = 77
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
BINFMT = "/proc/sys/fs/binfmt_misc"
ALL_USERS = "0 0 65536\n"
# The head of an ELF program for AArch64, and which of its bits count.
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"

libc = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(SKIPPED)


def check(result, what):
    if result != 0:
        skip(f"{what}: {os.strerror(ctypes.get_errno())}")


def register(emulator):
    check(libc.mount(b"binfmt_misc", BINFMT.encode(), b"binfmt_misc", 0, None), "no emulator can be registered here")
    try:
        with open(f"{BINFMT}/register", "w", encoding="ascii") as file:
            file.write(f":bramble-foreign:M::{MAGIC}:{MASK}:{emulator}:OCF")
    except OSError as error:
        skip(f"the kernel does not take {emulator} for programs of AArch64: {error.strerror}")


def enter_namespace():
    """The numbers of its users can be given from the outside only: by the parent, which then waits for the end."""
    ready, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "no user namespace can be had here")
        os.write(ready[1], b"x")
        os.close(mapped[1])
        if not os.read(mapped[0], 1):
            sys.exit(SKIPPED)
        os.setgid(0)
        os.setuid(0)
        return
    os.close(ready[1])
    if os.read(ready[0], 1):
        for which in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{which}", "w", encoding="ascii") as file:
                file.write(ALL_USERS)
        os.write(mapped[1], b"x")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    emulator = shutil.which(sys.argv[1])
    if not emulator:
        skip(f"{sys.argv[1]} is not installed (apt install qemu-user-static)")
    enter_namespace()
    register(emulator)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
