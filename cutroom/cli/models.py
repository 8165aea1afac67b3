"""`cutroom models`: the recognisers and models of this machine."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cutroom.settings import get_settings

app = typer.Typer()


@app.command()
def models(as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False) -> None:
    """List speech recognisers: which are here, where, how large, and how to get the others."""
    from cutroom.speech.recognise import available_engines
    from cutroom.speech.weights import MIB, cache_dir

    settings = get_settings()
    facts = available_engines(settings)
    if as_json:
        Console().print_json(data=[one._asdict() for one in facts])
        return
    table = Table("engine", "model", "ready", "MiB", "where it is")
    for one in facts:
        chosen = " (chosen)" if one.engine == "whisper" and one.model == settings.whisper_model else ""
        size = str(round(one.size_bytes / MIB))
        table.add_row(one.engine, one.model + chosen, "yes" if one.ready else "no", size, one.where if one.ready else "")
    console = Console()
    console.print(table)
    console.print(f"Whisper's weights lie in {cache_dir()}. They are fetched on first use; without them pocketsphinx is used.")
    console.print("CUTROOM_WHISPER_MODEL names the model. `cutroom models --json` tells where each can be had.")
