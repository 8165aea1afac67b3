"""Artifacts: what a step makes is made once. Who needs it again finds it; who needs it at the same time waits for it.

A step's outputs share one lease with an epoch. The bytes are put under a key that follows from the inputs alone, and count
from the moment the row says so; only the newest epoch may say so. A maker that dies in between leaves bytes without a row:
the next one publishes those bytes, not its own, so an object is never replaced.
"""

import asyncio
import hashlib
import json
import mimetypes
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.ids import new_id
from cutroom.errors import StaleLease, Unreachable
from cutroom.store.database import Database
from cutroom.store.files import sha256_of
from cutroom.store.objects import ObjectStore
from cutroom.store.tables import Artifact

log = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE = timedelta(seconds=90)
RENEW_EVERY_S = 20.0
FIRST_POLL_S = 0.1
LONGEST_POLL_S = 2.0


@dataclass(frozen=True)
class Scope:
    """Whose an artifact is: an asset's, where it depends on the asset alone, else a job's. Exactly one is given."""

    org_id: str
    asset_id: str | None = None
    job_id: str | None = None

    def __post_init__(self) -> None:
        if bool(self.asset_id) == bool(self.job_id):
            raise ValueError("an artifact belongs to an asset or to a job")

    @property
    def id(self) -> str:
        return self.asset_id or self.job_id or ""

    @property
    def prefix(self) -> str:
        """What the keys of all objects of this scope begin with."""
        return f"org/{self.org_id}/{'assets' if self.asset_id else 'jobs'}/{self.id}/"


@dataclass(frozen=True)
class Produced:
    """The outputs of a step by name, and the facts that its maker told. Facts follow from the inputs alone."""

    refs: dict[str, ArtifactRef]
    facts: dict[str, Any]


Make = Callable[[dict[str, Path]], Awaitable[dict[str, Any]]]


def fingerprint(step: str, version: int, params: Mapping[str, Any], inputs: Sequence[ArtifactRef]) -> str:
    """Names the work: the same step, version, parameters (JSON) and input bytes give the same hex string."""
    work = [step, version, params, [ref.sha256 for ref in inputs]]
    return hashlib.sha256(json.dumps(work, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class _Output:
    """One output of a step: its row is (scope, step, fingerprint), its bytes lie under `key`."""

    name: str
    step: str
    key: str


@dataclass(frozen=True)
class _Work:
    """What is to be made, and by whom. The first output's row holds the lease on all of them."""

    scope: Scope
    fingerprint: str
    outputs: list[_Output]
    owner: str

    @property
    def rows(self) -> ColumnElement[bool]:
        return (
            (col(Artifact.org_id) == self.scope.org_id)
            & (col(Artifact.scope) == self.scope.id)
            & (col(Artifact.fingerprint) == self.fingerprint)
            & col(Artifact.step).in_([output.step for output in self.outputs])
        )

    @property
    def lease(self) -> ColumnElement[bool]:
        return self.rows & (col(Artifact.step) == self.outputs[0].step)

    def lease_of(self, epoch: int) -> ColumnElement[bool]:
        return self.lease & (col(Artifact.lease_epoch) == epoch) & (col(Artifact.lease_owner) == self.owner)


class Artifacts:
    """Makes artifacts once. The app role's database is enough."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def produce(
        self,
        scope: Scope,
        step: str,
        fingerprint: str,
        suffixes: Mapping[str, str],
        make: Make,
        *,
        owner: str,
        scratch: Path,
        waiting: Callable[[], None],
    ) -> Produced:
        """The outputs named by `suffixes` (name -> file suffix), found, or made by `make`.

        `make` gets a path for each name, writes the files there and returns facts (JSON). `owner` names the execution: its
        next attempt takes over its lease at once, others wait while it lives, calling `waiting` each time they look.
        Raises StaleLease where somebody else took over meanwhile, Unreachable, and whatever `make` raises.
        """
        work = _Work(scope, fingerprint, _outputs(scope, step, fingerprint, suffixes), owner)
        pause_s = FIRST_POLL_S
        while True:
            state = await self._find_or_lease(work)
            if isinstance(state, int):
                return await self._make(work, state, suffixes, make, scratch, waiting)
            if state is None:
                waiting()
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_POLL_S, 2 * pause_s)
            elif await self._all_stored(work, state):
                return _found(work, state)

    async def find(self, scope: Scope, step: str, fingerprint: str, suffixes: Mapping[str, str]) -> Produced | None:
        """Those of the outputs of several that `suffixes` name, where they are made; None where they are not, or the store lost
        one. Nothing is leased. Raises Unreachable.
        """
        work = _Work(scope, fingerprint, _outputs(scope, step, fingerprint, suffixes), owner="")
        async with self._database.transaction(scope.org_id) as session:
            rows = list(await session.scalars(select(Artifact).where(work.rows)))
        made = len(rows) == len(suffixes) and all(row.key for row in rows)
        return _found(work, rows) if made and await self._all_stored(work, rows) else None

    async def _find_or_lease(self, work: _Work) -> list[Artifact] | int | None:
        """The published rows, or the epoch of a lease that is ours now, or None while somebody else holds it."""
        async with self._database.transaction(work.scope.org_id) as session:
            await session.execute(insert(Artifact).values(_blank_rows(work)).on_conflict_do_nothing())
            others = (col(Artifact.lease_until) > func.now()) & (col(Artifact.lease_owner) != work.owner)
            locked = select(col(Artifact.lease_epoch), func.coalesce(others, False)).where(work.lease).with_for_update()
            epoch, busy = (await session.execute(locked)).one()
            rows = list(await session.scalars(select(Artifact).where(work.rows)))
            if all(row.key for row in rows):
                return rows
            if busy:
                return None
            lease = {"lease_owner": work.owner, "lease_epoch": epoch + 1, "lease_until": func.now() + LEASE}
            await session.execute(update(Artifact).where(work.lease).values(lease))
            return epoch + 1

    async def _all_stored(self, work: _Work, rows: list[Artifact]) -> bool:
        """Whether the store has what the rows say; where it does not, the rows are blank again afterwards."""
        heads = [await self._objects.head(row.key) for row in rows]
        if all(head is not None and head.size == row.size for head, row in zip(heads, rows, strict=True)):
            return True
        log.warning("artifact_lost", produced_by=work.outputs[0].step)
        async with self._database.transaction(work.scope.org_id) as session:
            await session.execute(update(Artifact).where(work.lease).values(key=""))
        return False

    async def _make(
        self, work: _Work, epoch: int, suffixes: Mapping[str, str], make: Make, scratch: Path, waiting: Callable[[], None]
    ) -> Produced:
        folder = Path(tempfile.mkdtemp(dir=scratch))
        paths = {name: folder / f"{name}{suffix}" for name, suffix in suffixes.items()}

        async def make_and_publish() -> Produced:
            log.info("making", produced_by=work.outputs[0].step, fingerprint=work.fingerprint)
            facts = await make(paths)
            refs = {}
            for output in work.outputs:
                waiting()
                refs[output.name] = await self._put(output.key, paths[output.name])
            await self._publish(work, epoch, refs, facts)
            return Produced(refs, facts)

        try:
            return await _unless(self._renew(work, epoch), make_and_publish())
        except BaseException:
            await self._release(work, epoch)
            raise

    async def _put(self, key: str, path: Path) -> ArtifactRef:
        """Our bytes, or those that are there already."""
        sha256 = await asyncio.to_thread(sha256_of, path)
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        await self._objects.put_once(key, path, sha256, content_type)
        head = await self._objects.head(key)
        if head is None:
            raise Unreachable("The object store does not have what it took; try again.", code="store_unavailable")
        return ArtifactRef(key=key, sha256=head.sha256, size=head.size)

    async def _publish(self, work: _Work, epoch: int, refs: Mapping[str, ArtifactRef], facts: Mapping[str, Any]) -> None:
        async with self._database.transaction(work.scope.org_id) as session:
            await _set_lease(session, work, epoch, None)
            for output in work.outputs:
                ref = refs[output.name]
                published = {"key": ref.key, "sha256": ref.sha256, "size": ref.size, "facts": facts}
                row = work.rows & (col(Artifact.step) == output.step)
                await session.execute(update(Artifact).where(row).values(published))

    async def _renew(self, work: _Work, epoch: int) -> None:
        """Keep the lease; ends only by StaleLease. A database that is away for less than the lease costs nothing."""
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            try:
                async with self._database.transaction(work.scope.org_id) as session:
                    await _set_lease(session, work, epoch, func.now() + LEASE)
            except Unreachable as error:
                log.warning("lease_not_renewed", code=error.code)

    async def _release(self, work: _Work, epoch: int) -> None:
        """Let the next one begin at once; where this cannot be said, the lease lapses by itself."""
        with suppress(StaleLease, Unreachable):
            async with self._database.transaction(work.scope.org_id) as session:
                await _set_lease(session, work, epoch, None)


async def of(session: AsyncSession, scope: Scope) -> list[Artifact]:
    """Everything of one asset, or of one job, whether published or not."""
    mine = (col(Artifact.org_id) == scope.org_id) & (col(Artifact.scope) == scope.id)
    return list(await session.scalars(select(Artifact).where(mine).order_by(col(Artifact.id))))


async def forget(session: AsyncSession, scope: Scope) -> None:
    """Drop the rows of one asset, or of one job, once its objects (all below `scope.prefix`) are deleted."""
    mine = (col(Artifact.org_id) == scope.org_id) & (col(Artifact.scope) == scope.id)
    await session.execute(delete(Artifact).where(mine))


async def _set_lease(session: AsyncSession, work: _Work, epoch: int, until: Any) -> None:
    """Raises StaleLease where the lease is not ours any more. Holds the row, so nobody takes it in this transaction."""
    mine = update(Artifact).where(work.lease_of(epoch)).values(lease_until=until).returning(col(Artifact.id))
    if await session.scalar(mine) is None:
        raise StaleLease("Another worker took over this step; its result is used.")


async def _unless(watch: Coroutine[Any, Any, None], work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is canceled where `watch` fails before. Neither outlives this call."""
    watching, working = tasks = asyncio.create_task(watch), asyncio.create_task(work)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            watching.result()
        return working.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _outputs(scope: Scope, step: str, fingerprint: str, suffixes: Mapping[str, str]) -> list[_Output]:
    names = {name: step if len(suffixes) == 1 else f"{step}/{name}" for name in sorted(suffixes)}
    return [_Output(name, full, f"{scope.prefix}{full}/{fingerprint}{suffixes[name]}") for name, full in names.items()]


def _blank_rows(work: _Work) -> list[dict[str, Any]]:
    scope = work.scope
    shared = {"org_id": scope.org_id, "scope": scope.id, "asset_id": scope.asset_id, "job_id": scope.job_id}
    return [{"id": new_id("art"), "step": out.step, "fingerprint": work.fingerprint, **shared} for out in work.outputs]


def _found(work: _Work, rows: list[Artifact]) -> Produced:
    by_step = {row.step: row for row in rows}
    ordered = {output.name: by_step[output.step] for output in work.outputs}
    refs = {name: ArtifactRef(key=row.key, sha256=row.sha256, size=row.size) for name, row in ordered.items()}
    return Produced(refs, rows[0].facts)
