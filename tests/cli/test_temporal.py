"""`cutroom temporal schedules` shows how ours stand, and mends them when asked."""

import asyncio
import json
from collections.abc import Callable

from temporalio.client import Client

from cutroom.settings import Settings
from cutroom.temporal.connection import connect
from cutroom.temporal.namespace import mend_namespace
from cutroom.temporal.schedules import SCHEDULES
from tests.cli.conftest import Said
from tests.conftest import TemporalServer

OURS = "cutroom-reconciliation"


def test_schedules_are_shown_repaired_and_unpaused(
    typed: Callable[..., Said], temporal_server: TemporalServer, namespace: str
) -> None:
    async def there() -> Client:
        client = await connect(Settings(temporal_address=temporal_server.address, temporal_namespace=namespace))
        await mend_namespace(client, temporal_server.address)
        return client

    async def pause() -> None:
        handle = (await there()).get_schedule_handle(OURS)
        await handle.pause(note="the store is being moved")
        async with asyncio.timeout(30):
            while not (await handle.describe()).schedule.state.paused:
                await asyncio.sleep(0.05)

    asyncio.run(there())
    missing = typed("temporal", "schedules", "--json")
    assert missing.code == 1
    assert [(each["id"], each["state"]) for each in json.loads(missing.out)] == [(id, "missing") for id in SCHEDULES]

    assert typed("temporal", "schedules", "--repair").out == "".join(f"created {id}\n" for id in SCHEDULES)
    shown = typed("temporal", "schedules", "--json")
    assert shown.code == 0
    ours = next(each for each in json.loads(shown.out) if each["id"] == OURS)
    assert (ours["state"], ours["starts"], ours["every_s"], ours["paused"]) == ("ok", "reconciliation", 60.0, False)
    assert ours["next_run"].endswith("+00:00")

    asyncio.run(pause())
    assert typed("temporal", "schedules", "--repair").out == "There was nothing to do.\n"
    paused = typed("temporal", "schedules", COLUMNS="200")
    assert paused.code == 0
    assert "paused: the store is being moved" in paused.out
    changes = json.loads(typed("temporal", "schedules", "--unpause", "--json").out)
    assert changes == [{"id": OURS, "done": "unpaused"}]


def test_a_temporal_that_is_away_is_an_exit_code_of_its_own(typed: Callable[..., Said]) -> None:
    said = typed("temporal", "schedules", CUTROOM_TEMPORAL_ADDRESS="127.0.0.1:9")
    assert said.code == 4
    assert "temporal_unavailable" in said.err
