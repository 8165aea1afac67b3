"""Limits for a child process that reads uploaded bytes: memory, CPU time, file size, no network, dead with its parent.

`limited` builds the command line; as a script (standard library only) this file takes the limits on and becomes the
command, so nothing runs between fork and exec in a worker that has threads.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

GIB = 1024**3

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


@dataclass(frozen=True)
class Limits:
    """`address_space` and `file_size` (of each written file) in bytes, `cpu_s` in CPU seconds over all threads."""

    address_space: int = 4 * GIB
    cpu_s: int = 300
    file_size: int = GIB


def limited(command: Sequence[str], limits: Limits) -> list[str]:
    """`command` under `limits`. Start it from the main thread: the kernel ends it with the thread that forked."""
    numbers = (limits.address_space, limits.cpu_s, limits.file_size, os.getpid())
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *map(str, numbers), *command]


def _leave_network(libc: ctypes.CDLL) -> bool:
    """An empty network namespace of its own; without root a user namespace comes with it. False where that is forbidden."""
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def _become(numbers: list[int], command: list[str]) -> None:
    address_space, cpu_s, file_size, parent = numbers
    libc = ctypes.CDLL(None, use_errno=True)
    if not _leave_network(libc):
        print("network namespaces are not allowed here: only the protocol allow-list keeps this process local", file=sys.stderr)
    # After the change of namespace, which clears it; and the parent may be gone by then.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    os.execv(command[0], command)


if __name__ == "__main__":
    _become([int(number) for number in sys.argv[1:5]], sys.argv[5:])
