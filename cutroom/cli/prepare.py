"""`cutroom prepare`: brings the outside servers that settings name to what Cutroom needs of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer
from rich.console import Console

from cutroom.errors import SetupError, Unreachable
from cutroom.settings import Settings, get_settings

app = typer.Typer()

LACKS_SOMETHING = 3
AGAIN_AFTER_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """One thing: what was `done`, that a part was `fine` or is `embedded`, or what is left to somebody `by hand`."""

    part: str
    state: Literal["done", "fine", "embedded", "by hand"]
    says: str
    command: str = ""


@app.command()
def prepare(
    wait: Annotated[float, typer.Option(help="Seconds to wait for servers that do not answer yet.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Migrate the database, make the bucket, the Temporal namespace and our schedules: whatever is missing, and nothing twice.

    Exit code 3 where something is left to do by hand, 4 where a server does not answer in time.
    """
    outcomes = asyncio.run(_prepare(get_settings(), wait, as_json))
    if as_json:
        Console().print_json(data=[asdict(outcome) for outcome in outcomes])
    if any(outcome.state == "by hand" for outcome in outcomes):
        raise typer.Exit(LACKS_SOMETHING)


async def _prepare(settings: Settings, wait_s: float, quiet: bool) -> list[Outcome]:
    if not (settings.database_url.get_secret_value() or settings.s3_endpoint or settings.temporal_address):
        raise SetupError("The settings name no server elsewhere, and `cutroom up` prepares its own.")
    console, waiting = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    deadline = time.monotonic() + wait_s
    outcomes = []
    for work in (_database, _store, _temporal):
        for outcome in await _patiently(work, settings, deadline, waiting):
            outcomes.append(outcome)
            if not quiet:
                console.print(f"{outcome.part}: {outcome.says}", highlight=False, markup=False)
            if outcome.command and not quiet:
                console.print(f"    {outcome.command}", highlight=False, markup=False)
    return outcomes


async def _patiently(
    work: Callable[[Settings], Awaitable[list[Outcome]]], settings: Settings, deadline: float, console: Console
) -> list[Outcome]:
    """What `work` did, once its server answers. Raises Unreachable at the deadline."""
    said = ""
    while True:
        try:
            return await work(settings)
        except Unreachable as error:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise
            if error.detail != said:
                console.print(f"waiting, {left_s:.0f} s at most: {error.detail}", highlight=False, markup=False)
                said = error.detail
        await asyncio.sleep(min(AGAIN_AFTER_S, left_s))


async def _database(settings: Settings) -> list[Outcome]:
    from cutroom.store.migrate import upgrade

    if not settings.database_url.get_secret_value():
        return [Outcome("database", "embedded", "embedded, left to `cutroom up`")]
    owner_url = settings.database_owner_url.get_secret_value()
    if not owner_url:
        return [Outcome("database", "by hand", "set CUTROOM_DATABASE_OWNER_URL too, so that it can be migrated")]
    ran = await asyncio.to_thread(upgrade, owner_url)
    return [Outcome("database", "done", f"ran migration {revision}") for revision in ran] or [
        Outcome("database", "fine", "migrated already")
    ]


async def _store(settings: Settings) -> list[Outcome]:
    from cutroom.store.objects import ObjectStore

    if not settings.s3_endpoint:
        return [Outcome("store", "embedded", "embedded, left to `cutroom up`")]
    made = await ObjectStore(settings).make_bucket()
    if made:
        return [Outcome("store", "done", f"made the bucket {settings.s3_bucket}")]
    return [Outcome("store", "fine", f"the bucket {settings.s3_bucket} is there")]


async def _temporal(settings: Settings) -> list[Outcome]:
    from cutroom.temporal.connection import connect
    from cutroom.temporal.namespace import mend_namespace
    from cutroom.temporal.schedules import ensure_schedules, remove_unknown

    if not settings.temporal_address:
        return [Outcome("temporal", "embedded", "embedded, left to `cutroom up`")]
    client = await connect(settings)
    mended, left = await mend_namespace(client, settings.temporal_address)
    outcomes = [Outcome("temporal", "done", lack.act) for lack in mended]
    outcomes += [Outcome("temporal", "by hand", lack.says, lack.command) for lack in left]
    if any(lack.kind == "namespace" for lack in left):
        return outcomes
    changes = [*await ensure_schedules(client), *await remove_unknown(client)]
    outcomes += [Outcome("temporal", "done", f"{change.done} the schedule {change.id}") for change in changes]
    return outcomes or [Outcome("temporal", "fine", f"the namespace {client.namespace} and our schedules are as they should be")]
