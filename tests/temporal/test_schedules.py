"""Our schedules are what the code says, and an operator's pause is nobody else's to end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import Client, Schedule, ScheduleIntervalSpec, ScheduleSpec, ScheduleUpdate
from temporalio.service import RPCError

from cutroom.temporal.schedules import (
    FORMER,
    PREFIX,
    SCHEDULES,
    Change,
    Standing,
    differences,
    ensure_schedules,
    read_schedules,
    remove_unknown,
    unpause,
)

RECONCILIATION = f"{PREFIX}reconciliation"
WANTED = SCHEDULES[RECONCILIATION]
HOURLY = replace(WANTED, spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))]))


async def becomes(client: Client, as_told: Callable[[Standing], bool], id: str = RECONCILIATION) -> Standing:
    """The schedule once it is as told: it takes up changes and pauses a moment after they were answered."""
    async with asyncio.timeout(30):
        while True:
            for found in await read_schedules(client):
                if found.id == id and as_told(found):
                    return found
            await asyncio.sleep(0.05)


async def change(client: Client, schedule: Schedule) -> None:
    await client.get_schedule_handle(RECONCILIATION).update(lambda _: ScheduleUpdate(schedule=schedule))


async def test_missing_schedules_are_shown_and_made_once(somewhere: Client) -> None:
    assert {found.id: found.state for found in await read_schedules(somewhere)} == dict.fromkeys(SCHEDULES, "missing")
    assert await ensure_schedules(somewhere) == [Change(id, "created") for id in SCHEDULES]
    assert await ensure_schedules(somewhere) == []
    found = await becomes(somewhere, lambda found: found.state == "ok")
    assert (found.starts, found.every_s, found.paused) == ("reconciliation", 60.0, False)
    assert found.next_run is not None


async def test_two_starts_at_once_make_one(somewhere: Client) -> None:
    done = await asyncio.gather(*(ensure_schedules(somewhere) for _ in range(4)))
    assert [change for changes in done for change in changes] == [Change(id, "created") for id in SCHEDULES]


async def test_what_was_changed_by_hand_is_named_and_mended(somewhere: Client) -> None:
    await ensure_schedules(somewhere)
    await change(somewhere, HOURLY)
    found = await becomes(somewhere, lambda found: found.state == "differs")
    assert (found.differs, found.every_s) == (("times",), 3600.0)
    assert await ensure_schedules(somewhere) == [Change(RECONCILIATION, "mended")]
    assert (await becomes(somewhere, lambda found: found.state == "ok")).every_s == 60.0


async def test_a_pause_outlives_starts_and_repairs_until_it_is_ended(somewhere: Client) -> None:
    await ensure_schedules(somewhere)
    await change(somewhere, HOURLY)
    await somewhere.get_schedule_handle(RECONCILIATION).pause(note="a look at the store first")
    await becomes(somewhere, lambda found: found.paused)
    assert await ensure_schedules(somewhere) == [Change(RECONCILIATION, "mended")]
    found = await becomes(somewhere, lambda found: found.state == "ok")
    assert (found.paused, found.note) == (True, "a look at the store first")
    assert await unpause(somewhere) == [Change(RECONCILIATION, "unpaused")]
    await becomes(somewhere, lambda found: not found.paused)
    assert await unpause(somewhere) == []


async def test_schedules_of_other_versions_are_shown_and_removed_only_when_asked(somewhere: Client) -> None:
    await ensure_schedules(somewhere)
    theirs, newer = "somebody-else", f"{PREFIX}newer"
    for id in (theirs, newer):
        await somewhere.create_schedule(id, HOURLY)
    found = await becomes(somewhere, lambda found: True, id=newer)
    assert (found.state, found.every_s) == ("unknown", 3600.0)
    assert await ensure_schedules(somewhere) == []
    assert await remove_unknown(somewhere) == [Change(newer, "removed")]
    await somewhere.get_schedule_handle(theirs).describe()
    with pytest.raises(RPCError, match="not found"):
        await somewhere.get_schedule_handle(newer).describe()


async def test_a_start_removes_what_earlier_versions_named_otherwise(somewhere: Client) -> None:
    for id in FORMER:
        await somewhere.create_schedule(id, WANTED)
    assert await ensure_schedules(somewhere) == [
        *(Change(id, "created") for id in SCHEDULES),
        *(Change(id, "removed") for id in FORMER),
    ]


def test_only_what_the_code_decides_is_a_difference() -> None:
    paused = replace(WANTED, state=replace(WANTED.state, paused=True, note="by hand"))
    assert differences(WANTED, paused) == ()
    assert differences(WANTED, HOURLY) == ("times",)
