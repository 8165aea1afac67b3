"""The sweeper: what the API has committed reaches Temporal, also where the API died or Temporal was away."""

import asyncio

import structlog

from cutroom.errors import Unreachable
from cutroom.store import outbox
from cutroom.store.database import Database
from cutroom.store.tables import Outbox
from cutroom.telemetry import tracing
from cutroom.temporal.engine import Engine, RunState

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 2.0
SWEPT_AT_ONCE = 20


async def deliver(engine: Engine, row: Outbox) -> None:
    """Start or signal what the row says; doing it twice is doing it once.

    Raises Unreachable where Temporal is away, or where the workflow to be signalled has yet to be started.
    """
    with tracing.continuing(row.traceparent), tracing.spanning(f"outbox {row.kind}"):
        if row.kind == "start":
            kind, _, entity_id = row.target.partition("/")
            payload = {name: value for name, value in row.payload.items() if name != "anew"}
            await engine.start(kind, entity_id, row.org_id or "", payload, anew=bool(row.payload.get("anew")))
        elif not await engine.signal(row.target, row.payload["signal"]) and await engine.state(row.target) is RunState.UNKNOWN:
            raise Unreachable("The workflow to be signalled is not started yet.", code="workflow_not_started")


async def sweep_once(system: Database, engine: Engine) -> int:
    """Deliver what is due, some rows at a time; returns how many were done. A row whose sweeper dies is free again at once."""
    done = 0
    while True:
        async with system.transaction(None) as session:
            rows = await outbox.claim(session, SWEPT_AT_ONCE)
            if not rows:
                return done
            for row, arrived in zip(rows, await asyncio.gather(*(_arrives(engine, row) for row in rows)), strict=True):
                await (outbox.done if arrived else outbox.failed)(session, row)
                done += arrived


async def _arrives(engine: Engine, row: Outbox) -> bool:
    try:
        await deliver(engine, row)
    except Unreachable as error:
        log.warning("outbox_waits", target=row.target, code=error.code)
        return False
    return True


async def sweep_forever(system: Database, engine: Engine) -> None:
    """Sweep until canceled, whatever is away meanwhile."""
    while True:
        try:
            await sweep_once(system, engine)
        except Unreachable as error:
            log.warning("outbox_sweep_waits", code=error.code)
        await asyncio.sleep(SWEEP_EVERY_S)
