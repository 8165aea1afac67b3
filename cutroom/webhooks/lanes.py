"""A lane for each endpoint: a few tries at a time, so that one that hangs does not take all slots of a worker.

Who finds the lane full waits in it for a moment. Where that will not do, he is told when to come back, each one at another
time, spaced by how long a try takes there: what waits costs no slot, and few questions.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

PATIENCE_S = 1.0
LONGEST_WAIT_S = 600.0


class Busy(Exception):
    """The lane is full. `wait_s`: when to come back."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


@dataclass
class _Lane:
    """`began`: of the tries under way, by their number. `pace_s`: how long the last took. `promised`: the last time given out."""

    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    began: dict[int, float] = field(default_factory=dict)
    waiting: int = 0
    pace_s: float = 0.0
    promised: float = 0.0


class Lanes:
    """The lanes of one process."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._count = 0

    @asynccontextmanager
    async def turn(self, key: str, at_once: int) -> AsyncIterator[None]:
        """Hold one of the `at_once` places in the lane `key`. Raises Busy."""
        lane = self._lanes.setdefault(key, _Lane())
        if len(lane.began) >= at_once:
            await self._wait(lane, at_once)
        self._count += 1
        number = self._count
        lane.began[number] = time.monotonic()
        try:
            yield
        finally:
            lane.pace_s = time.monotonic() - lane.began.pop(number)
            async with lane.changed:
                lane.changed.notify(1)
            if not (lane.began or lane.waiting):
                self._lanes.pop(key, None)

    async def _wait(self, lane: _Lane, at_once: int) -> None:
        now = time.monotonic()
        pace_s = max(lane.pace_s, now - min(lane.began.values()))
        if pace_s * (lane.waiting + 1) / at_once <= PATIENCE_S:
            lane.waiting += 1
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_S), lane.changed:
                        await lane.changed.wait_for(lambda: len(lane.began) < at_once)
            finally:
                lane.waiting -= 1
            if len(lane.began) < at_once:
                return
            now, pace_s = time.monotonic(), max(pace_s, PATIENCE_S)
        lane.promised = max(now, lane.promised) + pace_s / at_once
        raise Busy(min(LONGEST_WAIT_S, lane.promised - now))
