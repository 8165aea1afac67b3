"""One child process of a worker: started under limits in its own session, and ended with all it started."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from cutroom.media.limits import Limits, limited

GRACE_S = 1.0


@asynccontextmanager
async def child(command: Sequence[str], limits: Limits) -> AsyncIterator[Process]:
    """The running child, stdout and stderr piped. Leaving early (an error, a cancellation) ends its whole process group."""
    # Few malloc arenas: each reserves 64 MiB of the address space that is limited.
    env = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}
    process = await asyncio.create_subprocess_exec(
        *limited(command, limits), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True, env=env
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: Process) -> None:
    """SIGTERM, then SIGKILL to the group; returns when the child is gone, within about GRACE_S."""
    _signal_group(process, signal.SIGTERM)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE_S)
    finally:  # also where this wait is itself cancelled
        _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
