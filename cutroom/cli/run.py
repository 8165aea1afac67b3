"""`cutroom run`: a recording becomes clips in a folder, with live progress per step."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cutroom.cli.progress import LiveJob, sending
from cutroom.cli.session import open_client
from cutroom.client import Client, Job
from cutroom.errors import InvalidRequest
from cutroom.settings import get_settings

app = typer.Typer()

FAILED = 1


@dataclass(frozen=True)
class Wishes:
    """What is asked for; None takes the server's default."""

    video: Path
    out: Path
    captions: Path | None = None
    count: int | None = None
    min_s: float | None = None
    max_s: float | None = None
    aspect: str | None = None
    resolution: str | None = None
    topic: str | None = None
    language: str | None = None
    vocabulary: Sequence[str] = ()


@app.command()
def run(
    video: Annotated[Path, typer.Argument(help="The recording: MP4, MOV, MKV or WebM.")],
    out: Annotated[Path, typer.Option(help="Folder for the clips.")] = Path("clips"),
    captions: Annotated[Path | None, typer.Option(help="Its captions: SRT, VTT, ASS or TTML.")] = None,
    clips: Annotated[int | None, typer.Option(help="How many clips at most.")] = None,
    min_s: Annotated[float | None, typer.Option(help="Shortest clip, seconds.")] = None,
    max_s: Annotated[float | None, typer.Option(help="Longest clip, seconds.")] = None,
    aspect: Annotated[str | None, typer.Option(help="Shape of the clips: 9:16, 1:1, 4:5 or 16:9.")] = None,
    resolution: Annotated[str | None, typer.Option(help="Their shorter side: 720p or 1080p.")] = None,
    topic: Annotated[str | None, typer.Option(help="What the clips are to be about.")] = None,
    language: Annotated[str | None, typer.Option(help="Spoken language, such as en.")] = None,
    vocabulary: Annotated[
        list[str] | None,
        typer.Option(metavar="TERM", help="A name or term as it is spelled, or @FILE with one a line; can be given often."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the campaign as JSON at the end.")] = False,
) -> None:
    """Turn a recording into captioned clips. Exit code 1 where the campaign does not succeed."""
    console = Console(stderr=True)
    wishes = Wishes(
        video=existing(video),
        out=out,
        captions=existing(captions) if captions else None,
        count=clips,
        min_s=min_s,
        max_s=max_s,
        aspect=aspect,
        resolution=resolution,
        topic=topic,
        language=language,
        vocabulary=terms_of(vocabulary or []),
    )
    with open_client(get_settings()) as client:
        job = make_clips(client, wishes, console)
    if as_json:
        Console().print_json((out / "campaign.json").read_text())
    if job.status != "succeeded":
        raise typer.Exit(FAILED)


def existing(path: Path) -> Path:
    """`path`, where there is a file. Raises InvalidRequest (`file_not_found`)."""
    if not path.is_file():
        raise InvalidRequest(f"There is no file {path}.", code="file_not_found")
    return path


def terms_of(given: Sequence[str]) -> list[str]:
    """Names and terms, those of `@FILE` read. Raises InvalidRequest (`file_not_found`, `file_unreadable`)."""
    terms = []
    for term in given:
        if not term.startswith("@"):
            terms.append(term)
            continue
        try:
            lines = existing(Path(term[1:])).read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeError):
            raise InvalidRequest(f"{term[1:]} cannot be read as text.", code="file_unreadable") from None
        terms += [line.strip() for line in lines if line.strip()]
    return terms


def make_clips(client: Client, wishes: Wishes, console: Console) -> Job:
    """Upload, run and download one campaign; the folder holds what was made, however the campaign ended."""
    with sending(console) as progress:
        video = client.upload(wishes.video, on_progress=progress.of("Uploading the recording"))
        captions = client.upload(wishes.captions, on_progress=progress.of("Uploading its captions")) if wishes.captions else None
    warn(video.warnings, console)
    job = client.create_campaign(
        video.id,
        captions_asset_id=captions.id if captions else None,
        count=wishes.count,
        min_s=wishes.min_s,
        max_s=wishes.max_s,
        aspect=wishes.aspect,
        resolution=wishes.resolution,
        topic=wishes.topic,
        language=wishes.language,
        vocabulary=wishes.vocabulary,
    )
    console.print(f"Campaign {job.id}, {job.price['total']} credits at most")
    with LiveJob(console) as live:
        for event in client.events(job.id):
            live.show(event)
    job = client.job(job.id)
    save(client, job.id, wishes.out)
    _report(job, wishes.out, console)
    return job


def save(client: Client, job_id: str, out: Path) -> None:
    """Download all files of a campaign, and `campaign.json` whose clips name them."""
    out.mkdir(parents=True, exist_ok=True)
    for file in client.files(job_id):
        client.download(file, out)
    campaign = client.campaign_json(job_id)
    for clip in campaign["clips"]:
        clip |= files_of(clip)
    (out / "campaign.json").write_text(json.dumps(campaign, indent=2, ensure_ascii=False) + "\n")


def files_of(clip: dict[str, Any]) -> dict[str, str | None]:
    """The names of a clip's files, relative to the folder; None where there is none."""
    stem = f"clip-{clip['ordinal']:02d}"
    names = {
        "file": ("video", f"{stem}.mp4"),
        "captions": ("subtitles", f"{stem}.srt"),
        "thumbnail": ("thumbnail", f"{stem}.jpg"),
        "frame": ("framing", f"{stem}.frame.json"),
    }
    return {name: path if kind in clip["files"] else None for name, (kind, path) in names.items()}


def _report(job: Job, out: Path, console: Console) -> None:
    for clip in job.clips:
        if clip.status == "ready":
            place = f"{out / f'clip-{clip.ordinal:02d}.mp4'}  {clip.start_s:7.1f} to {clip.end_s:.1f} s"
            console.print(f"  {place}  {clip.title}", highlight=False, markup=False)
            console.print(f"      {clip.score['why']}", style="dim", highlight=False, markup=False)
        elif clip.error:
            console.print(f"  clip {clip.ordinal} failed, {clip.error.code}: {clip.error.detail}", style="red", markup=False)
    warn(job.warnings, console)
    if job.error:
        console.print(f"{job.status}, {job.error.code}: {job.error.detail}", style="red", markup=False)


def warn(warnings: Sequence[str], console: Console) -> None:
    """Show what to know."""
    for warning in warnings:
        console.print(f"Note: {warning}", style="yellow", highlight=False, markup=False)
