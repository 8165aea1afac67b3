"""`cutroom restore`: a backup becomes a home again.

The home is built beside its place and moved there once all of it is right, so that a restore that was killed has done nothing;
the next one clears up. It gets passwords of its own. `check` reads a backup as a restore does, and writes nothing.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from cutroom.errors import SetupError, ToolFailed
from cutroom.local.archive import DUMP, OBJECTS, TEMPORAL, Manifest, Reader, reading, too_new
from cutroom.local.backup import require_embedded
from cutroom.local.disk import room_for
from cutroom.local.home import Home
from cutroom.local.locks import only_stack
from cutroom.local.postgres import DATABASE, Postgres
from cutroom.local.progress import Show, counting
from cutroom.local.stack import embedded_postgres, storage
from cutroom.settings import Settings
from cutroom.store import uploads
from cutroom.store.database import Database
from cutroom.store.migrate import knows, upgrade
from cutroom.store.objects import ObjectStore
from cutroom.store.snapshot import snapshot

Count = Callable[[int], None]
_NO_STATE = frozenset(("logs", "run"))


def check(file: Path, show: Show) -> Manifest:
    """What the backup holds, every byte of it verified.

    Raises InvalidRequest (`file_not_found`, `file_unreadable`), BadInput (`backup_damaged`) and SetupError (`backup_too_new`).
    """
    with _opened(file) as archive:
        count = counting(show, archive.manifest.size)
        for member in archive.manifest.members:
            archive.copy(member, lambda _: None, count)
        return archive.manifest


async def restore(settings: Settings, file: Path, console: Console, show: Show) -> Manifest:
    """Make a backup the home of `settings`; what the backup held.

    Raises what `check` raises, SetupError (`home_not_empty`, `not_embedded`, `already_running`, `disk_too_small`) and ToolFailed
    (`database_copy_failed`, `restore_incomplete`). Use it from the main thread.
    """
    require_embedded(settings, None)
    with _opened(file) as archive, _built_beside(settings) as (home, lock):
        manifest = archive.manifest
        largest = max(member.size for member in manifest.members)
        with room_for(manifest.database_bytes + manifest.size + largest, home.path):
            async with storage(settings, home, lock, console) as found:
                await _fill(home, found, archive, counting(show, manifest.size))
    return manifest


@contextmanager
def _opened(file: Path) -> Iterator[Reader]:
    with reading(file) as archive:
        if not knows(archive.manifest.revision):
            raise too_new()
        yield archive


@contextmanager
def _built_beside(settings: Settings) -> Iterator[tuple[Home, int]]:
    """A new home, which takes its place once the body is done, and its lock. Until then no stack starts in that place."""
    place = settings.home.expanduser().resolve()
    _require_empty(place)
    with only_stack(Home.at(place)):
        _require_empty(place)
        new = Home.at(place.with_name(f"{place.name}.restoring"))
        with only_stack(new) as lock:
            _clear(new, settings)
            try:
                yield new, lock
                os.sync()
                _move(new.path, place)
            except BaseException:
                _clear(new, settings)
                shutil.rmtree(new.path)
                raise


def _require_empty(place: Path) -> None:
    if place.exists() and {entry.name for entry in place.iterdir()} - _NO_STATE:
        detail = f"There is something in {place}: restore into an empty folder (CUTROOM_HOME), or move that one away."
        raise SetupError(detail, code="home_not_empty")
    if place.is_mount():
        raise SetupError(f"{place} is a whole disk: set CUTROOM_HOME to a folder in it.", code="home_not_empty")


def _clear(home: Home, settings: Settings) -> None:
    """Remove what a restore has left, and what of it lies elsewhere (PostgreSQL's data, where root runs it)."""
    if (home.path / "secrets.json").exists():
        postgres = embedded_postgres(settings, home)
        shutil.rmtree(postgres.home if postgres.home == postgres.folder else postgres.home.parent, ignore_errors=True)
    for entry in home.path.iterdir():
        if entry.is_dir() and entry.name not in _NO_STATE:
            shutil.rmtree(entry)
        elif entry.is_file():
            entry.unlink()


def _move(new: Path, place: Path) -> None:
    for name in _NO_STATE:
        shutil.rmtree(place / name)
    try:
        new.rename(place)
    except OSError as error:
        raise SetupError(f"Something was put into {place} meanwhile; restore again.", code="home_not_empty") from error
    os.sync()


async def _fill(home: Home, settings: Settings, archive: Reader, count: Count) -> None:
    postgres, objects = embedded_postgres(settings, home), ObjectStore(settings)
    await asyncio.to_thread(_restore_temporal, archive, home.folder("temporal") / TEMPORAL, count)
    await asyncio.to_thread(_restore_database, postgres, archive, home.log("pg_restore"), count)
    scratch = home.folder("scratch")
    for member in archive.manifest.members:
        if member.name.startswith(OBJECTS):
            with (scratch / "object").open("wb") as stream:
                await asyncio.to_thread(archive.copy, member, stream.write, count)
            key = member.name.removeprefix(OBJECTS)
            await objects.put_once(key, scratch / "object", member.sha256, member.content_type)
    shutil.rmtree(scratch)
    await _require_all(archive.manifest, postgres, objects)
    await asyncio.to_thread(upgrade, postgres.url("owner"))  # what follows knows today's tables alone
    await _give_up_uploads(settings)


def _restore_temporal(archive: Reader, file: Path, count: Count) -> None:
    with file.open("wb") as stream:
        archive.copy(archive.members[TEMPORAL], stream.write, count)


def _restore_database(postgres: Postgres, archive: Reader, log: Path, count: Count) -> None:
    command = [str(postgres.program("pg_restore")), f"--dbname={DATABASE}", "--exit-on-error", "--single-transaction"]
    pipe, environment = subprocess.PIPE, postgres.environment()
    with (
        log.open("wb") as said,
        suppress(BrokenPipeError),  # it ended before its input did; its exit status says so
        subprocess.Popen(command, env=environment, stdin=pipe, stdout=said, stderr=said) as process,
    ):
        assert process.stdin is not None
        archive.copy(archive.members[DUMP], process.stdin.write, count)
    if process.returncode != 0:
        raise ToolFailed(f"pg_restore failed: {log.read_text().partition(chr(10))[0]}", code="database_copy_failed")


async def _require_all(manifest: Manifest, postgres: Postgres, objects: ObjectStore) -> None:
    """Every row and every object is there."""
    with snapshot(postgres.url("superuser")) as database:
        rows = database.rows()
    stored = {OBJECTS + found.key: found.size for found in await objects.list_all()}
    promised = {member.name: member.size for member in manifest.members if member.name.startswith(OBJECTS)}
    if rows != manifest.rows or stored != promised:
        raise ToolFailed("Not every row and object of the backup arrived; restore again.", code="restore_incomplete")


async def _give_up_uploads(settings: Settings) -> None:
    """What was still being uploaded has lost its parts; its client starts again."""
    database = Database(settings.database_system_url.get_secret_value(), pool_size=1)
    try:
        async with database.transaction(None) as session:
            await uploads.abort_open(session)
    finally:
        await database.close()
