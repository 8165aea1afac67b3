"""Lets stopped processes go on (SIGCONT) once whoever stopped them has ended, is done, or takes too long.

A script of the standard library alone, since it has to be there within milliseconds:

    python -I -S guardian.py SECONDS PID...       its standard input is a pipe that closes with the one who stopped them
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress


def let_go(pids: Sequence[int]) -> None:
    """Let these processes go on; one that has ended is fine."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    select.select([sys.stdin], [], [], float(sys.argv[1]))
    let_go([int(word) for word in sys.argv[2:]])
