"""`cutroom summarize`: a recording becomes a summary in a folder, paid by card."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cutroom.cli.paying import TestCard, confirm, stand_in_of
from cutroom.cli.progress import LiveJob, sending
from cutroom.cli.run import FAILED, existing, warn
from cutroom.cli.session import open_client
from cutroom.client import Client, Job
from cutroom.errors import CardDeclined, InvalidRequest
from cutroom.settings import get_settings

app = typer.Typer()


@dataclass(frozen=True)
class Wishes:
    """What is asked for; None takes the server's default. `stand_in`: where test cards are taken; empty: at Stripe."""

    out: Path
    stand_in: str
    card: TestCard = TestCard.VISA
    captions: Path | None = None
    length: str | None = None
    language: str | None = None
    reel: bool = False
    aspect: str | None = None


@app.command()
def summarize(
    video: Annotated[Path | None, typer.Argument(help="The recording: MP4, MOV, MKV or WebM.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the summary.")] = Path("summary"),
    captions: Annotated[Path | None, typer.Option(help="Its captions: SRT, VTT, ASS or TTML.")] = None,
    length: Annotated[str | None, typer.Option(help="short, medium or long.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the summary, such as en.")] = None,
    reel: Annotated[bool, typer.Option("--reel", help="With a video of its highlights.")] = False,
    aspect: Annotated[str | None, typer.Option(help="Shape of the reel, which is then made: 16:9, 9:16, 1:1 or 4:5.")] = None,
    card: Annotated[TestCard, typer.Option(help="The test card to pay with, on a stack of your own.")] = TestCard.VISA,
    job: Annotated[str | None, typer.Option(help="A summary that waits for its payment, instead of a recording.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON at the end.")] = False,
) -> None:
    """Sum a recording up: summary, key points, chapters, highlights, and a reel of these. Exit code 1 where that fails."""
    console = Console(stderr=True)
    settings = get_settings()
    wishes = Wishes(
        out=out,
        stand_in=stand_in_of(settings),
        card=card,
        captions=existing(captions) if captions else None,
        length=length,
        language=language,
        reel=reel or aspect is not None,
        aspect=aspect,
    )
    if (video is None) == (job is None):
        raise InvalidRequest("Name a recording, or with --job a summary that waits for its payment.", code="invalid_request")
    with open_client(settings) as client:
        ended = follow(client, ask(client, existing(video), wishes, console) if video else client.job(str(job)), wishes, console)
    if ended.status != "succeeded":
        raise typer.Exit(FAILED)
    if as_json:
        Console().print_json((out / "summary.json").read_text())


def ask(client: Client, video: Path, wishes: Wishes, console: Console) -> Job:
    """Upload, quote, and create the summary at the price that was shown."""
    with sending(console) as progress:
        talk = client.upload(video, on_progress=progress.of("Uploading the recording"))
        captions = client.upload(wishes.captions, on_progress=progress.of("Uploading its captions")) if wishes.captions else None
    warn(talk.warnings, console)
    quote = client.quote("summary", talk.id, reel=wishes.reel)
    console.print(f"The summary costs {money(quote.total, quote.unit)}; the card is charged once it is done.")
    captions_id = captions.id if captions else None
    return client.create_summary(
        talk.id,
        captions_asset_id=captions_id,
        length=wishes.length,
        language=wishes.language,
        reel=wishes.reel,
        aspect=wishes.aspect,
        quote_id=quote.id,
    )


def follow(client: Client, job: Job, wishes: Wishes, console: Console) -> Job:
    """Pay, wait and download. Where the card is declined the summary stays pending, and is answered as it is."""
    console.print(f"Summary {job.id}")
    if not pay(client, job, wishes, console):
        return client.job(job.id)
    with LiveJob(console) as live:
        for event in client.events(job.id):
            live.show(event)
    job = client.job(job.id)
    for path in save(client, job, wishes.out):
        console.print(f"  {path}", highlight=False, markup=False)
    warn(job.warnings, console)
    if job.error:
        console.print(f"{job.status}, {job.error.code}: {job.error.detail}", style="red", markup=False)
    return job


def pay(client: Client, job: Job, wishes: Wishes, console: Console) -> bool:
    """Confirm the payment where a test card can, else say who must. Answers whether there is something to wait for."""
    if job.ended:
        return True
    payment = client.payment(job.id)
    if payment.client_secret is None:
        return True
    if not wishes.stand_in:
        console.print(
            f"The payer's browser or app must confirm payment {payment.intent_id}, within 24 hours. It does so with Stripe's own "
            f"form and the client_secret of GET /v1/summaries/{job.id}/payment. Waiting."
        )
        return True
    try:
        page = confirm(wishes.stand_in, payment, wishes.card)
    except CardDeclined as error:
        console.print(f"The card was declined: {error.decline_code}. Nothing was charged.", style="red", markup=False)
        console.print(
            f"Within 24 hours another will do: cutroom summarize --job {job.id} --card visa", soft_wrap=True, markup=False
        )
        return False
    if page:
        console.print(f"The bank wants to know who pays. Answer it at {page}", soft_wrap=True, markup=False)
    return True


def save(client: Client, job: Job, out: Path) -> list[Path]:
    """Download all files of a summary, which are answered, and its job as `job.json`."""
    out.mkdir(parents=True, exist_ok=True)
    saved = [client.download(file, out) for file in client.files(job.id)]
    (out / "job.json").write_text(json.dumps(client.summary_json(job.id), indent=2, ensure_ascii=False) + "\n")
    return saved


def money(amount: int, currency: str) -> str:
    """Of a currency whose minor unit is a hundredth: 150, `usd` -> `1.50 USD`."""
    return f"{amount // 100}.{amount % 100:02d} {currency.upper()}"
