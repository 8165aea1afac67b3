"""The steps that run ffmpeg: looking at an upload, preparing a source, rendering and packaging clips."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import (
    PACKAGE_CLIP,
    RENDER_CLIP,
    CampaignPlan,
    ClipInput,
    PackagedClip,
    PackageInput,
    RenderedClip,
    RenderInput,
)
from cutroom.contracts.documents import Framing, Transcript
from cutroom.contracts.ingest import (
    INSPECT_UPLOAD,
    MAKE_POSTER,
    PREPARE_MEDIA,
    PREPARE_SOUND,
    Inspected,
    SourceInput,
    UploadObject,
)
from cutroom.contracts.media import MediaFacts, PreparedMedia, PreparedSound
from cutroom.errors import BadInput
from cutroom.media import ffmpeg, package, prepare, render, watermark
from cutroom.media.captions import ass, srt, words_inside
from cutroom.media.fonts import font_file
from cutroom.media.layouts import text_heights
from cutroom.media.presets import CAPTION_STYLES, H264, Canvas, canvas_of
from cutroom.media.probe import Policy, probe
from cutroom.media.sniff import sniff
from cutroom.media.timeline import FrameSpan
from cutroom.speech import captions_file
from cutroom.speech.language import guess_language
from cutroom.speech.sound import keep_loudness
from cutroom.store.artifacts import Scope, fingerprint
from cutroom.store.files import LONG, sha256_of


@implements(INSPECT_UPLOAD)
async def inspect_upload(task: Task, upload: UploadObject) -> Inspected:
    """What the bytes are, or BadInput saying why they cannot be used."""
    path = task.scratch / "upload"
    await task.resources.objects.fetch(upload.key, path, task.arrivals(upload.size))
    size = path.stat().st_size
    if size != upload.size:
        raise BadInput(f"{size} bytes arrived, {upload.size} were announced; upload the file again.", code="size_mismatch")
    sha256 = await asyncio.to_thread(sha256_of, path)
    if upload.sha256 and sha256 != upload.sha256:
        raise BadInput("The bytes differ from the SHA-256 that was announced; upload the file again.", code="hash_mismatch")
    known = sniff(path)
    source = ArtifactRef(key=upload.key, sha256=sha256, size=size)
    await asyncio.to_thread(task.resources.files.adopt, source, path)
    inspected = Inspected(source=source, kind=known.kind, content_type=known.content_type)
    if known.container is not None:
        media = await probe(path, known.container, Policy.of(task.resources.settings), note=task.note)
        return inspected.model_copy(update={"media": media})
    if known.kind == "captions":
        return inspected.model_copy(update={"language": await asyncio.to_thread(_language, path)})
    return inspected


def _language(path: Path) -> str:
    if path.stat().st_size > captions_file.MAX_BYTES:
        raise captions_file.unreadable()
    return guess_language(captions_file.read_captions(path))


@implements(MAKE_POSTER)
async def make_poster(task: Task, source: SourceInput) -> ArtifactRef:
    """A JPEG that stands for the asset."""

    async def make(out: Path) -> None:
        path = await task.local(source.source, stays_s=LONG)
        await _best_still(task, path, source.media, package.POSTER_WIDTH, out)

    scope = Scope(source.org_id, asset_id=source.asset_id)
    return await task.make_one(scope, package.VERSION, {}, [source.source], ".jpg", make)


async def _best_still(task: Task, video: Path, media: MediaFacts, most_width: int, out: Path) -> None:
    """Among key frames; where too few of these differ, among pictures of the beginning too."""

    async def taken(name: str, duration_s: float, *, exact: bool) -> list[Path]:
        times = package.candidate_times(duration_s)
        made = [task.scratch / f"{name}-{number}.jpg" for number in range(len(times))]
        await ffmpeg.run(package.plan_stills(video, media, times, made, most_width, exact=exact), note=task.note)
        return made

    pictures = await taken("key", media.duration_s, exact=False)
    if not await asyncio.to_thread(package.various, pictures):
        pictures += await taken("exact", min(media.duration_s, package.DECODED_S), exact=True)
    shutil.move(await asyncio.to_thread(package.best, pictures), out)


_SOUND = {"sound": ".flac", "loudness": ".npy"}


@implements(PREPARE_MEDIA)
async def prepare_media(task: Task, source: SourceInput) -> PreparedMedia:
    """Sound and its loudness, small frames and proxy of a source, from one decode."""
    media = source.media

    async def make(paths: dict[str, Path]) -> dict[str, Any]:
        path = await task.local(source.source, stays_s=LONG)
        plan = prepare.plan_prepare(path, media, frames=paths["frames"], proxy=paths["proxy"], sound=paths.get("sound"))
        ran = await ffmpeg.run(plan, on_progress=lambda done: task.beat(done, media.duration_s), note=task.note)
        if media.has_audio:
            await asyncio.to_thread(keep_loudness, paths["sound"], paths["loudness"])
        return {"frame_count": ran.frames}

    suffixes = {"frames": ".mkv", "proxy": ".mp4"} | (_SOUND if media.has_audio else {})
    scope = Scope(source.org_id, asset_id=source.asset_id)
    made = await task.make(scope, prepare.VERSION, {"fps": media.fps}, [source.source], suffixes, make, media_s=media.duration_s)
    return PreparedMedia(
        sound=made.refs.get("sound"),
        loudness=made.refs.get("loudness"),
        frames=made.refs["frames"],
        frame_rate=prepare.frame_rate(media),
        frame_count=made.facts["frame_count"],
        proxy=made.refs["proxy"],
        proxy_fps=prepare.PROXY_FPS,
    )


@implements(PREPARE_SOUND)
async def prepare_sound(task: Task, source: SourceInput) -> PreparedSound:
    """Sound and its loudness: those of `prepare_media` where it is done, else the same without decoding a picture."""
    media, scope = source.media, Scope(source.org_id, asset_id=source.asset_id)
    if not media.has_audio:
        return PreparedSound(sound=None)

    async def make(paths: dict[str, Path]) -> dict[str, Any]:
        path = await task.local(source.source, stays_s=LONG)
        plan = prepare.plan_sound(path, media, paths["sound"])
        await ffmpeg.run(plan, on_progress=lambda done: task.beat(done, media.duration_s), note=task.note)
        await asyncio.to_thread(keep_loudness, paths["sound"], paths["loudness"])
        return {}

    beside = fingerprint(PREPARE_MEDIA.name, prepare.VERSION, {"fps": media.fps}, [source.source])
    made = await task.resources.artifacts.find(scope, PREPARE_MEDIA.name, beside, _SOUND)
    if made is None:
        made = await task.make(scope, prepare.VERSION, {}, [source.source], _SOUND, make, media_s=media.duration_s)
    return PreparedSound(sound=made.refs["sound"], loudness=made.refs["loudness"])


@implements(RENDER_CLIP)
async def render_clip(task: Task, asked: RenderInput) -> RenderedClip:
    """The clip's file, checked, and the captions burned into it."""
    clip = asked.clip
    span = _span(clip)
    transcript = await task.read(clip.transcript, Transcript)
    spoken = bool(words_inside(transcript, span.start_s, span.end_s))

    async def make(paths: dict[str, Path]) -> dict[str, Any]:
        framing = await task.read(asked.framing, Framing)
        if spoken:
            style, canvas = CAPTION_STYLES[clip.plan.caption_style], _canvas(clip.plan)
            heights = text_heights(framing, canvas)
            paths["captions"].write_text(ass(transcript, span.start_s, span.end_s, style, canvas, heights))
        await _render(task, clip.plan, framing, span, paths.get("captions"), paths["video"])
        return {}

    params = {
        "frames": [span.first, span.last],
        "fps": span.fps,
        "style": clip.plan.caption_style,
        "aspect": clip.plan.wishes.aspect,
    }
    # Named where they are not what they always were, so that clips made before are found.
    if clip.plan.wishes.resolution != "1080p":
        params["resolution"] = clip.plan.wishes.resolution
    if clip.plan.watermark:
        params["watermark"] = True
    suffixes = {"video": ".mp4"} | ({"captions": ".ass"} if spoken else {})
    inputs = [clip.plan.source, clip.transcript, asked.framing]
    media_s = span.end_s - span.start_s
    made = await task.make(task.job_scope, render.VERSION, params, inputs, suffixes, make, media_s=media_s)
    return RenderedClip(video=made.refs["video"], captions_ass=made.refs.get("captions"))


async def _render(task: Task, plan: CampaignPlan, framing: Framing, span: FrameSpan, captions: Path | None, out: Path) -> None:
    source, canvas = await task.local(plan.source, stays_s=LONG), _canvas(plan)
    loudness = None
    if plan.media.has_audio:
        measuring = render.plan_loudness(source, plan.media, span, H264)
        measured = await ffmpeg.run(measuring, on_progress=lambda _: task.alive(), note=task.note)
        loudness = render.read_loudness(measured.said, H264)
    mark = None
    if plan.watermark:
        mark = task.scratch / "mark.ass"
        mark.write_text(watermark.mark(CAPTION_STYLES[plan.caption_style], canvas, span.duration_s))
    job = render.plan_clip(
        source,
        plan.media,
        framing,
        span,
        captions=captions,
        mark=mark,
        fonts=_fonts(task, plan.caption_style),
        loudness=loudness,
        canvas=canvas,
        encoding=H264,
        out=out,
    )
    ran = await ffmpeg.run(job, on_progress=lambda done: task.beat(done, span.duration_s), note=task.note)
    made = await probe(out, "mp4", Policy.of(task.resources.settings), thorough=False, note=task.note)
    render.verify(made, ran.frames, span, canvas)


def _fonts(task: Task, style: str) -> Path:
    """A folder with the style's font alone: ffmpeg reads all that is in it."""
    folder = task.scratch / "fonts"
    folder.mkdir()
    font = font_file(CAPTION_STYLES[style].font_file)
    (folder / font.name).symlink_to(font)
    return folder


@implements(PACKAGE_CLIP)
async def package_clip(task: Task, asked: PackageInput) -> PackagedClip:
    """Subtitles and thumbnail beside the clip; its crop path goes along as it is."""
    clip = asked.clip
    span = _span(clip)
    transcript = await task.read(clip.transcript, Transcript)
    subtitles = srt(transcript, span.start_s, span.end_s)

    async def make(paths: dict[str, Path]) -> dict[str, Any]:
        if subtitles:
            paths["subtitles"].write_text(subtitles)
        video = await task.local(asked.rendered.video, stays_s=0)
        media = render.planned(span, _canvas(clip.plan))
        await _best_still(task, video, media, media.width, paths["thumbnail"])
        return {}

    suffixes = {"thumbnail": ".jpg"} | ({"subtitles": ".srt"} if subtitles else {})
    inputs = [asked.rendered.video, clip.transcript]
    made = await task.make(task.job_scope, package.VERSION, {"frames": [span.first, span.last]}, inputs, suffixes, make)
    return PackagedClip(
        video=asked.rendered.video,
        subtitles=made.refs.get("subtitles"),
        thumbnail=made.refs["thumbnail"],
        framing=asked.framing,
        duration_s=span.duration_s,
    )


def _canvas(plan: CampaignPlan) -> Canvas:
    return canvas_of(plan.wishes.aspect, plan.wishes.resolution)


def _span(clip: ClipInput) -> FrameSpan:
    return render.clip_span(clip.plan.media, clip.place.start_s, clip.place.end_s, H264)
