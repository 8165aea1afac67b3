"""`cutroom backup`: all state of the embedded stack in one file, while it runs or not."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cutroom.cli.progress import sending
from cutroom.settings import get_settings

if TYPE_CHECKING:
    from cutroom.local.archive import Manifest

app = typer.Typer()


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what it holds as JSON.")] = False,
) -> None:
    """Copy database, files and running work, as of one instant, into FILE. What runs goes on."""
    from cutroom.local.backup import back_up

    console = Console(stderr=True)
    with sending(console) as progress:
        manifest = asyncio.run(back_up(get_settings(), file, console, progress.of("Backing up")))
    describe(manifest, as_json)


def describe(manifest: "Manifest", as_json: bool) -> None:
    """What a backup holds, and what it lacks."""
    console = Console()
    if as_json:
        console.print_json(data=manifest.model_dump(mode="json", exclude={"members"}) | {"objects": manifest.objects})
        return
    rows, size = sum(manifest.rows.values()), manifest.size / 1e6
    console.print(f"{manifest.objects} files and {rows} rows, {size:.1f} MB, as of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC")
    for key in manifest.missing:
        console.print(f"  not there any more: {key}", style="yellow", markup=False, highlight=False)
    for key in manifest.damaged:
        console.print(f"  damaged in the store: {key}", style="yellow", markup=False, highlight=False)
