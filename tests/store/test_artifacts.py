"""Work is done once: found, waited for, taken over from the dead; and never published by who lost the right to."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from cutroom.contracts.base import ArtifactRef
from cutroom.errors import BadInput, StaleLease
from cutroom.settings import Settings
from cutroom.store import artifacts
from cutroom.store.artifacts import Artifacts, Make, Produced, Scope, fingerprint
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.store.tables import Artifact
from tests.conftest import DatabaseUrls
from tests.store.conftest import Tenant, new_tenant

STEP = "prepare_media"
PRINT = fingerprint(STEP, 1, {"height": 27}, [])
BOTH = {"sound": ".flac", "frames": ".bin"}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


@dataclass
class Maker:
    """Writes `text` and counts. With `gate`, it says that it began and waits to be let on."""

    text: str = "made"
    gate: asyncio.Event | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)
    made: int = 0
    canceled: bool = False

    async def __call__(self, paths: dict[str, Path]) -> dict[str, Any]:
        self.began.set()
        try:
            if self.gate:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.canceled = True
            raise
        for name, path in paths.items():
            path.write_text(f"{self.text} {name}")
        self.made += 1
        return {"frame_count": 3}


@dataclass
class Bench:
    """One organisation's artifacts, made into a folder of the test."""

    database: Database
    objects: ObjectStore
    scope: Scope
    scratch: Path
    waited: int = 0

    async def produce(self, make: Make, owner: str = "one", suffixes: dict[str, str] = BOTH) -> Produced:
        return await Artifacts(self.database, self.objects).produce(
            self.scope, STEP, PRINT, suffixes, make, owner=owner, scratch=self.scratch, waiting=self._wait
        )

    async def rows(self) -> list[Artifact]:
        async with self.database.transaction(self.scope.org_id) as session:
            return await artifacts.of(session, self.scope)

    async def let_lease_lapse(self) -> None:
        """What the clock does where a worker froze."""
        async with self.database.transaction(self.scope.org_id) as session:
            lapsed = func.now() - timedelta(seconds=1)
            await session.execute(update(Artifact).where(col(Artifact.scope) == self.scope.id).values(lease_until=lapsed))

    async def stored(self, ref: ArtifactRef) -> str:
        path = self.scratch / "stored"
        await self.objects.fetch(ref.key, path)
        return path.read_text()

    def _wait(self) -> None:
        self.waited += 1


@pytest.fixture
def bench(app: Database, objects: ObjectStore, tenant: Tenant, tmp_path: Path) -> Bench:
    return Bench(app, objects, Scope(tenant.org_id, asset_id=tenant.asset_id), tmp_path)


def test_a_fingerprint_follows_from_everything_that_shapes_the_work() -> None:
    ref = ArtifactRef(key="anywhere", sha256="aa", size=1)
    same = fingerprint("render", 1, {"a": 1, "b": 2}, [ref])
    assert same == fingerprint("render", 1, {"b": 2, "a": 1}, [ref.model_copy(update={"key": "elsewhere"})])
    others = {
        fingerprint("package", 1, {"a": 1, "b": 2}, [ref]),
        fingerprint("render", 2, {"a": 1, "b": 2}, [ref]),
        fingerprint("render", 1, {"a": 1, "b": 3}, [ref]),
        fingerprint("render", 1, {"a": 1, "b": 2}, [ref, ref]),
        fingerprint("render", 1, {"a": 1, "b": 2}, []),
    }
    assert len(others | {same}) == 6


def test_an_artifact_belongs_to_an_asset_or_to_a_job() -> None:
    assert Scope("org_1", asset_id="ast_1").prefix == "org/org_1/assets/ast_1/"
    assert Scope("org_1", job_id="cmp_1").prefix == "org/org_1/jobs/cmp_1/"
    with pytest.raises(ValueError, match="belongs"):
        Scope("org_1")


async def test_what_was_made_is_found_with_its_facts(bench: Bench) -> None:
    make = Maker()
    first = await bench.produce(make)
    assert await bench.produce(make, owner="two") == first
    assert make.made == 1
    assert first.facts == {"frame_count": 3}
    assert first.refs["sound"].key == f"{bench.scope.prefix}prepare_media/sound/{PRINT}.flac"
    assert [await bench.stored(first.refs[name]) for name in BOTH] == ["made sound", "made frames"]
    assert {row.step for row in await bench.rows()} == {"prepare_media/sound", "prepare_media/frames"}


async def test_a_single_output_is_kept_under_the_steps_own_name(bench: Bench) -> None:
    produced = await bench.produce(Maker(), suffixes={"file": ".json"})
    assert produced.refs["file"].key == f"{bench.scope.prefix}prepare_media/{PRINT}.json"
    head = await bench.objects.head(produced.refs["file"].key)
    assert head is not None
    assert head.content_type == "application/json"


async def test_two_at_once_make_it_once(bench: Bench) -> None:
    make = Maker(gate=asyncio.Event())
    first = asyncio.create_task(bench.produce(make, owner="one"))
    await make.began.wait()
    second = asyncio.create_task(bench.produce(make, owner="two"))

    async def second_waits() -> bool:
        return bench.waited > 0

    await until(second_waits)
    assert make.gate is not None
    make.gate.set()
    assert await first == await second
    assert make.made == 1


async def test_a_crowd_makes_it_once(bench: Bench) -> None:
    make = Maker()
    results = await asyncio.gather(*(bench.produce(make, owner=str(number)) for number in range(12)))
    assert all(result == results[0] for result in results)
    assert make.made == 1


async def test_a_failure_lets_the_next_one_begin_at_once(bench: Bench) -> None:
    async def fail(paths: dict[str, Path]) -> dict[str, Any]:
        raise BadInput("This cannot be decoded.")

    with pytest.raises(BadInput):
        await bench.produce(fail, owner="one")
    await bench.produce(Maker(), owner="two")
    assert bench.waited == len(BOTH)  # once before each put, never for a lease


async def test_a_cancellation_stops_the_maker_and_lets_the_next_one_begin_at_once(bench: Bench) -> None:
    make = Maker(gate=asyncio.Event())
    first = asyncio.create_task(bench.produce(make, owner="one"))
    await make.began.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert make.canceled
    await bench.produce(Maker(), owner="two")
    assert bench.waited == len(BOTH)


async def test_a_retry_takes_its_own_lease_over_and_the_frozen_attempt_may_not_publish(bench: Bench) -> None:
    frozen, retry = Maker(text="late", gate=asyncio.Event()), Maker(text="retried")
    first = asyncio.create_task(bench.produce(frozen, owner="same"))
    await frozen.began.wait()
    produced = await bench.produce(retry, owner="same")
    assert frozen.gate is not None
    frozen.gate.set()
    with pytest.raises(StaleLease):
        await first
    assert await bench.stored(produced.refs["sound"]) == "retried sound"
    assert await bench.produce(Maker()) == produced


async def test_a_lapsed_lease_is_taken_over_and_its_holder_may_not_publish(bench: Bench) -> None:
    frozen, other = Maker(text="late", gate=asyncio.Event()), Maker(text="other", gate=asyncio.Event())
    first = asyncio.create_task(bench.produce(frozen, owner="one"))
    await frozen.began.wait()
    await bench.let_lease_lapse()
    second = asyncio.create_task(bench.produce(other, owner="two"))
    await other.began.wait()
    assert frozen.gate is not None
    frozen.gate.set()
    with pytest.raises(StaleLease):
        await first
    assert [row.key for row in await bench.rows()] == ["", ""]
    assert other.gate is not None
    other.gate.set()
    produced = await second
    assert await bench.stored(produced.refs["sound"]) == "late sound"  # its bytes were there first, and are never replaced


async def test_a_maker_is_stopped_as_soon_as_its_lease_is_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "RENEW_EVERY_S", 0.05)
    frozen = Maker(gate=asyncio.Event())
    first = asyncio.create_task(bench.produce(frozen, owner="same"))
    await frozen.began.wait()
    await bench.produce(Maker(), owner="same")
    with pytest.raises(StaleLease):
        await asyncio.wait_for(first, 30)
    assert frozen.canceled


async def test_a_lease_is_renewed_while_the_work_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "RENEW_EVERY_S", 0.05)
    make = Maker(gate=asyncio.Event())
    first = asyncio.create_task(bench.produce(make))
    await make.began.wait()
    await bench.let_lease_lapse()

    async def renewed() -> bool:
        async with bench.database.transaction(bench.scope.org_id) as session:
            live = select(func.count()).select_from(Artifact).where(col(Artifact.lease_until) > func.now())
            return await session.scalar(live) == 1

    await until(renewed)
    assert make.gate is not None
    make.gate.set()
    await first


async def test_a_lost_object_is_made_again(bench: Bench) -> None:
    make = Maker()
    first = await bench.produce(make)
    await bench.objects.delete(first.refs["frames"].key)
    assert await bench.produce(make, owner="two") == first
    assert make.made == 2
    assert await bench.stored(first.refs["frames"]) == "made frames"


def produce_until_killed(settings: Settings, url: str, scope: Scope, folder: Path) -> None:
    """The body of a process that is killed after its bytes are stored and before its row says so."""

    async def let_on() -> bool:
        return (folder / "go").exists()

    async def make(paths: dict[str, Path]) -> dict[str, Any]:
        (folder / "began").touch()
        await until(let_on)
        return await Maker(text="dying")(paths)

    bench = Bench(Database(url), ObjectStore(settings), scope, folder)
    asyncio.run(bench.produce(make, owner="same"))


async def test_bytes_stored_by_a_killed_process_are_published_by_the_next(
    bench: Bench, store_settings: Settings, database_urls: DatabaseUrls
) -> None:
    arguments = (store_settings, database_urls.app, bench.scope, bench.scratch)
    dying = multiprocessing.get_context("spawn").Process(target=produce_until_killed, args=arguments)
    dying.start()

    async def began() -> bool:
        return (bench.scratch / "began").exists()

    async def all_put() -> bool:
        keys = [f"{bench.scope.prefix}prepare_media/{name}/{PRINT}{suffix}" for name, suffix in BOTH.items()]
        return all([await bench.objects.head(key) is not None for key in keys])

    await until(began)
    async with bench.database.transaction(bench.scope.org_id) as session:
        await session.execute(select(Artifact).where(col(Artifact.scope) == bench.scope.id).with_for_update())
        (bench.scratch / "go").touch()  # it can put its bytes now, but the locked rows keep it from publishing
        await until(all_put)
        dying.kill()
        dying.join()
    assert [row.key for row in await bench.rows()] == ["", ""]

    retry = Maker(text="retried with other bytes")
    produced = await bench.produce(retry, owner="same")
    assert bench.waited == len(BOTH)
    assert [await bench.stored(produced.refs[name]) for name in BOTH] == ["dying sound", "dying frames"]
    assert produced.refs["sound"].size == len("dying sound")
    assert await bench.produce(Maker()) == produced


async def test_an_asset_lists_and_forgets_its_artifacts(bench: Bench, tenant: Tenant) -> None:
    job = replace(bench, scope=Scope(tenant.org_id, job_id=tenant.job_id))
    await bench.produce(Maker())
    await job.produce(Maker())
    async with bench.database.transaction(tenant.org_id) as session:
        await artifacts.forget(session, bench.scope)
    assert await bench.rows() == []
    assert len(await job.rows()) == len(BOTH)
    assert await job.objects.delete_prefix(job.scope.prefix) == len(BOTH)


async def test_organisations_do_not_share_what_they_made(bench: Bench, system: Database) -> None:

    make = Maker()
    await bench.produce(make)
    other = await new_tenant(system)
    await replace(bench, scope=Scope(other.org_id, asset_id=other.asset_id)).produce(make)
    assert make.made == 2
