"""`cutroom demo`: a campaign and a summary with its reel on this machine's own stack, started for them where none runs."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from cutroom.cli import summarize
from cutroom.cli.paying import stand_in_of
from cutroom.cli.run import FAILED, Wishes, existing, make_clips
from cutroom.cli.session import open_client
from cutroom.client import Client, Job
from cutroom.errors import InvalidRequest
from cutroom.settings import Settings, get_settings

app = typer.Typer()

SHORTEST_SAMPLE_S = 30


@app.command()
def demo(
    video: Annotated[Path | None, typer.Option(help="A recording; without one a talk is made.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the clips.")] = Path("demo"),
    captions: Annotated[Path | None, typer.Option(help="Its captions: SRT, VTT, ASS or TTML.")] = None,
    clips: Annotated[int | None, typer.Option(help="How many clips at most.")] = None,
    seconds: Annotated[int, typer.Option(help="Length of the talk that is made.")] = 120,
) -> None:
    """Make clips and a summary of a recording, or of a talk made for it, and show where they are."""
    console = Console(stderr=True)
    settings = get_settings()
    wishes = _wishes(video, out, captions, clips, seconds, console)
    try:
        job = asyncio.run(_on_the_stack(settings, wishes, console))
    except asyncio.CancelledError:
        raise typer.Exit(130) from None
    if job.status != "succeeded":
        raise typer.Exit(FAILED)
    console.print(f"\nLook at {out}/clip-01.mp4; campaign.json says why it was chosen.")
    if job.kind == "summary":
        console.print(f"{out}/summary.md sums the recording up, with its highlights as a video; a test card paid for them.")


def _wishes(video: Path | None, out: Path, captions: Path | None, clips: int | None, seconds: int, console: Console) -> Wishes:
    """The recording that was named, or a talk made beside the clips."""
    out.mkdir(parents=True, exist_ok=True)
    if video is not None:
        return Wishes(existing(video), out, existing(captions) if captions else None, clips)
    if seconds < SHORTEST_SAMPLE_S:
        raise InvalidRequest(f"The sample talk is at least {SHORTEST_SAMPLE_S} seconds long.", code="sample_too_short")
    from cutroom.local.sample import make_sample

    with console.status(f"Making a talk of {seconds} seconds"):
        sample = make_sample(out / "sample", seconds)
    console.print(f"Made {sample.video}")
    return Wishes(sample.video, out, sample.captions, clips)


async def _on_the_stack(settings: Settings, wishes: Wishes, console: Console) -> Job:
    """Use the stack that runs in this home, or start one for as long as it takes."""
    from cutroom.local.home import Home
    from cutroom.local.stack import read_run, running

    if read_run(Home.at(settings.home)) is not None:
        return await _show(settings, wishes, console)
    async with running(settings, console) as stack:
        mine = stack.settings.model_copy(update={"api_token": SecretStr(stack.token)})
        return await _show(mine, wishes, console)


async def _show(settings: Settings, wishes: Wishes, console: Console) -> Job:
    """Ctrl-C closes the client, so that its thread does not wait for a server that is gone."""
    with open_client(settings) as client:
        job = await asyncio.to_thread(make_clips, client, wishes, console)
        stand_in = stand_in_of(settings)
        if job.status != "succeeded" or not stand_in:  # real payments are made by their payer
            return job
        asked = summarize.Wishes(wishes.out, stand_in, captions=wishes.captions, reel=True)
        return await asyncio.to_thread(_sum_up, client, wishes.video, asked, console)


def _sum_up(client: Client, video: Path, asked: summarize.Wishes, console: Console) -> Job:
    """A summary paid by test card."""
    return summarize.follow(client, summarize.ask(client, video, asked, console), asked, console)
