"""Holds processes still for a moment, so that what they write to in several places can be looked at as of one instant.

SIGSTOP holds them, and `guardian` lets them go on whatever becomes of us meanwhile: kill -9, Ctrl-Z, a server that hangs.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cutroom.errors import Unreachable
from cutroom.local import guardian

LONGEST_S = 2.0
_AT_REST = frozenset("TtZX")  # stopped, traced, zombie, dead: as /proc says it


@dataclass
class Hold:
    """`seconds`: from the first signal to the last, once it is over."""

    seconds: float = 0.0


@contextmanager
def held(pids: Sequence[int], longest_s: float = LONGEST_S) -> Iterator[Hold]:
    """Every thread of these processes stands still while the body runs; afterwards they go on.

    Raises Unreachable (`stack_unsettled`) where a process is gone, does not come to rest, or where the body took longer than
    `longest_s`, so that they went on before its end.
    """
    command = [sys.executable, "-I", "-S", str(Path(guardian.__file__)), str(longest_s), *map(str, pids)]
    # A session of its own: no Ctrl-C and no hang-up that is meant for us reaches it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as waiting:
        began, hold = time.monotonic(), Hold()
        try:
            _stop(pids)
            while not all(map(_at_rest, pids)):
                _require(began, longest_s)
                time.sleep(0.001)
            yield hold
            _require(began, longest_s)
        finally:
            guardian.let_go(pids)
            hold.seconds = time.monotonic() - began
            waiting.communicate()


def _stop(pids: Sequence[int]) -> None:
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError as error:
        detail = "A part of the stack has just ended and is being started again; try again shortly."
        raise Unreachable(detail, code="stack_unsettled") from error


def _at_rest(pid: int) -> bool:
    """A signal stops the threads of a process one by one, each when it leaves the kernel."""
    states = []
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            states.append(thread.read_text().rpartition(") ")[2][0])
    return _AT_REST.issuperset(states)


def _require(began: float, longest_s: float) -> None:
    if time.monotonic() - began > longest_s:
        detail = f"This machine is so busy that the stack could not be looked at within {longest_s:g} s; try again later."
        raise Unreachable(detail, code="stack_unsettled")
