"""Become another program that dies with the process that started it.

Run as a file, isolated from the environment, so that it costs a few milliseconds:
``python -I -S leash.py PARENT_PID ORPHAN_SIGNAL UID GID PROGRAM [ARGUMENT…]``. UID and GID are -1
to stay who we are. The kernel forgets the death signal when the user changes, so the order matters.
A preexec function would do the same, but forks the whole interpreter and its threads.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, orphan_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("The supervisor is gone.")
    os.execv(program[0], program)  # noqa: S606  # no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
