"""`cutroom organisations`: for whoever runs the server: who may work on it, and with how many credits they begin."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cutroom.errors import InvalidRequest, NotFound, SetupError
from cutroom.settings import Settings, get_settings

if TYPE_CHECKING:
    from cutroom.store.database import Database
    from cutroom.store.tables import Organisation

T = TypeVar("T")

app = typer.Typer(name="organisations", no_args_is_help=True, help="Make and list organisations, with the system's database role.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class Made:
    """`token` is empty where it went into a file."""

    id: str
    name: str
    credits: int
    token: str


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="As people call it.")],
    credits: Annotated[int, typer.Option(min=0, help="Credits to begin with.")] = 0,
    token_file: Annotated[Path | None, typer.Option(help="A new private file for the token, instead of printing it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an organisation and its first token, with all rights; the token is shown this once."""
    if not name.strip():
        raise typer.BadParameter("Give it a name.")
    if token_file and token_file.exists():
        raise InvalidRequest("The token file is there already, and may hold a token: name a new one.", code="token_file_unusable")
    made = asyncio.run(_with_database(lambda database: _create(database, name, credits, token_file)))
    if as_json:
        Console().print_json(data=asdict(made))
        return
    Console(stderr=True).print(f"Made the organisation {made.id} with {made.credits} credits. Its token:", highlight=False)
    Console(soft_wrap=True).print(made.token or f"in {token_file}", markup=False, highlight=False)


@app.command("list")
def list_organisations(as_json: AsJson = False) -> None:
    """All organisations, oldest first."""
    found = asyncio.run(_with_database(_list))
    if as_json:
        data = [organisation.model_dump(mode="json") for organisation in found]
        Console().print_json(data=data)
        return
    table = Table("organisation", "name", "since")
    for organisation in found:
        table.add_row(organisation.id, escape(organisation.name), f"{organisation.created_at:%Y-%m-%d %H:%M:%S}")
    Console().print(table)


@app.command()
def mail(
    org_id: Annotated[str, typer.Argument(help="Such as org_...")],
    email: Annotated[str, typer.Argument(help="An owner of it; made one where there is none.")],
    off: Annotated[bool, typer.Option("--off", help="Send no more.")] = False,
) -> None:
    """Have an owner told by mail when a job ends."""
    asyncio.run(_with_database(lambda database: _mail(database, org_id, email, not off)))


async def _mail(database: "Database", org_id: str, email: str, wanted: bool) -> str:
    from cutroom.store import identity

    async with database.transaction(None) as session:
        if org_id not in {organisation.id for organisation in await identity.list_organisations(session)}:
            raise NotFound("There is no such organisation; see `cutroom organisations list`.", code="organisation_unknown")
        return await identity.add_member(session, org_id, email, "admin", wants_mail=wanted)


async def _create(database: "Database", name: str, credits: int, token_file: Path | None) -> Made:
    from cutroom.local.home import write_private
    from cutroom.store import identity, ledger

    with ExitStack() as undo:
        async with database.transaction(None) as session:
            org_id = await identity.create_organisation(session, name.strip())
            if credits:
                await ledger.grant(session, org_id, "live", credits, "start", "start")
            _, token = await identity.create_token(session, org_id, "first", "live", ["admin"])
            if token_file:
                try:  # before the commit: an organisation whose token nobody has is of no use
                    write_private(token_file, token + "\n")
                except OSError as error:
                    raise InvalidRequest("The token file cannot be written; name another.", code="token_file_unusable") from error
                undo.callback(token_file.unlink)
        undo.pop_all()
    return Made(org_id, name, credits, "" if token_file else token)


async def _list(database: "Database") -> "list[Organisation]":
    from cutroom.store import identity

    async with database.transaction(None) as session:
        return await identity.list_organisations(session)


async def _with_database(work: "Callable[[Database], Awaitable[T]]") -> T:
    from cutroom.store.database import Database

    database = Database(_system_url(get_settings()), pool_size=1)
    try:
        return await work(database)
    finally:
        await database.close()


def _system_url(settings: Settings) -> str:
    """The system role's URL: of settings, or of the stack that runs on this machine. Raises SetupError where there is neither."""
    if url := settings.database_system_url.get_secret_value():
        return url
    from cutroom.local.home import Home
    from cutroom.local.stack import read_run, with_embedded

    home = Home(settings.home.expanduser().resolve())
    if read_run(home) is None:
        raise SetupError("There is no database: set CUTROOM_DATABASE_SYSTEM_URL, or start the stack with `cutroom up`.")
    return with_embedded(settings, home).database_system_url.get_secret_value()
