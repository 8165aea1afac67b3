"""Looks at a Temporal elsewhere: whether it answers us, has what we need of it, and who works there."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from cutroom.errors import CutroomError
from cutroom.local.finding import Finding, State
from cutroom.settings import Settings

if TYPE_CHECKING:
    from temporalio.client import Client

    from cutroom.temporal.queues import QueueState
    from cutroom.temporal.schedules import Standing

LIMIT_S = 5.0


def examine_temporal(settings: Settings) -> list[Finding]:
    """Server, namespace, schedules and queues, one upon the other. What does not answer is given up after 5 s."""
    return asyncio.run(_examine(settings))


async def _examine(settings: Settings) -> list[Finding]:
    from cutroom.temporal.connection import connect
    from cutroom.temporal.namespace import server_version

    address = settings.temporal_address
    try:
        async with asyncio.timeout(LIMIT_S):
            client = await connect(settings)
            version = await server_version(client)
    except (CutroomError, TimeoutError) as error:
        advice = f"{_said(error)} Start it, correct its settings, or empty CUTROOM_TEMPORAL_ADDRESS for the embedded one."
        return [Finding("temporal", "missing", "outside", address, advice=advice)]
    findings = [Finding("temporal", "ok", "outside", address, version)]
    findings += await _within_limit("temporal namespace", _namespace(client, address))
    if any(finding.part == "temporal namespace" and finding.state == "missing" for finding in findings):
        return findings
    for found in await asyncio.gather(
        _within_limit("temporal schedules", _schedules(client)), _within_limit("temporal queues", _queues(client, settings))
    ):
        findings += found
    return findings


async def _within_limit(part: str, looking: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await looking
    except (CutroomError, TimeoutError) as error:
        return [Finding(part, "missing", "no answer", advice=_said(error))]


def _said(error: CutroomError | TimeoutError) -> str:
    return error.detail if isinstance(error, CutroomError) else f"It did not answer within {LIMIT_S:g} s."


async def _namespace(client: "Client", address: str) -> list[Finding]:
    from cutroom.temporal.namespace import lacks, read_namespace

    found = await read_namespace(client)
    findings = []
    for lack in lacks(client.namespace, found, address):
        commands = (*(("cutroom prepare",) if lack.act else ()), lack.command)
        advice = f"{lack.says}. Run {' or '.join(f'`{command}`' for command in commands)}."
        state: State = "warning" if lack.kind == "retention" else "missing"
        findings.append(Finding(f"temporal {lack.kind}", state, client.namespace, advice=advice[0].upper() + advice[1:]))
    if findings or found is None:
        return findings
    return [Finding("temporal namespace", "ok", f"{client.namespace}, keeps what has ended for {found.retention.days} days")]


async def _schedules(client: "Client") -> list[Finding]:
    from cutroom.temporal.schedules import read_schedules

    return [_schedule(standing) for standing in await read_schedules(client)]


def _schedule(standing: "Standing") -> Finding:
    part = f"schedule {standing.id}"
    if standing.state != "ok":
        said = f"{standing.state} in {', '.join(standing.differs)}" if standing.differs else standing.state
        return Finding(part, "warning", said, advice="Run `cutroom temporal schedules --repair`.")
    if standing.paused:
        note = f"paused: {standing.note}" if standing.note else "paused"
        return Finding(part, "warning", note, advice="Run `cutroom temporal schedules --unpause` once it may go on.")
    last = f", last {standing.last_run:%Y-%m-%d %H:%M:%S} UTC" if standing.last_run else ""
    return Finding(part, "ok", f"every {standing.every_s:g} s{last}")


async def _queues(client: "Client", settings: Settings) -> list[Finding]:
    from cutroom.temporal.engine import Engine
    from cutroom.temporal.queues import queue_states

    states = await queue_states(Engine(settings, client))
    return [_queue(name, state) for name, state in states.items()]


def _queue(name: str, state: "QueueState") -> Finding:
    waits = f"{state.backlog} wait, the first for {state.oldest_s:.0f} s" if state.backlog else "nothing waits"
    if not state.pollers:
        advice = "No worker asks this queue for work: start one, unless all of its workers are busy."
        return Finding(f"queue {name}", "warning", f"no worker, {waits}", advice=advice)
    return Finding(f"queue {name}", "ok", f"{state.pollers} at work, {waits}")
