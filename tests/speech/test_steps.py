"""The steps that write down speech, with a real database and object store."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from temporalio.exceptions import ApplicationError

from activities import speech
from activities.base import Resources, Task, attempt
from activities.resources import open_resources
from activities.speech import join_transcript, plan_speech
from activities.transcription import transcribe_chunk
from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.campaign import CampaignPlan, ClipWishes
from cutroom.contracts.documents import Transcript
from cutroom.contracts.ids import new_id
from cutroom.contracts.media import MediaFacts, PreparedMedia
from cutroom.contracts.speech import (
    JOIN_TRANSCRIPT,
    PLAN_SPEECH,
    TRANSCRIBE_CHUNK,
    JoinTranscriptInput,
    SpeechPlan,
    SpeechPlanInput,
    TranscribeInput,
)
from cutroom.errors import ToolFailed
from cutroom.settings import Settings
from cutroom.speech.sound import RATE, keep_loudness
from cutroom.store.files import sha256_of
from tests.speech.conftest import Talk, write_sound
from tests.store.conftest import Tenant, new_tenant

NOWHERE = ArtifactRef(key="tests/nowhere", sha256="0" * 64, size=1)


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings) as opened:
        yield opened


@pytest.fixture
async def tenant(resources: Resources) -> Tenant:
    return await new_tenant(resources.all_organisations)


async def stored(resources: Resources, file: Path, content_type: str) -> ArtifactRef:
    ref = ArtifactRef(key=f"tests/{new_id('evt')}/{file.name}", sha256=sha256_of(file), size=file.stat().st_size)
    await resources.objects.put_once(ref.key, file, ref.sha256, content_type)
    return ref


def srt(cues: list[tuple[float, float, str]]) -> str:
    def stamp(at_s: float) -> str:
        ms = round(at_s * 1000)
        return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"

    return "".join(f"{i}\n{stamp(a)} --> {stamp(b)}\n{text}\n\n" for i, (a, b, text) in enumerate(cues, 1))


def plan_of(tenant: Tenant, talk: Talk, captions: ArtifactRef | None) -> CampaignPlan:
    return CampaignPlan(
        job=JobRef(org_id=tenant.org_id, job_id=tenant.job_id),
        asset_id=tenant.asset_id,
        source=NOWHERE,
        media=MediaFacts(
            container="mp4", duration_s=talk.length_s, width=640, height=360, fps=25, video_codec="h264", has_audio=True
        ),
        captions=captions,
        wishes=ClipWishes(count=1, min_s=5, max_s=20),
        language="en",
        speech_engine="captions" if captions else "pocketsphinx",
        speech_model="en-us",
    )


def test_the_plan_of_a_campaign_and_what_is_prepared_travel_whole_so_that_older_workers_can_read_them() -> None:
    media = MediaFacts(container="mp4", duration_s=9, width=640, height=360, fps=25, video_codec="h264", has_audio=True)
    wishes = ClipWishes(count=1, min_s=5, max_s=20)
    job = JobRef(org_id="org_1", job_id="cmp_1")
    plan = CampaignPlan(job=job, asset_id="ast_1", source=NOWHERE, media=media, captions=None, wishes=wishes)
    sent = JoinTranscriptInput(plan=plan, parts=[]).model_dump(mode="json")["plan"]
    assert CampaignPlan.model_validate(sent) == plan
    prepared = prepared_of(NOWHERE)
    sent = SpeechPlanInput(plan=plan, prepared=prepared).model_dump(mode="json")["prepared"]
    assert PreparedMedia.model_validate(sent) == prepared


def prepared_of(sound: ArtifactRef | None, loudness: ArtifactRef | None = None) -> PreparedMedia:
    return PreparedMedia(sound=sound, loudness=loudness, frames=NOWHERE, frame_rate=25, frame_count=750, proxy=NOWHERE, proxy_fps=5)


async def planned(
    resources: Resources, plan: CampaignPlan, sound: ArtifactRef | None, loudness: ArtifactRef | None = None
) -> SpeechPlan:
    asked = SpeechPlanInput(plan=plan, prepared=prepared_of(sound, loudness))
    async with attempt(resources, PLAN_SPEECH, asked, "test/plan", 1) as task:
        return await plan_speech(task, asked)


async def transcribed(resources: Resources, plan: CampaignPlan, sound: ArtifactRef, work: SpeechPlan) -> list[ArtifactRef]:
    parts = []
    for chunk in work.chunks:
        asked = TranscribeInput(plan=plan, sound=sound, chunk=chunk, cues=work.cues)
        async with attempt(resources, TRANSCRIBE_CHUNK, asked, f"test/{chunk.index}", 1) as task:
            parts.append(await transcribe_chunk(task, asked))
    return parts


async def joined(
    resources: Resources, plan: CampaignPlan, parts: list[ArtifactRef], sound: ArtifactRef | None = None
) -> Transcript:
    asked = JoinTranscriptInput(plan=plan, parts=parts, sound=sound)
    async with attempt(resources, JOIN_TRANSCRIPT, asked, "test/join", 1) as task:
        ref = await join_transcript(task, asked)
    return Transcript.model_validate_json((await resources.files.ensure_local(ref)).read_bytes())


@pytest.fixture
async def sound(resources: Resources, talk: Talk) -> ArtifactRef:
    return await stored(resources, talk.sound, "audio/flac")


@pytest.fixture
async def captions(resources: Resources, talk: Talk, tmp_path: Path) -> ArtifactRef:
    (tmp_path / "talk.srt").write_text(srt([(cue.start_s, cue.end_s, cue.text) for cue in talk.cues.cues]))
    return await stored(resources, tmp_path / "talk.srt", "application/x-subrip")


async def test_captions_become_a_transcript_of_words_on_time(
    resources: Resources, tenant: Tenant, talk: Talk, sound: ArtifactRef, captions: ArtifactRef
) -> None:
    plan = plan_of(tenant, talk, captions)
    work = await planned(resources, plan, sound)
    transcript = await joined(resources, plan, await transcribed(resources, plan, sound, work))
    assert (transcript.engine, transcript.language, transcript.warnings) == ("captions", "en", [])
    assert [word.text for word in transcript.words] == [word.text for word in talk.words]
    errors = [abs(word.start_s - true.start_s) for word, true in zip(transcript.words, talk.words, strict=True)]
    assert np.percentile(errors, 95) <= 0.1


async def test_captions_seconds_late_become_a_transcript_of_words_on_time_that_says_so(
    resources: Resources, tenant: Tenant, talk: Talk, sound: ArtifactRef, tmp_path: Path
) -> None:
    (tmp_path / "late.srt").write_text(srt([(cue.start_s + 4, cue.end_s + 4, cue.text) for cue in talk.cues.cues]))
    keep_loudness(talk.sound, tmp_path / "loudness.npy")
    late = await stored(resources, tmp_path / "late.srt", "application/x-subrip")
    plan = plan_of(tenant, talk, late)
    work = await planned(resources, plan, sound, await stored(resources, tmp_path / "loudness.npy", "application/octet-stream"))
    transcript = await joined(resources, plan, await transcribed(resources, plan, sound, work))
    assert transcript.warnings == ["The captions came 4.0 s after what is said; they were moved."]
    assert [word.text for word in transcript.words] == [word.text for word in talk.words]
    errors = [abs(word.start_s - true.start_s) for word, true in zip(transcript.words, talk.words, strict=True)]
    assert np.percentile(errors, 95) <= 0.1


async def test_voices_are_told_apart_where_captions_name_nobody(
    resources: Resources, tenant: Tenant, talk: Talk, sound: ArtifactRef, captions: ArtifactRef
) -> None:
    plan = plan_of(tenant, talk, captions)
    parts = await transcribed(resources, plan, sound, await planned(resources, plan, sound))
    silent, heard = await joined(resources, plan, parts), await joined(resources, plan, parts, sound)
    assert {sentence.speaker for sentence in silent.sentences} == {None}
    assert {sentence.speaker for sentence in heard.sentences} == {word.speaker for word in heard.words} == {"S1", "S2"}
    assert [sentence.text for sentence in heard.sentences] == [sentence.text for sentence in silent.sentences]


async def test_another_campaign_on_the_same_asset_finds_the_words_made(
    resources: Resources, tenant: Tenant, talk: Talk, sound: ArtifactRef, captions: ArtifactRef, settings: Settings, tmp_path: Path
) -> None:
    plan = plan_of(tenant, talk, captions)
    work = await planned(resources, plan, sound)
    first = await transcribed(resources, plan, sound, work)
    another = plan.model_copy(update={"job": JobRef(org_id=plan.job.org_id, job_id=new_id("cmp"))})
    gone = sound.model_copy(update={"key": "tests/gone"})
    async with open_resources(settings.model_copy(update={"home": tmp_path / "elsewhere"})) as elsewhere:
        assert await transcribed(elsewhere, another, gone, work) == first


async def test_a_recording_without_sound_or_speech_has_no_work_and_an_empty_transcript(
    resources: Resources, tenant: Tenant, talk: Talk, tmp_path: Path
) -> None:
    silence = await stored(resources, write_sound(tmp_path / "silence.flac", np.zeros(5 * RATE)), "audio/flac")
    plan = plan_of(tenant, talk, None)
    assert (await planned(resources, plan, silence)).chunks == []
    mute = plan.model_copy(update={"speech_engine": "none"})
    assert (await planned(resources, mute, None)).chunks == []
    transcript = await joined(resources, mute, [])
    assert (transcript.engine, transcript.words, transcript.sentences) == ("none", [], [])


async def test_without_captions_the_sound_is_cut_at_silences(
    resources: Resources, tenant: Tenant, talk: Talk, sound: ArtifactRef
) -> None:
    work = await planned(resources, plan_of(tenant, talk, None), sound)
    assert work.cues is None
    assert work.chunks[0].start_s <= talk.words[0].start_s
    assert work.chunks[-1].end_s >= talk.words[-1].end_s


@pytest.mark.parametrize("subtitles", ["", "1\n00:00:01,000 --> 00:00:04,000\n[Music]\n\n", None])
async def test_useless_subtitles_in_a_recording_are_passed_over(
    resources: Resources,
    tenant: Tenant,
    talk: Talk,
    sound: ArtifactRef,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    subtitles: str | None,
) -> None:
    async def embedded(task: Task, asked: SpeechPlanInput) -> ArtifactRef:
        if subtitles is None:
            raise ToolFailed("ffmpeg ended badly.")
        (tmp_path / "own.srt").write_text(subtitles)
        return await stored(resources, tmp_path / "own.srt", "application/x-subrip")

    monkeypatch.setattr(speech, "embedded_captions", embedded)
    plan = plan_of(tenant, talk, None).model_copy(
        update={"speech_engine": "captions", "second_engine": "pocketsphinx", "second_model": "en-us"}
    )
    work = await planned(resources, plan, sound)
    assert work.cues is None
    assert work.chunks[-1].end_s >= talk.words[-1].end_s


async def test_captions_past_the_end_are_left_out_and_nothing_but_such_is_refused(
    resources: Resources, tenant: Tenant, talk: Talk, sound: ArtifactRef, tmp_path: Path
) -> None:
    first = talk.cues.cues[0]
    (tmp_path / "long.srt").write_text(srt([(first.start_s, first.end_s, first.text), (400, 402, "Much later.")]))
    (tmp_path / "late.srt").write_text(srt([(400, 402, "Much later.")]))
    long = await stored(resources, tmp_path / "long.srt", "application/x-subrip")
    late = await stored(resources, tmp_path / "late.srt", "application/x-subrip")
    work = await planned(resources, plan_of(tenant, talk, long), sound)
    assert [(chunk.first_cue, chunk.last_cue) for chunk in work.chunks] == [(0, 1)]
    with pytest.raises(ApplicationError) as refused:
        await planned(resources, plan_of(tenant, talk, late), sound)
    assert refused.value.type == "captions_empty"
    assert refused.value.non_retryable
