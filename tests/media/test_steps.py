"""The steps that run ffmpeg, with a real database and object store."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageStat
from temporalio.exceptions import ApplicationError

from activities.base import Resources, attempt
from activities.media import inspect_upload, make_poster, package_clip, prepare_media, prepare_sound, render_clip
from activities.resources import open_resources
from cutroom.contracts.base import ArtifactRef, Frozen, JobRef
from cutroom.contracts.campaign import (
    PACKAGE_CLIP,
    RENDER_CLIP,
    CampaignPlan,
    ClipInput,
    ClipPlace,
    ClipWishes,
    PackageInput,
    RenderedClip,
    RenderInput,
)
from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing
from cutroom.contracts.ids import new_id
from cutroom.contracts.ingest import INSPECT_UPLOAD, MAKE_POSTER, PREPARE_MEDIA, PREPARE_SOUND, Inspected, SourceInput, UploadObject
from cutroom.contracts.media import PreparedMedia, PreparedSound, Resolution
from cutroom.media import render
from cutroom.media.probe import probe
from cutroom.settings import Settings
from cutroom.store.artifacts import fingerprint
from cutroom.store.files import sha256_of
from tests.media.material import POLICY, MakeSource, ffmpeg, lavfi, spoken, transcript
from tests.store.conftest import Tenant, new_tenant


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings) as opened:
        yield opened


@pytest.fixture
async def tenant(resources: Resources) -> Tenant:
    return await new_tenant(resources.all_organisations)


def named(file: Path) -> ArtifactRef:
    return ArtifactRef(key=f"tests/{new_id('evt')}/{file.name}", sha256=sha256_of(file), size=file.stat().st_size)


async def put(resources: Resources, file: Path) -> ArtifactRef:
    ref = named(file)
    await resources.objects.put_once(ref.key, file, ref.sha256, "application/octet-stream")
    return ref


async def put_document(resources: Resources, folder: Path, document: Frozen) -> ArtifactRef:
    file = folder / "document.json"
    file.write_text(document.model_dump_json())
    return await put(resources, file)


async def inspected(resources: Resources, tenant: Tenant, file: Path, *, size: int | None = None, sha256: str = "") -> Inspected:
    stored = await put(resources, file)
    announced = stored.size if size is None else size
    upload = UploadObject(org_id=tenant.org_id, asset_id=tenant.asset_id, key=stored.key, size=announced, sha256=sha256)
    async with attempt(resources, INSPECT_UPLOAD, upload, "test", 1) as task:
        return await inspect_upload(task, upload)


async def test_a_video_is_known_by_its_bytes(resources: Resources, tenant: Tenant, talk: Path) -> None:
    known = await inspected(resources, tenant, talk, sha256=sha256_of(talk))
    assert (known.kind, known.content_type, known.source.sha256) == ("video", "video/mp4", sha256_of(talk))
    assert known.media is not None
    assert (known.media.width, known.media.fps) == (320, 25.0)


async def test_captions_are_read_and_their_language_guessed(resources: Resources, tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "talk.srt"
    file.write_text("1\n00:00:00,000 --> 00:00:04,000\nThis is what the weather was like on the day that we left.\n")
    known = await inspected(resources, tenant, file)
    assert (known.kind, known.language) == ("captions", "en")


@pytest.mark.parametrize(
    ("content", "change", "code"),
    [
        (b"", {}, "empty_file"),
        (b"Dear diary", {}, "unknown_format"),
        (b"#EXTM3U\nhttp://example.com/", {}, "playlist_refused"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\x10\0mdat", {}, "truncated_media"),
        (b"WEBVTT\n\nnothing here", {}, "captions_empty"),
        (b"anything", {"size": 9}, "size_mismatch"),
        (b"anything", {"sha256": "0" * 64}, "hash_mismatch"),
    ],
)
async def test_bad_uploads_are_refused_and_nothing_is_left_on_the_disk(
    resources: Resources, tenant: Tenant, tmp_path: Path, content: bytes, change: dict[str, object], code: str
) -> None:
    file = tmp_path / "talk.mp4"
    file.write_bytes(content)
    with pytest.raises(ApplicationError) as refused:
        await inspected(resources, tenant, file, **change)  # type: ignore[arg-type]
    assert (refused.value.type, refused.value.non_retryable) == (code, True)
    assert list((resources.settings.home / "scratch").iterdir()) == []


@pytest.fixture
async def source(resources: Resources, tenant: Tenant, talk: Path) -> SourceInput:
    media = await probe(talk, "mp4", POLICY)
    stored = await put(resources, talk)
    return SourceInput(org_id=tenant.org_id, asset_id=tenant.asset_id, job_id=tenant.job_id, source=stored, media=media)


async def prepared(resources: Resources, source: SourceInput, who: str = "test") -> PreparedMedia:
    async with attempt(resources, PREPARE_MEDIA, source, who, 1) as task:
        return await prepare_media(task, source)


async def test_a_source_is_prepared_once(resources: Resources, source: SourceInput) -> None:
    first = await prepared(resources, source)
    assert (first.frame_count, first.frame_rate, first.proxy_fps) == (50, 25.0, 5.0)
    assert first.sound is not None
    assert first.loudness is not None
    again = await prepared(resources, source.model_copy(update={"job_id": ""}), who="another")
    assert again == first
    assert first.frames.key.startswith(f"org/{source.org_id}/assets/{source.asset_id}/prepare_media/")


async def test_the_sound_alone_is_that_of_the_whole_source_so_that_words_found_by_it_are_found_again(
    resources: Resources, source: SourceInput
) -> None:
    async with attempt(resources, PREPARE_SOUND, source, "test", 1) as task:
        alone = await prepare_sound(task, source)
    whole = await prepared(resources, source)
    assert alone.sound is not None
    assert alone.loudness is not None
    assert whole.sound is not None
    assert whole.loudness is not None
    assert (alone.sound.sha256, alone.loudness.sha256) == (whole.sound.sha256, whole.loudness.sha256)


async def test_the_sound_of_a_source_that_is_prepared_is_found(resources: Resources, source: SourceInput) -> None:
    whole = await prepared(resources, source)
    async with attempt(resources, PREPARE_SOUND, source, "test", 1) as task:
        alone = await prepare_sound(task, source)
    assert alone == PreparedSound(sound=whole.sound, loudness=whole.loudness)


async def test_a_sound_that_the_store_lost_is_made_again(resources: Resources, source: SourceInput) -> None:
    whole = await prepared(resources, source)
    assert whole.sound is not None
    await resources.objects.delete(whole.sound.key)
    async with attempt(resources, PREPARE_SOUND, source, "test", 1) as task:
        again = await prepare_sound(task, source)
    assert again.sound is not None
    assert again.sound.sha256 == whole.sound.sha256
    assert await resources.objects.head(again.sound.key) is not None


async def test_of_a_source_without_sound_no_sound_is_prepared(resources: Resources, source: SourceInput) -> None:
    silent = source.model_copy(update={"media": source.media.model_copy(update={"has_audio": False})})
    async with attempt(resources, PREPARE_SOUND, silent, "test", 1) as task:
        assert await prepare_sound(task, silent) == PreparedSound(sound=None)


async def test_an_asset_gets_a_poster(resources: Resources, source: SourceInput) -> None:
    async with attempt(resources, MAKE_POSTER, source, "test", 1) as task:
        poster = await make_poster(task, source)
    with Image.open(await resources.files.ensure_local(poster)) as picture:
        assert picture.size == (320, 180)


async def test_a_poster_of_a_video_that_begins_black_with_its_one_key_frame_is_not_black(
    resources: Resources, tenant: Tenant, tmp_path: Path
) -> None:
    file = tmp_path / "fade.mp4"
    ffmpeg(*lavfi("testsrc2=s=160x90:r=25:d=8,fade=d=1"), "-g", "999", "-sc_threshold", "0", file)
    ref, media = await put(resources, file), await probe(file, "mp4", POLICY)
    asked = SourceInput(org_id=tenant.org_id, asset_id=tenant.asset_id, job_id=tenant.job_id, source=ref, media=media)
    async with attempt(resources, MAKE_POSTER, asked, "test", 1) as task:
        poster = await make_poster(task, asked)
    with Image.open(await resources.files.ensure_local(poster)) as picture:
        assert ImageStat.Stat(picture.convert("L")).mean[0] > 60


SHOT = FramedShot(start_s=0.4, end_s=1.6, layout="crop", why="", keyframes=[CropKeyframe(t_s=0.4, x=110, y=0, w=101, h=180)])
FRAMING = Framing(source_width=320, source_height=180, aspect="9:16", shots=[SHOT])


async def rendered_of(resources: Resources, clip: ClipInput, framing: ArtifactRef) -> RenderedClip:
    asked = RenderInput(clip=clip, framing=framing)
    async with attempt(resources, RENDER_CLIP, asked, "test", 1) as task:
        return await render_clip(task, asked)


@pytest.mark.parametrize(
    ("resolution", "size", "named"), [("1080p", (1080, 1920), {}), ("720p", (720, 1280), {"resolution": "720p"})]
)
async def test_a_clip_is_rendered_and_packaged(
    resources: Resources, source: SourceInput, tmp_path: Path, resolution: Resolution, size: tuple[int, int], named: dict[str, str]
) -> None:
    clip = await clip_of(resources, source, tmp_path, resolution)
    framing = await put_document(resources, tmp_path, FRAMING)
    rendered = await rendered_of(resources, clip, framing)
    # In 1080p as it was before there was a choice, so that what was made then is found.
    params = {"frames": [10, 40], "fps": 25.0, "style": "classic", "aspect": "9:16"} | named
    assert fingerprint("render_clip", render.VERSION, params, [source.source, clip.transcript, framing]) in rendered.video.key
    made = await probe(await resources.files.ensure_local(rendered.video), "mp4", POLICY)
    assert (made.width, made.height, made.fps) == (*size, 25.0)
    assert rendered.captions_ass is not None
    assert f"PlayResX: {size[0]}\nPlayResY: {size[1]}\n" in (await resources.files.ensure_local(rendered.captions_ass)).read_text()
    wanted = PackageInput(clip=clip, framing=framing, rendered=rendered)
    async with attempt(resources, PACKAGE_CLIP, wanted, "test", 1) as task:
        packaged = await package_clip(task, wanted)
    assert packaged.subtitles is not None
    assert "Hello there" in (await resources.files.ensure_local(packaged.subtitles)).read_text()
    assert packaged.duration_s == pytest.approx(1.2)
    with Image.open(await resources.files.ensure_local(packaged.thumbnail)) as picture:
        assert picture.size == size


async def test_a_marked_clip_is_another_one_in_its_corner_alone(resources: Resources, source: SourceInput, tmp_path: Path) -> None:
    plain = await clip_of(resources, source, tmp_path, "720p")
    marked = plain.model_copy(update={"plan": plain.plan.model_copy(update={"watermark": True})})
    framing = await put_document(resources, tmp_path, FRAMING)
    pictures = []
    for clip in (plain, marked):
        video = await resources.files.ensure_local((await rendered_of(resources, clip, framing)).video)
        ffmpeg("-ss", "0.8", "-i", video, "-frames:v", "1", "-pix_fmt", "gray", tmp_path / "still.png")
        with Image.open(tmp_path / "still.png") as still:
            pictures.append(np.asarray(still, dtype=int))
    apart = np.abs(pictures[0] - pictures[1])
    rows, columns = np.nonzero(apart > 60)
    assert len(rows) > 500
    assert rows.min() > 1280 * 0.8
    assert columns.max() < 720 * 0.6


async def clip_of(resources: Resources, source: SourceInput, folder: Path, resolution: Resolution) -> ClipInput:
    plan = CampaignPlan(
        job=JobRef(org_id=source.org_id, job_id=source.job_id),
        asset_id=source.asset_id,
        source=source.source,
        media=source.media,
        captions=None,
        wishes=ClipWishes(count=1, min_s=1, max_s=2, resolution=resolution),
    )
    said = await put_document(resources, folder, transcript(spoken("Hello there dear world", 0.5, 0.2)))
    nothing = source.source
    unused = PreparedMedia(sound=None, frames=nothing, frame_rate=25, frame_count=50, proxy=nothing, proxy_fps=5)
    place = ClipPlace(clip_id=new_id("clp"), ordinal=1, start_s=0.4, end_s=1.6)
    return ClipInput(plan=plan, prepared=unused, transcript=said, shots=nothing, place=place)


async def test_a_cancelled_step_leaves_no_process_and_no_file(
    resources: Resources, tenant: Tenant, make_source: MakeSource
) -> None:
    file = make_source("long.mkv", *lavfi("testsrc2=s=640x360:r=25:d=60"), "-preset", "ultrafast")
    source = SourceInput(
        org_id=tenant.org_id,
        asset_id=tenant.asset_id,
        job_id=tenant.job_id,
        source=await put(resources, file),
        media=await probe(file, "mkv", POLICY),
    )
    step = asyncio.create_task(prepared(resources, source))
    scratch = resources.settings.home / "scratch"
    assert await asyncio.to_thread(seen_within, 30, scratch)
    step.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(step, 5)
    assert readers(scratch) == []
    assert list(scratch.iterdir()) == []


def seen_within(seconds: float, folder: Path) -> bool:
    deadline = time.monotonic() + seconds
    while not readers(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(readers(folder))


def readers(folder: Path) -> list[psutil.Process]:
    """Processes that name a file of this folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in part for part in process.cmdline()):
                found.append(process)
    return found
