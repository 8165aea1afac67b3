"""Which parts answer, and what the census keeps to itself where one does not."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
import structlog

from cutroom.settings import Settings
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.temporal.engine import Engine
from tests.census.gauges import shown, taken_until, told, until
from tests.relay import Relay
from worker_cpu import census
from worker_cpu.census import Part, parts, take


@pytest.fixture
async def relays(settings: Settings) -> AsyncIterator[dict[str, Relay]]:
    """Part -> what stands before its server."""
    database = urlsplit(settings.database_system_url.get_secret_value())
    made = {
        "database": Relay(f"{database.hostname}:{database.port}"),
        "store": Relay(urlsplit(settings.s3_endpoint).netloc),
        "temporal": Relay(settings.temporal_address),
    }
    for relay in made.values():
        await relay.start()
    yield made
    for relay in made.values():
        await relay.end()


@pytest.fixture
async def servers(settings: Settings, relays: dict[str, Relay]) -> AsyncIterator[tuple[Database, ObjectStore, Engine]]:
    """The three servers, through their relays."""
    url = urlsplit(settings.database_system_url.get_secret_value())
    account = url.netloc.rpartition("@")[0]
    database = Database(url._replace(netloc=f"{account}@{relays['database'].address}").geturl())
    changed = {"s3_endpoint": f"http://{relays['store'].address}", "temporal_address": relays["temporal"].address}
    settings = settings.model_copy(update=changed)
    yield database, ObjectStore(settings), Engine(settings)
    for relay in relays.values():
        relay.leave()
    await database.close()


OF_PART = {
    "database": {
        "cutroom_jobs",
        "cutroom_outbox_waiting",
        "cutroom_outbox_age_seconds",
        "cutroom_holds_without_job",
        "cutroom_credits",
    },
    "store": set(),
    "temporal": {"cutroom_queue_backlog", "cutroom_queue_backlog_age_seconds", "cutroom_queue_pollers"},
}
ALL = {"cutroom_part_up"}.union(*OF_PART.values())


def up() -> set[str]:
    """The parts that answer."""
    return {part for part in OF_PART if shown("part_up", part=part) == 1}


@pytest.mark.parametrize("how", [Relay.be_silent, Relay.leave], ids=["silent", "away"])
@pytest.mark.parametrize("part", OF_PART)
async def test_a_part_that_does_not_answer_is_0_and_its_gauges_are_gone_while_the_others_tell_on(
    part: str,
    how: Callable[[Relay], None],
    servers: tuple[Database, ObjectStore, Engine],
    relays: dict[str, Relay],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(census, "ANSWER_WITHIN_S", 1.0)
    asked = parts(*servers)
    await taken_until(asked, lambda: up() == set(OF_PART))
    assert told() == ALL
    how(relays[part])
    await taken_until(asked, lambda: up() == set(OF_PART) - {part})
    assert shown("part_up", part=part) == 0
    assert told() == ALL - OF_PART[part]


@pytest.mark.parametrize("part", OF_PART)
async def test_a_part_that_is_silent_is_not_asked_again_before_it_answers_and_tells_again_then(
    part: str, servers: tuple[Database, ObjectStore, Engine], relays: dict[str, Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "ANSWER_WITHIN_S", 0.5)
    asked = parts(*servers)
    await taken_until(asked, lambda: up() == set(OF_PART))
    relays[part].be_silent()
    connections = []
    for _ in range(3):
        await take(asked)
        assert shown("part_up", part=part) == 0
        connections.append(relays[part].connections)
    assert len(set(connections)) == 1
    relays[part].speak()
    await taken_until(asked, lambda: up() == set(OF_PART))
    assert told() == ALL


async def test_servers_that_take_the_connection_and_say_nothing_are_0_within_seconds(
    servers: tuple[Database, ObjectStore, Engine], relays: dict[str, Relay]
) -> None:
    for relay in relays.values():
        relay.be_silent()
    began = time.monotonic()
    await take(parts(*servers))
    assert time.monotonic() - began < 2 * census.ANSWER_WITHIN_S
    assert told() == {"cutroom_part_up"}
    assert up() == set()


async def test_the_census_goes_on_whatever_comes_and_goes(
    servers: tuple[Database, ObjectStore, Engine], relays: dict[str, Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "ANSWER_WITHIN_S", 1.0)
    monkeypatch.setattr(census, "EVERY_S", 0.05)
    relays["store"].be_silent()
    taking = asyncio.create_task(census.take_forever(*servers))
    await until(lambda: up() == {"database", "temporal"})
    relays["store"].speak()
    await until(lambda: up() == set(OF_PART))
    relays["temporal"].leave()
    await until(lambda: up() == {"database", "store"})
    assert not taking.done()
    taking.cancel()


async def test_a_defect_is_logged_and_its_part_is_0() -> None:
    async def broken() -> census.Reading:
        raise ZeroDivisionError

    with structlog.testing.capture_logs() as logs:
        await take([Part("database", broken)])
    assert shown("part_up", part="database") == 0
    assert [(line["event"], line["part"], line["log_level"]) for line in logs] == [("census_failed", "database", "error")]
