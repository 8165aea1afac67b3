"""`cutroom models`: the recognisers and models of this machine, and fetching them."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cutroom.settings import get_settings

app = typer.Typer(name="models", help="Recognisers and models: which are here, and fetching them.", invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the list as JSON.")]


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List them, where no sub-command is given."""
    if context.invoked_subcommand is None:
        list_models(as_json)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List speech recognisers: which are here, where, how large, and how to get the others."""
    from cutroom.speech.download import MIB
    from cutroom.speech.recognise import available_engines

    settings = get_settings()
    facts = available_engines(settings)
    if as_json:
        Console().print_json(data=[one._asdict() for one in facts])
        return
    table = Table("engine", "model", "ready", "MiB", "where it is, or where its files go")
    for one in facts:
        chosen = " (chosen)" if one.engine != "pocketsphinx" and one.model == settings.whisper_model else ""
        size = str(round(one.size_bytes / MIB))
        table.add_row(one.engine, one.model + chosen, "yes" if one.ready else "no", size, one.where)
    console = Console()
    console.print(table)
    console.print("`cutroom models pull NAME` fetches one, as its first use does; without any pocketsphinx is used.")
    console.print("CUTROOM_WHISPER_MODEL names the model. `--json` tells where each can be had on a machine with a network.")


@app.command()
def pull(
    model: Annotated[str, typer.Argument(help="A model of whisper, such as base or large-v3-turbo.")],
    engine: Annotated[str, typer.Option(help="faster_whisper or whisper; without it, the first that has the model.")] = "",
) -> None:
    """Fetch a model's weights and check their hashes. What broke off goes on where it stopped."""
    from cutroom.speech import converted, weights

    if engine not in ("", "faster_whisper", "whisper"):
        raise typer.BadParameter("Use faster_whisper or whisper.", param_hint="--engine")
    name = weights.published_name(model)
    fetch = converted.fetch if engine == "faster_whisper" or (not engine and converted.published(name)) else weights.fetch
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"Fetching {name}", total=1.0)
        where = fetch(name, lambda share: progress.update(task, completed=share))
    console.print(f"{name} is in {where}", soft_wrap=True)
