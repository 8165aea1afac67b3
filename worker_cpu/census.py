"""The census: every few seconds the control worker reads how the whole system stands, and sets gauges to it.

What cannot be read is not told: the gauges of a part that is away are absent, and only `cutroom_part_up` says 0. The parts
are asked side by side, and none a second time before it answered the first, so that a server that hangs holds up neither
the others nor, by and by, all threads and connections of the worker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from prometheus_client import Gauge

from cutroom.errors import CutroomError
from cutroom.money.books import BOOKS
from cutroom.store import census
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.telemetry import metrics
from cutroom.temporal.engine import Engine
from cutroom.temporal.queues import queue_states

log = structlog.get_logger(__name__)

# What is not in a price book cannot be asked for.
KINDS = sorted({kind for book in BOOKS.values() for kind in book.prices})

EVERY_S = 10.0
ANSWER_WITHIN_S = 5.0

# Gauge -> the values of its labels -> its value.
Reading = Mapping[Gauge, Mapping[tuple[str], float] | Mapping[tuple[str, str], float]]


class Part:
    """A server that the census asks, and the gauges that it shows of the answer."""

    def __init__(self, name: str, read: Callable[[], Awaitable[Reading]], *, tells_up: bool = True) -> None:
        """`tells_up`: whether `cutroom_part_up` says if it answers."""
        self._name = name
        self._tells_up = tells_up
        self._read = read
        self._asked: asyncio.Task[Reading | None] | None = None
        self._shown: Reading = {}

    async def take(self) -> None:
        """Ask, unless the last question is still open, and show what is answered within 5 s. Raises nothing."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._answer())
        answered, _ = await asyncio.wait({self._asked}, timeout=ANSWER_WITHIN_S)
        if not answered:
            log.warning("part_silent", part=self._name)
        self._show(self._asked.result() if answered else None)

    async def _answer(self) -> Reading | None:
        """What can be read of the part; None where nothing can."""
        try:
            return await self._read()
        except CutroomError as error:
            log.warning("part_away", part=self._name, code=error.code)
        except Exception:
            log.exception("census_failed", part=self._name)
        return None

    def _show(self, reading: Reading | None) -> None:
        if reading is None:
            for gauge in self._shown:
                gauge.clear()
        else:
            for gauge, values in reading.items():
                for labels, value in values.items():
                    gauge.labels(*labels).set(value)
            self._shown = reading
        if self._tells_up:
            metrics.PART_UP.labels(self._name).set(reading is not None)

    def forget(self) -> None:
        """Give up a question that is still open."""
        if self._asked is not None:
            self._asked.cancel()


def parts(system: Database, objects: ObjectStore, engine: Engine) -> list[Part]:
    """What the census asks. `system`: the role that sees all organisations."""
    return [
        Part("database", lambda: _read_database(system)),
        Part("holds", lambda: _read_holds(system), tells_up=False),
        Part("store", lambda: _read_store(objects)),
        Part("temporal", lambda: _read_temporal(engine)),
    ]


async def take(of: list[Part]) -> None:
    """Set every gauge once; lasts 5 s at most."""
    await asyncio.gather(*(part.take() for part in of))


async def take_forever(system: Database, objects: ObjectStore, engine: Engine) -> None:
    """Take the census until canceled, whatever is away meanwhile."""
    asked = parts(system, objects, engine)
    try:
        while True:
            await take(asked)
            await asyncio.sleep(EVERY_S)
    finally:
        for part in asked:
            part.forget()


async def _read_database(system: Database) -> Reading:
    async with system.transaction(None) as session:
        waiting = await census.outbox_waiting(session)
        return {
            metrics.JOBS: await census.open_jobs(session, KINDS),
            metrics.OUTBOX_WAITING: {(kind,): rows.count for kind, rows in waiting.items()},
            metrics.OUTBOX_AGE: {(kind,): rows.oldest_s for kind, rows in waiting.items()},
            metrics.CREDITS: await census.credits(session),
        }


async def _read_holds(system: Database) -> Reading:
    """Asked apart from the rest: where there are such holds, the whole ledger is gone through, which may take its time."""
    async with system.transaction(None) as session:
        found = await census.holds_without_job(session)
    return {metrics.HOLDS_WITHOUT_JOB: {(mode,): count for mode, count in found.items()}}


async def _read_store(objects: ObjectStore) -> Reading:
    await objects.check()
    return {}


async def _read_temporal(engine: Engine) -> Reading:
    states = await queue_states(engine)
    return {
        metrics.QUEUE_BACKLOG: {(queue,): state.backlog for queue, state in states.items()},
        metrics.QUEUE_BACKLOG_AGE: {(queue,): state.oldest_s for queue, state in states.items()},
        metrics.QUEUE_POLLERS: {(queue,): state.pollers for queue, state in states.items()},
    }
