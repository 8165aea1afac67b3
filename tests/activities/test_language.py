"""The step that asks a language model, with a real store, database and server; and what of a customer's words goes where."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.base import Resources, Task, attempt
from activities.jobs import record_clips, record_files, resolve_plan
from activities.language import rerank_clips
from cutroom.contracts.base import ArtifactRef, Frozen, JobRef
from cutroom.contracts.campaign import (
    RERANK_CLIPS,
    RESOLVE_PLAN,
    CampaignPlan,
    RecordClipsInput,
    RecordFilesInput,
    RerankInput,
)
from cutroom.contracts.documents import Selection, Wording
from cutroom.contracts.media import MediaFacts
from cutroom.store import jobs
from cutroom.store.files import sha256_of
from cutroom.store.tables import Asset
from tests.language.material import GOOD, SELECTION, WISHES, answer, transcript
from tests.language.server import hangs_up, says, says_after, serving

MEDIA = MediaFacts(container="mp4", duration_s=60, width=640, height=360, fps=30, video_codec="h264", has_audio=True)
SOURCE = ArtifactRef(key="nowhere", sha256="0" * 64, size=1)
TOPIC = "the bakery's ledger"


async def put(resources: Resources, job: JobRef, folder: Path, document: Frozen) -> ArtifactRef:
    file = folder / f"{type(document).__name__}.json"
    file.write_text(document.model_dump_json())
    ref = ArtifactRef(key=f"org/{job.org_id}/tests/{file.name}", sha256=sha256_of(file), size=file.stat().st_size)
    await resources.objects.put_once(ref.key, file, ref.sha256, "application/json")
    return ref


@pytest.fixture
async def asked(resources: Resources, paid_job: JobRef, tmp_path: Path) -> RerankInput:
    plan = CampaignPlan(
        job=paid_job,
        asset_id="ast_1",
        source=SOURCE,
        media=MEDIA,
        captions=None,
        wishes=WISHES,
        wording=await put(resources, paid_job, tmp_path, Wording(topic=TOPIC)),
        ranker="some-model",
    )
    said = await put(resources, paid_job, tmp_path, transcript())
    return RerankInput(plan=plan, transcript=said, selection=await put(resources, paid_job, tmp_path, SELECTION))


def at(resources: Resources, url: str) -> Resources:
    settings = resources.settings.model_copy(update={"language_url": url})
    return replace(resources, settings=settings)


async def ranked(resources: Resources, asked: RerankInput, number: int = 1) -> ArtifactRef:
    async with attempt(resources, RERANK_CLIPS, asked, "one execution", number) as task:
        return await rerank_clips(task, asked)


async def read(resources: Resources, ref: ArtifactRef) -> Selection:
    return Selection.model_validate_json((await resources.files.ensure_local(ref)).read_bytes())


async def test_the_model_is_asked_once_with_the_topic_and_its_ranking_is_kept(resources: Resources, asked: RerankInput) -> None:
    async with serving(says(answer(*GOOD))) as server:
        first = await ranked(at(resources, server.url), asked)
        again = await ranked(at(resources, server.url), asked, number=2)
        assert len(server.asked) == 1
        assert TOPIC in server.asked[0].body["messages"][1]["content"]
        assert server.asked[0].body["model"] == "some-model"
    assert first == again
    assert [clip.first_sentence for clip in (await read(resources, first)).clips] == [7, 0]


async def test_an_endpoint_that_is_away_does_not_stop_a_job(
    resources: Resources, asked: RerankInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cutroom.language.endpoint.FIRST_WAIT_S", 0.01)
    async with serving(hangs_up) as server:
        left = await read(resources, await ranked(at(resources, server.url), asked))
    assert left.clips == SELECTION.clips
    assert "without the language model" in left.warnings[-1]


async def test_a_worker_that_was_given_no_endpoint_does_not_stop_a_job(resources: Resources, asked: RerankInput) -> None:
    left = await read(resources, await ranked(at(resources, ""), asked))
    assert left.clips == SELECTION.clips
    assert "CUTROOM_LANGUAGE_URL" in left.warnings[-1]


async def test_an_answer_that_comes_after_another_attempt_took_over_counts_for_nothing(
    resources: Resources, asked: RerankInput
) -> None:
    late = asyncio.Event()
    async with serving(says_after(late, "nonsense"), says(answer(*GOOD))) as server:
        there = at(resources, server.url)
        frozen = asyncio.create_task(ranked(there, asked))
        await server.came.wait()
        second = await ranked(there, asked, number=2)
        late.set()
        with pytest.raises(ApplicationError) as refused:
            await frozen
    assert (refused.value.type, refused.value.non_retryable) == ("stale_lease", False)
    assert [clip.first_sentence for clip in (await read(resources, second)).clips] == [7, 0]


async def test_a_cancel_does_not_wait_for_the_model(resources: Resources, asked: RerankInput) -> None:
    async with serving(says_after(asyncio.Event(), "")) as server:
        step = asyncio.create_task(ranked(at(resources, server.url), asked))
        await server.came.wait()
        step.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await step


async def wish(resources: Resources, job: JobRef, **request: object) -> None:
    """Fill in what the API would have written."""
    async with resources.database.transaction(job.org_id) as session:
        row = await jobs.get(session, job.job_id)
        row.request = request
        asset = await session.get_one(Asset, row.asset_id)
        asset.media, asset.source_key = MEDIA.model_dump(), "nowhere"


async def planned(resources: Resources, job: JobRef) -> CampaignPlan:
    async with attempt(resources, RESOLVE_PLAN, job, "test", 1) as task:
        return await resolve_plan(task, job)


CLIPS = {"count": 2, "min_s": 5, "max_s": 20, "aspect": "4:5"}


async def test_the_customers_words_go_into_an_artifact_and_never_into_the_plan(resources: Resources, paid_job: JobRef) -> None:
    clips = CLIPS | {"topic": TOPIC}
    await wish(resources, paid_job, clips=clips, captions={"style": "classic", "vocabulary": ["Nguy\u1ec5n"]})
    plan = await planned(resources, paid_job)
    assert plan.wording is not None
    assert plan.wording.key.startswith(f"org/{paid_job.org_id}/jobs/{paid_job.job_id}/")
    written = (await resources.files.ensure_local(plan.wording)).read_text()
    assert Wording.model_validate_json(written) == Wording(topic=TOPIC, vocabulary=["Nguy\u1ec5n"])
    assert TOPIC not in plan.model_dump_json()
    assert "Nguy" not in plan.model_dump_json()
    assert (plan.wishes.aspect, plan.ranker) == ("4:5", "")
    assert await planned(resources, paid_job) == plan


async def test_a_job_of_before_there_were_words_has_none(resources: Resources, paid_job: JobRef) -> None:
    await wish(resources, paid_job, clips=CLIPS, captions={"style": "classic"})
    assert (await planned(resources, paid_job)).wording is None


async def test_a_job_of_before_resolutions_could_be_chosen_is_made_as_it_was(resources: Resources, paid_job: JobRef) -> None:
    await wish(resources, paid_job, clips=CLIPS, captions={"style": "classic"})
    assert (await planned(resources, paid_job)).wishes.resolution == "1080p"
    await wish(resources, paid_job, clips=CLIPS | {"resolution": "720p"}, captions={"style": "classic"})
    assert (await planned(resources, paid_job)).wishes.resolution == "720p"


async def test_the_clips_of_a_job_are_marked_where_it_was_made_so(resources: Resources, paid_job: JobRef) -> None:
    await wish(resources, paid_job, clips=CLIPS, captions={"style": "classic"})
    assert not (await planned(resources, paid_job)).watermark
    async with resources.database.transaction(paid_job.org_id) as session:
        (await jobs.get(session, paid_job.job_id)).watermark = True
    assert (await planned(resources, paid_job)).watermark


@pytest.mark.parametrize(("url", "model", "ranker"), [("http://x/v1", "m", "m"), ("http://x/v1", "", ""), ("", "m", "")])
async def test_a_plan_names_a_ranker_only_where_there_is_an_endpoint_and_a_model(
    resources: Resources, paid_job: JobRef, url: str, model: str, ranker: str
) -> None:
    await wish(resources, paid_job, clips=CLIPS, captions={"style": "classic"})
    settings = resources.settings.model_copy(update={"language_url": url, "language_model": model})
    assert (await planned(replace(resources, settings=settings), paid_job)).ranker == ranker


async def test_what_the_steps_warn_of_is_told_by_the_job(
    task: Task, resources: Resources, paid_job: JobRef, tmp_path: Path
) -> None:
    said = await put(resources, paid_job, tmp_path, transcript().model_copy(update={"warnings": ["Heard badly."]}))
    chosen = await put(resources, paid_job, tmp_path, SELECTION)
    for _ in range(2):
        await record_files(task, RecordFilesInput(job=paid_job, transcript=said, shots=SOURCE))
        await record_clips(task, RecordClipsInput(job=paid_job, selection=chosen))
    async with resources.database.transaction(paid_job.org_id) as session:
        row = await jobs.get(session, paid_job.job_id)
    assert row.result == {"warnings": ["Heard badly.", "Told before."]}
