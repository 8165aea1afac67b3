"""`cutroom temporal`: what we have set up in Temporal, and mending it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cutroom.settings import get_settings

if TYPE_CHECKING:
    from cutroom.temporal.schedules import Change, Standing

app = typer.Typer(name="temporal", no_args_is_help=True, help="Look at what is set up in Temporal, and mend it.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_COLOURS = {"ok": "green", "missing": "red", "differs": "yellow", "unknown": "yellow"}
_NOT_AS_THE_CODE_SAYS = 1


@app.callback()
def temporal() -> None:
    """Makes `schedules` a sub-command, also while it is the only one."""


@app.command()
def schedules(
    repair: Annotated[bool, typer.Option("--repair", help="Make what is missing, mend what differs, remove the unknown.")] = False,
    unpause: Annotated[bool, typer.Option("--unpause", help="End pauses, which a repair leaves alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Our schedules: what they start, how often, and whether they are as this version wants them; else exit code 1."""
    if repair or unpause:
        changes = asyncio.run(_mend(repair, unpause))
        if as_json:
            Console().print_json(data=[asdict(change) for change in changes])
        for change in changes if not as_json else ():
            Console().print(f"{change.done} {change.id}", highlight=False)
        if not changes and not as_json:
            Console().print("There was nothing to do.")
        return
    found = asyncio.run(_read())
    if as_json:
        Console().print_json(data=[asdict(standing) for standing in found], default=datetime.isoformat)
    else:
        Console().print(_table(found))
    if any(standing.state != "ok" for standing in found):
        raise typer.Exit(_NOT_AS_THE_CODE_SAYS)


async def _read() -> "Sequence[Standing]":
    from cutroom.temporal.connection import connect
    from cutroom.temporal.schedules import read_schedules

    return await read_schedules(await connect(get_settings()))


async def _mend(repair: bool, unpause: bool) -> "Sequence[Change]":
    from cutroom.temporal import schedules
    from cutroom.temporal.connection import connect

    client = await connect(get_settings())
    changes = []
    if repair:
        changes += [*await schedules.ensure_schedules(client), *await schedules.remove_unknown(client)]
    if unpause:
        changes += await schedules.unpause(client)
    return changes


def _table(found: "Sequence[Standing]") -> Table:
    table = Table("schedule", "starts", "every", "last run", "next run", "state")
    for standing in found:
        every = f"{standing.every_s:g} s" if standing.every_s else ""
        times = (f"{at:%Y-%m-%d %H:%M:%S}" if at else "" for at in (standing.last_run, standing.next_run))
        table.add_row(standing.id, standing.starts, every, *times, _state(standing))
    return table


def _state(standing: "Standing") -> str:
    text = f"[{_COLOURS[standing.state]}]{standing.state}[/]"
    if standing.differs:
        text += f" in {', '.join(standing.differs)}"
    if standing.paused:
        text += f", [yellow]paused[/]{': ' if standing.note else ''}{escape(standing.note)}"
    return text
