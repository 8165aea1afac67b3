"""`cutroom up`: the stack of this machine, until Ctrl-C."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from cutroom.settings import get_settings

app = typer.Typer()


@app.command()
def up(as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON once all is healthy.")] = False) -> None:
    """Run PostgreSQL, Temporal, the S3 gateway, the API and the workers; Ctrl-C ends them all."""
    try:
        asyncio.run(_up(as_json))
    except asyncio.CancelledError:
        raise typer.Exit(130) from None


async def _up(as_json: bool) -> None:
    from cutroom.local.stack import running

    console = Console(stderr=True)
    async with running(get_settings(), console) as stack:
        if as_json:
            Console().print_json(data=stack.addresses)
        else:
            Console().print(stack.table())
            console.print("Ctrl-C ends it.")
        await stack.supervisor.watch()
