"""A campaign and a summary through the published client, the API and the real workers, each in its own process as in the stack.

Test cards are taken by the stand-in for Stripe, whose events reach the API as Stripe's would.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from cutroom.cli import paying
from cutroom.client import Client, Job
from cutroom.contracts.ids import workflow_id
from cutroom.contracts.reconciliation import Findings
from cutroom.errors import CardDeclined, InvalidRequest
from cutroom.local import temporal as temporal_module
from cutroom.local.cards.server import CardServer
from cutroom.local.leash import leashed
from cutroom.local.organisation import ensure_organisation
from cutroom.local.ports import free_port
from cutroom.local.temporal import Temporal
from cutroom.local.tools import TEMPORAL, ensure
from cutroom.media.ffmpeg import locate
from cutroom.settings import Settings
from cutroom.telemetry import tracing
from cutroom.telemetry.tree import Node, Span, grow, read
from cutroom.temporal.engine import Engine
from tests.conftest import DatabaseUrls, S3Server, serving
from tests.media.material import facts
from tests.telemetry.test_metrics import documented
from tests.webhooks.receiver import answers, receiving

PROCESSES = {
    "api": ["api"],
    "control": ["worker_cpu", "control"],
    "outbound": ["worker_cpu", "outbound"],
    "media": ["worker_cpu", "media"],
    "gpu": ["worker_gpu"],
}
WISHES: dict[str, Any] = {"count": 1, "min_s": 5, "max_s": 9}
DEADLINE_S = 300.0  # for a loaded machine; half a minute on a quiet one


def until(condition: Callable[[], bool], seconds: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def home(servers_folder: Path, database_urls: DatabaseUrls, s3_server: S3Server) -> Iterator[Path]:
    """A home whose API and workers run, over a Temporal of their own: other tests leave work in the queues of the shared one."""
    home = servers_folder / "end-to-end"
    home.mkdir()
    server = Temporal(ensure(TEMPORAL, Console(stderr=True)), home / "temporal", free_port(), free_port())
    port = free_port()
    cards = CardServer(home / "cards", free_port(), port, "stand_in_live_2", "stand_in_test_2", "whsec_end_to_end")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CUTROOM_")},
        "CUTROOM_HOME": str(home),
        "CUTROOM_API_PORT": str(port),
        "CUTROOM_DATABASE_URL": database_urls.app,
        "CUTROOM_DATABASE_SYSTEM_URL": database_urls.system,
        "CUTROOM_TEMPORAL_ADDRESS": server.address,
        "CUTROOM_S3_ENDPOINT": s3_server.endpoint,
        "CUTROOM_S3_ACCESS_KEY": s3_server.access_key,
        "CUTROOM_S3_SECRET_KEY": s3_server.secret_key,
        "CUTROOM_S3_BUCKET": s3_server.bucket,
        "CUTROOM_STRIPE_URL": cards.url,
        "CUTROOM_STRIPE_LIVE_KEY": cards.live_key,
        "CUTROOM_STRIPE_TEST_KEY": cards.test_key,
        "CUTROOM_STRIPE_WEBHOOK_SECRETS": cards.hook_secret,
        "CUTROOM_WEBHOOK_PRIVATE_HOSTS": "localhost",
    }
    with ExitStack() as running:
        running.enter_context(serving(server, temporal_module.environment(), home / "temporal.log"))
        running.enter_context(serving(cards, {**os.environ, **cards.environment()}, home / "cards.log"))
        (home / "cards.address").write_text(cards.url)
        (home / "address").write_text(f"http://127.0.0.1:{port}")
        pages = {name: free_port() if name != "api" else port for name in PROCESSES}
        (home / "temporal.address").write_text(server.address)
        (home / "pages.json").write_text(json.dumps({name: f"http://127.0.0.1:{page}/metrics" for name, page in pages.items()}))
        processes: list[subprocess.Popen[bytes]] = []
        for name, words in PROCESSES.items():
            ready = home / f"{name}.ready"
            log = running.enter_context((home / f"{'-'.join(words)}.log").open("w"))
            process = subprocess.Popen(
                leashed([sys.executable, "-m", *words]),
                env=environment | {"CUTROOM_READY_FILE": str(ready), "CUTROOM_METRICS_PORT": str(pages[name])},
                stdout=log,
                stderr=log,
            )
            processes.append(process)
            running.callback(process.wait)
        for process in processes:
            running.callback(process.terminate)
        until(lambda: len([*home.glob("*.ready")]) == len(PROCESSES))
        yield home


@pytest.fixture(scope="module")
def client(home: Path, database_urls: DatabaseUrls) -> Iterator[Client]:
    token = asyncio.run(ensure_organisation(database_urls.system, home / "token"))
    with Client((home / "address").read_text(), token) as client:
        yield client


@pytest.fixture(scope="module")
def asset(client: Client, recording: Path) -> str:
    return client.upload(recording).id


@pytest.fixture(scope="module")
def finished(client: Client, asset: str) -> Job:
    """A campaign that has ended."""
    return ended(client, client.create_campaign(asset, **WISHES).id)


def ended(client: Client, job_id: str) -> Job:
    until(lambda: client.job(job_id).ended)
    return client.job(job_id)


def made(home: Path) -> set[str]:
    """What steps that belong to a recording have really made so far, by their logs."""
    logs = [*home.glob("worker*.log")]
    lines = [line for log in logs for line in log.read_text().splitlines() if '"making"' in line]
    return {line for line in lines if any(step in line for step in ("transcribe_chunk", "detect_shots_chunk", "prepare_media"))}


def media_tools(home: Path) -> list[str]:
    """Command lines of ffmpeg that work below this home."""
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if "ffmpeg" in command and str(home / "scratch") in command]


def test_a_recording_becomes_a_clip_that_can_be_downloaded(client: Client, finished: Job, tmp_path: Path) -> None:
    assert finished.status == "succeeded", finished
    assert [clip.status for clip in finished.clips] == ["ready"]
    files = {file.name: file for file in client.files(finished.id)}
    clip = client.download(files["clip-01.mp4"], tmp_path)
    assert clip.stat().st_size == files["clip-01.mp4"].size_bytes > 10_000
    assert {"transcript.json", "shots.json", "clip-01.frame.json"} <= files.keys()


def test_a_recording_that_is_known_is_not_sent_again(client: Client, recording: Path, asset: str) -> None:
    told: list[tuple[int, int]] = []
    assert client.upload(recording, on_progress=lambda done, size: told.append((done, size))).id == asset
    assert told == [(recording.stat().st_size,) * 2]


def test_it_is_paid_once_and_nothing_stays_held(client: Client, finished: Job) -> None:
    phases = [entry.phase for entry in client.entries() if entry.operation_id == finished.id]
    assert sorted(phases) == ["hold", "settle"]
    assert (client.balance().held, client.balance().spent) == (0, finished.price["total"])


def test_a_second_campaign_finds_what_belongs_to_the_recording(client: Client, home: Path, asset: str, finished: Job) -> None:
    before = made(home)
    again = ended(client, client.create_campaign(asset, **WISHES).id)
    assert again.status == "succeeded"
    assert before
    assert made(home) == before


def test_a_cancel_in_a_render_ends_it_and_leaves_nothing(client: Client, home: Path, asset: str, finished: Job) -> None:
    spent = client.balance().spent
    job = client.create_campaign(asset, count=1, min_s=6, max_s=12)
    until(lambda: any("x264" in command for command in media_tools(home)))
    client.cancel(job.id)
    assert ended(client, job.id).status == "canceled"
    assert media_tools(home) == []
    until(lambda: not [*(home / "scratch").iterdir()], 10)
    assert (client.balance().held, client.balance().spent) == (0, spent)


def names_below(nodes: list[Node]) -> set[str]:
    """The first words of all lines of a tree."""
    return {node.name.split()[0] for node in nodes} | {name for node in nodes for name in names_below(node.children)}


def whole_trace(home: Path, trace_id: str) -> list[Span]:
    """The spans of a job that has ended. Each process writes its own down once a second, so a parent may come late."""

    def is_whole() -> bool:
        spans = read(tracing.folder(home), trace_id)
        return "CompleteWorkflow:campaign" in {span.name for span in spans} and len(grow(spans)) == 1

    until(is_whole, 30)
    return read(tracing.folder(home), trace_id)


def test_one_trace_leads_from_the_request_to_ffmpeg_over_all_processes(home: Path, finished: Job) -> None:
    (request,) = grow(whole_trace(home, finished.trace_id or ""))
    (handed_over,) = request.children
    (workflow,) = [node for node in handed_over.children if node.name.startswith("workflow")]
    assert (request.name, handed_over.name, workflow.name) == ("POST /v1/campaigns", "outbox start", "workflow campaign")
    (clip,) = [node for node in workflow.children if node.name == "workflow clip"]
    (render,) = [node for node in clip.children if node.name.startswith("render_clip")]
    assert {"ffmpeg", "store"} <= names_below(render.children)
    assert {"hold_credits", "transcribe_chunk", "detect_shots_chunk", "settle_credits"} <= names_below(workflow.children)


def test_the_logs_of_every_worker_name_the_trace_of_the_job(home: Path, finished: Job) -> None:
    for worker in ("worker_cpu-control", "worker_cpu-media", "worker_gpu"):
        lines = [line for line in (home / f"{worker}.log").read_text().splitlines() if finished.id in line and line.startswith("{")]
        assert lines
        assert {json.loads(line).get("trace_id") for line in lines} == {finished.trace_id}


async def test_every_documented_metric_is_told_with_a_value(client: Client, home: Path, asset: str, finished: Job) -> None:
    pages: dict[str, str] = json.loads((home / "pages.json").read_text())

    def untold() -> set[str]:
        families = [family for page in pages.values() for family in text_string_to_metric_families(httpx.get(page).text)]
        return {name for name, _, _ in documented()} - {sample for family in families for sample in sampled(family)}

    async with receiving() as receiver:
        client.create_webhook_endpoint(receiver.at("/gone", answers(410)), ["*"])  # so that one is turned off
        open_job = client.create_campaign(asset, count=1, min_s=4, max_s=5)
        await terminate_and_reconcile(home, open_job.id)  # so that there is a finding to count
        await asyncio.to_thread(until, lambda: not untold(), 60)
    assert untold() == set()


def sampled(family: Metric) -> set[str]:
    """The names under which a family's values are documented: a histogram's own, a counter's and an info's with their ending."""
    return {sample.name.removesuffix("_count") for sample in family.samples}


async def terminate_and_reconcile(home: Path, job_id: str) -> None:
    engine = Engine(Settings(temporal_address=(home / "temporal.address").read_text()))
    await (await engine.client()).get_workflow_handle(workflow_id("campaign", job_id)).terminate()
    await engine.run("reconciliation", f"reconciliation/{job_id}", Findings)


WORK = {"resolve_summary", "choose_recogniser", "prepare_sound", "plan_speech", "transcribe_chunk", "join_transcript", "summarise"}


def pays(home: Path, client: Client, job: Job, card: paying.TestCard = paying.TestCard.VISA) -> None:
    paying.confirm((home / "cards.address").read_text(), client.payment(job.id), card)


@pytest.fixture(scope="module")
def summed_up(client: Client, home: Path, asset: str) -> Job:
    """A summary whose first card was declined, and whose second one paid."""
    quote = client.quote("summary", asset)
    job = client.create_summary(asset, length="short", quote_id=quote.id)
    with pytest.raises(CardDeclined) as declined:
        pays(home, client, job, paying.TestCard.INSUFFICIENT_FUNDS)
    assert declined.value.decline_code == "insufficient_funds"
    until(lambda: client.payment(job.id).reason == "insufficient_funds")
    assert client.job(job.id).status == "pending"
    pays(home, client, job)
    return ended(client, job.id)


def test_a_summary_is_paid_with_a_second_card_after_the_first_was_declined(client: Client, summed_up: Job, tmp_path: Path) -> None:
    assert summed_up.status == "succeeded", summed_up
    payment = client.payment(summed_up.id)
    assert (payment.status, payment.captured, payment.amount) == ("succeeded", summed_up.price["total"], summed_up.price["total"])
    assert payment.client_secret is None
    files = {file.name: file for file in client.files(summed_up.id)}
    assert files.keys() == {"transcript.json", "summary.json", "summary.md", "summary.docx", "chapters.vtt"}
    assert client.download(files["summary.md"], tmp_path).read_text().startswith("# Summary")


async def test_no_work_of_a_summary_begins_before_its_card_is_authorised(client: Client, home: Path, summed_up: Job) -> None:
    engine = Engine(Settings(temporal_address=(home / "temporal.address").read_text()))
    handle = (await engine.client()).get_workflow_handle(workflow_id("summary", summed_up.id))
    scheduled, answers = {}, {}
    async for event in handle.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled[event.event_id] = event.activity_task_scheduled_event_attributes.activity_type.name
        if event.HasField("activity_task_completed_event_attributes"):
            done = event.activity_task_completed_event_attributes
            if done.result.payloads and b'"held":true' in done.result.payloads[0].data:
                answers[scheduled[done.scheduled_event_id]] = event.event_id
    began = {name: id for id, name in scheduled.items()}
    assert began.keys() >= WORK
    assert min(began[step] for step in WORK) > min(answers.values())
    assert began["capture_payment"] > began["summarise"]


def test_a_summary_with_a_reel_gives_one_video_of_its_highlights(client: Client, home: Path, asset: str, tmp_path: Path) -> None:
    quote = client.quote("summary", asset, reel=True)
    job = client.create_summary(asset, highlights=2, reel=True, aspect="1:1", quote_id=quote.id)
    pays(home, client, job)
    done = ended(client, job.id)
    assert (done.status, done.clips) == ("succeeded", []), done
    assert not [warning for warning in done.warnings if "reel" in warning]
    payment = client.payment(job.id)
    assert (payment.captured, payment.amount, quote.total) == (100, 100, 100)
    files = {file.name: client.download(file, tmp_path) for file in client.files(job.id)}
    assert "clip-01.mp4" not in files
    highlights = json.loads(files["summary.json"].read_text())["highlights"]
    shown, reel = sum(one["end_s"] - one["start_s"] for one in highlights), facts(files["reel.mp4"])
    assert (reel.width, reel.height, reel.fps, reel.has_audio) == (1080, 1080, 25, True)
    assert 0 < shown <= reel.duration_s <= shown + len(highlights)  # and the silence around each


def test_a_canceled_summary_gives_its_authorisation_back(client: Client, home: Path, asset: str, summed_up: Job) -> None:
    job = client.create_summary(asset)
    client.payment(job.id)
    client.cancel(job.id)
    assert ended(client, job.id).status == "canceled"
    payment = client.payment(job.id)
    assert (payment.status, payment.captured) == ("canceled", 0)


def test_a_video_without_sound_is_refused_before_a_card_is_asked(client: Client, tmp_path: Path) -> None:
    silent = tmp_path / "silent.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=4"]
    subprocess.run([str(locate()), "-v", "error", *picture, "-pix_fmt", "yuv420p", str(silent)], check=True)
    with pytest.raises(InvalidRequest) as refused:
        client.create_summary(client.upload(silent).id)
    assert refused.value.code == "no_speech"


async def test_payments_are_reconciled_over_all_processes(home: Path, summed_up: Job) -> None:
    engine = Engine(Settings(temporal_address=(home / "temporal.address").read_text()))
    found = await engine.run("payment_reconciliation", "payment_reconciliation/test", Findings)
    assert found.counts == {}
