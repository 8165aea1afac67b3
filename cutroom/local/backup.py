"""`cutroom backup`: the database, the object store and Temporal's file of the embedded stack, as of one instant, in one file.

`cut` takes the instant. Objects are written once, and before the row that names them: what the snapshot names is there, and
is copied last. So a backup holds what a kill -9 of all our processes would have left at that instant, and docs/durability.md
says what becomes of that. Passwords and the local token stay out of it.
"""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.console import Console

import cutroom
from cutroom.errors import BadInput, InvalidRequest, NotFound, SetupError, ToolFailed, Unreachable
from cutroom.local.archive import DUMP, OBJECTS, TEMPORAL, Manifest, Writer, writing
from cutroom.local.cut import Cut, Run, cut, require_settled
from cutroom.local.disk import room_for
from cutroom.local.home import Home
from cutroom.local.locks import only_backup, only_stack
from cutroom.local.postgres import Postgres
from cutroom.local.progress import Show, counting
from cutroom.local.stack import embedded_postgres, read_run, storage, with_embedded
from cutroom.settings import Settings
from cutroom.store.objects import Listed, ObjectStore

SERVERS = frozenset(("postgres", "temporal", "s3"))
Count = Callable[[int], None]


@dataclass(frozen=True)
class _Source:
    """A home whose database and store answer. `run`: the stack that runs in it."""

    home: Home
    postgres: Postgres
    objects: ObjectStore
    run: Run | None

    @property
    def temporal_file(self) -> Path:
        return self.home.path / "temporal" / "temporal.db"


async def back_up(settings: Settings, file: Path, console: Console, show: Show) -> Manifest:
    """Write a backup of this home to `file`, whole or not at all, whether its stack runs or not; what it holds.

    Raises SetupError (`home_empty`, `not_embedded`, `already_running`, `disk_too_small`), InvalidRequest (`file_exists`,
    `file_not_found`), Unreachable (`stack_unsettled`, or a server that does not answer) and ToolFailed
    (`database_copy_failed`). Use it from the main thread.
    """
    home = Home(settings.home.expanduser().resolve())
    if not (home.path / "temporal" / "temporal.db").exists():
        raise _empty(home)
    with only_backup(home), _whole(file) as (stream, scratch), writing(stream) as archive:
        async with _source(settings, home, console) as source:
            return await _write(source, archive, scratch, show)


def _empty(home: Home) -> SetupError:
    return SetupError(f"There is nothing to back up in {home.path}; set CUTROOM_HOME to another folder.", code="home_empty")


def require_embedded(settings: Settings, run: Run | None) -> None:
    """Raises SetupError (`not_embedded`) where a server is outside, by these settings or by those of the stack that runs."""
    outside = settings.database_url.get_secret_value() or settings.temporal_address or settings.s3_endpoint
    if outside or (run and not run["parts"].keys() >= SERVERS):
        detail = "Only the embedded servers are backed up and restored by this; docs/backup.md says what to do with those outside."
        raise SetupError(detail, code="not_embedded")


@asynccontextmanager
async def _source(settings: Settings, home: Home, console: Console) -> AsyncIterator[_Source]:
    """The servers of the stack that runs, or those two that are needed, started for it."""
    run = read_run(home)
    if run is not None:
        require_settled(run)
    require_embedded(settings, run)
    if run is not None:
        ports = {f"{name}_port": int(run["addresses"][name].rpartition(":")[2]) for name in ("postgres", "s3")}
        found = with_embedded(settings.model_copy(update=ports), home)
        yield _Source(home, embedded_postgres(found, home), ObjectStore(found), run)
        return
    with only_stack(home) as lock:
        async with storage(settings, home, lock, console) as alone:
            yield _Source(home, embedded_postgres(alone, home), ObjectStore(alone), None)


@contextmanager
def _whole(file: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A stream that becomes `file` once the body is done and all is on the disk, and a scratch folder beside it."""
    if file.exists():
        raise InvalidRequest(f"There is a file {file} already; name another.", code="file_exists")
    if not file.parent.is_dir():
        raise InvalidRequest(f"There is no folder {file.parent}.", code="file_not_found")
    scratch = file.with_name(f".{file.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    try:
        with os.fdopen(os.open(scratch / "archive", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            yield stream, scratch
            stream.flush()
            os.fsync(stream.fileno())
        (scratch / "archive").rename(file)
        os.sync()
    finally:
        shutil.rmtree(scratch)


async def _write(source: _Source, archive: Writer, scratch: Path, show: Show) -> Manifest:
    with cut(source.home, source.run, source.postgres.url("superuser"), source.temporal_file) as now:
        revision = now.database.revision()
        if revision is None:
            raise _empty(source.home)
        uploaded = await _put_together(source.objects, now)
        named = now.database.objects()
        listed = [found for found in await source.objects.list_all() if found.changed_at <= now.at or found.key in named]
        rows, database_bytes = now.database.rows(), now.database.size()
        temporal_bytes = source.temporal_file.stat().st_size
        total = database_bytes + temporal_bytes + sum(found.size for found in listed)
        count = counting(show, total)
        with room_for(total + temporal_bytes, scratch):
            await _copy_objects(source.objects, [found for found in listed if found.key in uploaded], archive, count)
            await asyncio.to_thread(_copy_temporal, now.temporal, archive, scratch / TEMPORAL, count)
            await asyncio.to_thread(_dump, source.postgres, now.name, archive, scratch / "said", count)
            await _copy_objects(source.objects, [found for found in listed if found.key not in uploaded], archive, count)
    stored = {member.name.removeprefix(OBJECTS): member.sha256 for member in archive.members}
    manifest = Manifest(
        cutroom=cutroom.__version__,
        revision=revision,
        created_at=now.at,
        held_s=round(now.held_s, 4),
        database_bytes=database_bytes,
        rows=rows,
        missing=sorted(named.keys() - stored.keys()),
        damaged=sorted(key for key, sha256 in named.items() if sha256 and stored.get(key, sha256) != sha256),
        members=archive.members,
    )
    archive.finish(manifest)
    show(total, total)
    return manifest


async def _put_together(objects: ObjectStore, now: Cut) -> set[str]:
    """Uploads whose parts are all there become objects, as their ingest is about to make them: parts cannot be read back.

    Their keys. These objects are copied first, since the ingest deletes what it does not take.
    """
    completing = now.database.completing()
    for key, upload_id, size in completing:
        with suppress(BadInput, Unreachable):  # it shows as missing then
            await objects.complete_multipart(key, upload_id, size)
    return {key for key, _, _ in completing}


def _copy_temporal(source: sqlite3.Connection, archive: Writer, copy: Path, count: Count) -> None:
    with closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with copy.open("rb") as stream:
        archive.add(TEMPORAL, stream, count, compress=True)
    copy.unlink()


def _dump(postgres: Postgres, snapshot: str, archive: Writer, said: Path, count: Count) -> None:
    """The database as of the snapshot, in pg_dump's own compressed format."""
    command = [str(postgres.program("pg_dump")), "--format=custom", f"--snapshot={snapshot}"]
    pipe, environment = subprocess.PIPE, postgres.environment()
    with said.open("wb") as errors, subprocess.Popen(command, env=environment, stdout=pipe, stderr=errors) as process:
        assert process.stdout is not None
        archive.add(DUMP, process.stdout, count)
    if process.returncode != 0:
        raise ToolFailed(f"pg_dump failed: {said.read_text().partition(chr(10))[0]}", code="database_copy_failed")


async def _copy_objects(objects: ObjectStore, listed: list[Listed], archive: Writer, count: Count) -> None:
    for found in listed:

        def add(source: IO[bytes], content_type: str, name: str = OBJECTS + found.key) -> None:
            archive.add(name, source, count, content_type=content_type)

        with suppress(NotFound):  # deleted since
            await objects.read(found.key, add)
