"""Opening what a worker process may reach, by the settings that it was given, and closing it again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from activities.base import Resources
from cutroom.settings import Settings
from cutroom.store.artifacts import Artifacts
from cutroom.store.database import Database
from cutroom.store.files import LocalFiles
from cutroom.store.objects import ObjectStore
from cutroom.telemetry.metrics import watch_disk
from cutroom.temporal.engine import Engine


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Connections are made on first use, so a worker starts while the database or the store is still away."""
    database = Database(settings.database_url.get_secret_value())
    system_url = settings.database_system_url.get_secret_value()
    system = Database(system_url) if system_url else None
    objects = ObjectStore(settings)
    files = LocalFiles(settings.home / "cache", settings.home / "scratch", objects, settings.cache_bytes)
    files.sweep()
    watch_disk(settings.home)
    try:
        yield Resources(settings, database, system, objects, Artifacts(database, objects), files, Engine(settings))
    finally:
        await database.close()
        if system is not None:
            await system.close()
