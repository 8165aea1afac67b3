"""The schedules that Cutroom owns: what the code says of them, how they stand, and bringing the one to the other.

A pause is an operator's decision: it is shown, and outlives every repair until somebody asks for its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from cutroom.contracts.steps import Queue
from cutroom.temporal.engine import CALL_LIMIT, OURS, asking

# Tells our schedules from others in the namespace. Whatever has it, or was ours under another name, and is not in `SCHEDULES`
# is of another version.
PREFIX = "cutroom-"
FORMER = ("reconciliation",)

SCHEDULES: Mapping[str, Schedule] = {
    # Every minute, never two at once; runs missed while Temporal was down are not made up for beyond ten minutes.
    f"{PREFIX}reconciliation": Schedule(
        action=ScheduleActionStartWorkflow(
            "reconciliation", id="reconciliation", task_queue=Queue.CONTROL, priority=OURS, execution_timeout=timedelta(minutes=15)
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=60))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
    ),
    # Hourly: it asks Stripe for all payments of ten days, and no difference that it finds is urgent.
    f"{PREFIX}payment-reconciliation": Schedule(
        action=ScheduleActionStartWorkflow(
            "payment_reconciliation",
            id="payment_reconciliation",
            task_queue=Queue.CONTROL,
            priority=OURS,
            run_timeout=timedelta(minutes=50),  # of each run: a long one goes on as a new one
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
    ),
}


@dataclass(frozen=True)
class Standing:
    """How one schedule stands. `differs` names what is not as the code says; `every_s` is the first interval, seconds."""

    id: str
    state: Literal["ok", "missing", "differs", "unknown"]
    starts: str = ""
    every_s: float | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None
    paused: bool = False
    note: str = ""
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """What was done to a schedule."""

    id: str
    done: Literal["created", "mended", "removed", "unpaused"]


async def read_schedules(client: Client) -> list[Standing]:
    """Ours as they stand, the missing ones too; at the end those that this version does not know. Raises Unreachable."""
    found = []
    for id, wanted in SCHEDULES.items():
        with asking("schedules"):
            described = await _describe(client, id)
        found.append(_standing(described, wanted) if described else _missing(id, wanted))
    for id in await _unknown(client):
        with asking("schedules"):
            described = await _describe(client, id)
        if described:
            found.append(_standing(described, None))
    return found


async def ensure_schedules(client: Client) -> list[Change]:
    """Create what is missing and mend what differs; those of versions that used other names go. Safe at every start."""
    changes = [change for id, wanted in SCHEDULES.items() if (change := await _bring(client, id, wanted))]
    return changes + [Change(id, "removed") for id in FORMER if await _remove(client, id)]


async def remove_unknown(client: Client) -> list[Change]:
    """Remove ours that this version does not know. Not for starts: an older worker would remove a newer one's schedules."""
    return [Change(id, "removed") for id in await _unknown(client) if await _remove(client, id)]


async def unpause(client: Client) -> list[Change]:
    """End every pause of ours."""
    changes = []
    for standing in await read_schedules(client):
        if standing.paused and standing.id in SCHEDULES:
            with asking("schedules"):
                await client.get_schedule_handle(standing.id).unpause(rpc_timeout=CALL_LIMIT)
            changes.append(Change(standing.id, "unpaused"))
    return changes


def differences(wanted: Schedule, found: Schedule) -> tuple[str, ...]:
    """In what a schedule is not as wanted; whether it is paused is no difference."""
    ours, theirs = _facts(wanted), _facts(found)
    return tuple(name for name in ours if ours[name] != theirs[name])


def _facts(schedule: Schedule) -> dict[str, object]:
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)  # Temporal knows no other action
    return {
        "workflow": action.workflow,
        "workflow id": action.id,
        "input": list(action.args),
        "queue": action.task_queue,
        "time limits": (action.execution_timeout, action.run_timeout),
        "priority": action.priority,
        "times": schedule.spec,
        "policy": schedule.policy,
    }


async def _bring(client: Client, id: str, wanted: Schedule) -> Change | None:
    with asking("schedules"):
        try:
            await client.create_schedule(id, wanted, rpc_timeout=CALL_LIMIT)
            return Change(id, "created")
        except ScheduleAlreadyRunningError:
            handle = client.get_schedule_handle(id)
            if not differences(wanted, (await handle.describe(rpc_timeout=CALL_LIMIT)).schedule):
                return None
            await handle.update(lambda now: _as_wanted(wanted, now), rpc_timeout=CALL_LIMIT)
            return Change(id, "mended")


def _as_wanted(wanted: Schedule, now: ScheduleUpdateInput) -> ScheduleUpdate:
    return ScheduleUpdate(schedule=replace(wanted, state=now.description.schedule.state))


async def _remove(client: Client, id: str) -> bool:
    with asking("schedules"):
        try:
            await client.get_schedule_handle(id).delete(rpc_timeout=CALL_LIMIT)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return False
    return True


async def _unknown(client: Client) -> list[str]:
    with asking("schedules"):
        ids = [entry.id async for entry in await client.list_schedules(rpc_timeout=CALL_LIMIT)]
    return sorted(id for id in ids if id not in SCHEDULES and (id.startswith(PREFIX) or id in FORMER))


async def _describe(client: Client, id: str) -> ScheduleDescription | None:
    try:
        return await client.get_schedule_handle(id).describe(rpc_timeout=CALL_LIMIT)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return None


def _missing(id: str, wanted: Schedule) -> Standing:
    return Standing(id, "missing", *_what(wanted))


def _standing(described: ScheduleDescription, wanted: Schedule | None) -> Standing:
    differs = differences(wanted, described.schedule) if wanted else ()
    return Standing(
        described.id,
        "unknown" if wanted is None else "differs" if differs else "ok",
        *_what(described.schedule),
        last_run=described.info.recent_actions[-1].started_at if described.info.recent_actions else None,
        next_run=described.info.next_action_times[0] if described.info.next_action_times else None,
        paused=described.schedule.state.paused,
        note=described.schedule.state.note or "",
        differs=differs,
    )


def _what(schedule: Schedule) -> tuple[str, float | None]:
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    every = next((interval.every.total_seconds() for interval in schedule.spec.intervals), None)
    return action.workflow, every
