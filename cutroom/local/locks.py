"""The locks of a home folder: one that the supervisor holds, one that all it started hold with it, one for backups.

The first says that a stack runs here. The second says that something of the last one still does, which after a kill -9 is
true for the second or so that its processes need to end.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cutroom.errors import SetupError
from cutroom.local.home import Home

_LEFTOVERS_TIMEOUT_S = 30.0
_LOOKERS_TIMEOUT_S = 0.5  # `is_running` holds the lock for a moment too


@contextmanager
def only_stack(home: Home) -> Iterator[int]:
    """Holds both locks; yields the descriptor of the second, for children to inherit.

    Raises SetupError (`already_running`) where a stack runs in this home.
    """
    supervisor, parts = _open(home, "supervisor"), _open(home, "parts")
    try:
        if not _acquired(supervisor, _LOOKERS_TIMEOUT_S):
            raise SetupError(
                f"A stack already runs in {home.path}. Use it, end it with Ctrl-C, or set CUTROOM_HOME to another folder.",
                code="already_running",
            )
        if not _acquired(parts, _LEFTOVERS_TIMEOUT_S):
            raise SetupError(f"Processes of an earlier stack in {home.path} still run; end them first.", code="already_running")
        yield parts
    finally:
        os.close(supervisor)
        os.close(parts)


@contextmanager
def only_backup(home: Home) -> Iterator[None]:
    """Raises SetupError (`already_running`) where a backup of this home is being made: it would let go what another one holds."""
    backup = _open(home, "backup")
    try:
        if not _acquired(backup, 0):
            raise SetupError(f"A backup of {home.path} is being made; wait for it.", code="already_running")
        yield
    finally:
        os.close(backup)


def is_running(home: Home) -> bool:
    """Whether a supervisor holds this home."""
    supervisor = _open(home, "supervisor")
    try:
        return not _acquired(supervisor, 0)
    finally:
        os.close(supervisor)


def _open(home: Home, name: str) -> int:
    return os.open(home.path / "run" / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _acquired(descriptor: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True
