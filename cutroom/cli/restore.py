"""`cutroom restore`: a backup becomes the home that CUTROOM_HOME names."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cutroom.cli.backup import describe
from cutroom.cli.progress import sending
from cutroom.settings import get_settings

app = typer.Typer()


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `cutroom backup` wrote.")],
    only_check: Annotated[bool, typer.Option("--check", help="Read and verify all of it, and restore nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what it holds as JSON.")] = False,
) -> None:
    """Make FILE a home again, where there is none. Afterwards `cutroom up` goes on where the backup was made."""
    from cutroom.local import restore

    settings, console = get_settings(), Console(stderr=True)
    with sending(console) as progress:
        if only_check:
            manifest = restore.check(file, progress.of("Checking"))
        else:
            manifest = asyncio.run(restore.restore(settings, file, console, progress.of("Restoring")))
    describe(manifest, as_json)
