"""A clip is what was planned: to the frame, to the pixel, to the decibel."""

import asyncio
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing
from cutroom.contracts.media import Aspect, MediaFacts
from cutroom.errors import ToolFailed
from cutroom.media import ffmpeg as runner
from cutroom.media.captions import ass
from cutroom.media.ffmpeg import FfmpegPlan
from cutroom.media.fonts import font_file
from cutroom.media.layouts import text_heights
from cutroom.media.presets import CANVASES, CAPTION_STYLES, H264, Canvas
from cutroom.media.render import clip_span, plan_clip, plan_loudness, read_loudness, verify
from cutroom.media.sections import sections
from cutroom.media.timeline import FrameSpan
from cutroom.media.watermark import mark
from tests.media.material import LOSSLESS, NUMBERED, SMALL, SOURCES, TONE, VP8, MakeSource, facts, ffmpeg, lavfi, spoken, transcript

FULL, STYLE = CANVASES["9:16"], CAPTION_STYLES["classic"]
FONTS = font_file(STYLE.font_file).parent
HALVES = "color=black:s=200x100:r=25:d=4,drawbox=x=100:w=100:h=100:color=white:t=fill"
MEDIA = MediaFacts(container="mp4", duration_s=100, width=1920, height=1080, fps=25, video_codec="h264", has_audio=True)


def shot(start_s: float, end_s: float, *boxes: tuple[float, int, int, int, int]) -> FramedShot:
    """`boxes`: t_s, x, y, w, h; none: the whole picture."""
    layout: Literal["crop", "fit"] = "crop" if boxes else "fit"
    frames = [CropKeyframe(t_s=t_s, x=x, y=y, w=w, h=h) for t_s, x, y, w, h in boxes]
    return FramedShot(start_s=start_s, end_s=end_s, layout=layout, why="", keyframes=frames)


def framing(media: MediaFacts, *shots: FramedShot) -> Framing:
    return Framing(source_width=media.width, source_height=media.height, aspect="9:16", shots=list(shots))


def centre(media: MediaFacts, span: FrameSpan) -> Framing:
    width = media.height * 9 // 16
    return framing(media, shot(span.start_s, span.end_s, (span.start_s, (media.width - width) // 2, 0, width, media.height)))


def render(source: Path, out: Path, start_s: float, end_s: float, framed: Framing | None = None, **changes: Any) -> FrameSpan:
    """A clip on a small canvas, its sound as the activity makes it."""
    media = facts(source)
    span = clip_span(media, start_s, end_s, H264)
    loudness = None
    if media.has_audio:
        loudness = read_loudness(asyncio.run(runner.run(plan_loudness(source, media, span, H264))).said, H264)
    options = {"captions": None, "fonts": FONTS, "canvas": SMALL, "encoding": H264} | changes
    plan = plan_clip(source, media, framed or centre(media, span), span, loudness=loudness, out=out, **options)
    ran = asyncio.run(runner.run(plan))
    verify(facts(out), ran.frames, span, options["canvas"])
    return span


def luma(video: Path, canvas: Canvas = SMALL) -> NDArray[np.uint8]:
    """All frames' luma, shape (n, height, width)."""
    raw = video.with_suffix(".yuv")
    ffmpeg("-i", video, "-f", "rawvideo", "-pix_fmt", "yuv420p", raw)
    planes = np.fromfile(raw, np.uint8).reshape(-1, canvas.height * canvas.width * 3 // 2)
    return planes[:, : canvas.height * canvas.width].reshape(-1, canvas.height, canvas.width)


@pytest.mark.parametrize("name", SOURCES)
def test_a_clip_shows_exactly_the_frames_of_its_span(make_source: MakeSource, tmp_path: Path, name: str) -> None:
    args, expected = SOURCES[name]
    out = tmp_path / "clip.mp4"
    fine = replace(H264, video=H264.video | {"crf": 1})
    render(make_source(name, *args), out, 1.4, 3.0, encoding=fine)
    shown = [round(value) for value in (luma(out).mean(axis=(1, 2)) - 19.5) / 2]  # to BT.709 and back rounds down
    assert shown == expected[35:75]


def test_the_crop_steps_on_exactly_the_frame_of_the_cut(make_source: MakeSource, tmp_path: Path) -> None:
    """Left half black, right half white: the crop looks left, right from frame 38, all of it from 50, left from 60."""
    source = make_source("halves.mp4", *lavfi(HALVES), *LOSSLESS)
    left, right = (0, 0, 54, 96), (120, 0, 54, 96)
    framed = framing(
        facts(source),
        shot(1.0, 2.0, (1.0, *left), (38 / 25, *right)),
        shot(2.0, 2.4),
        shot(2.4, 3.0, (2.4, *left)),
    )
    out = tmp_path / "clip.mp4"
    render(source, out, 1.0, 3.0, framed)
    bright = luma(out).mean(axis=(1, 2))
    looks = ["left" if value < 30 else "right" if value > 220 else "all" for value in bright]
    assert looks == ["left"] * 13 + ["right"] * 12 + ["all"] * 10 + ["left"] * 15


def test_a_crop_may_step_at_every_frame(make_source: MakeSource, tmp_path: Path) -> None:
    """A hundred steps and more: deeper than ffmpeg lets an expression nest."""
    source = make_source("halves-200.mp4", *lavfi(HALVES.replace("d=4", "d=8")), *LOSSLESS)
    boxes = [(frame / 25, 0 if frame % 2 else 120, 0, 54, 96) for frame in range(200)]
    out = tmp_path / "clip.mp4"
    render(source, out, 0, 8, framing(facts(source), shot(0, 8, *boxes)))
    bright = luma(out).mean(axis=(1, 2))
    assert ["left" if value < 128 else "right" for value in bright] == ["right", "left"] * 100


def test_the_fit_layout_shows_the_whole_picture_over_a_fill(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source("halves.mp4", *lavfi(HALVES), *LOSSLESS)
    out = tmp_path / "clip.mp4"
    render(source, out, 0, 0.4, framing(facts(source), shot(0, 0.4)))
    frame = luma(out)[5]
    middle = frame[80:112]
    assert middle[:, 2:50].mean() < 20
    assert middle[:, 58:106].mean() > 230
    assert frame[2].max() > 60  # the fill is no black bar


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("odd.mp4", [*lavfi("testsrc=s=101x57:r=25:d=1"), "-pix_fmt", "yuv444p"]),
        ("surround.mp4", [*lavfi("testsrc2=s=320x180:d=1", "anoisesrc=d=1:a=0.1"), "-af", "pan=5.1|c0=c0|c2=c0"]),
        ("small.webm", [*lavfi("testsrc2=s=64x36:d=1", "sine=d=1"), *VP8, "-c:a", "libopus"]),
        ("dropped.mp4", [*lavfi("testsrc2=s=320x180:r=25:d=1"), "-vf", "select='mod(n,7)'", "-fps_mode", "passthrough"]),
        ("fast.mp4", lavfi("testsrc2=s=320x180:r=120:d=1")),
        ("ntsc.mov", lavfi("testsrc2=s=320x180:r=30000/1001:d=1", "sine=d=1")),
        ("wide-pixels.mkv", [*lavfi("testsrc2=s=320x180:r=25:d=1"), "-vf", "setsar=4/3"]),
        ("ten-bit-hdr.mkv", [
            *lavfi("testsrc2=s=320x180:r=25:d=1"), "-vf",
            "setparams=color_trc=arib-std-b67:colorspace=bt2020nc:color_primaries=bt2020,format=yuv420p10le", "-c:v", "libx265",
        ]),
        ("full-range.mkv", [*lavfi("testsrc2=s=320x180:r=25:d=1"), "-vf", "format=yuvj420p", "-c:v", "mjpeg"]),
        ("short-picture.mkv", lavfi("testsrc2=s=320x180:r=25:d=0.4", "sine=d=1")),
    ],
)  # fmt: skip
def test_sources_of_odd_shapes_become_clips(make_source: MakeSource, tmp_path: Path, name: str, args: list[str]) -> None:
    span = render(make_source(name, *args), tmp_path / "clip.mp4", 0.1, 0.9)
    said = ffmpeg("-i", tmp_path / "clip.mp4", "-map", "0", "-f", "null", "-")
    assert re.search(r"Video: h264 \(High\).* yuv420p\(tv, bt709, progressive\), 108x192 \[SAR 1:1", said)
    assert "Audio: aac (LC)" in said
    assert "48000 Hz, stereo" in said
    assert span.fps <= 60


def test_a_rotated_source_becomes_an_upright_clip(make_source: MakeSource, tmp_path: Path) -> None:
    """Black left half turned a quarter clockwise: the black half is on top."""
    flat = make_source("halves.mp4", *lavfi(HALVES), *LOSSLESS)
    source = make_source("halves-turned.mp4", "-display_rotation", "270", "-i", str(flat), "-c", "copy")
    media = facts(source)
    out = tmp_path / "clip.mp4"
    render(source, out, 0, 0.4, framing(media, shot(0, 0.4, (0.0, 0, 11, 100, 178))))
    frame = luma(out)[3]
    assert frame[:80].mean() < 20
    assert frame[112:].mean() > 230


@pytest.mark.parametrize("volume", [0.06, 0.5])
def test_speech_is_brought_to_its_loudness(make_source: MakeSource, tmp_path: Path, volume: float) -> None:
    """Noise in syllables: peaks well above the mean, as in speech."""
    noise = f"anoisesrc=d=12:c=pink:seed=7,volume='{volume}*(0.2+0.8*pow(sin(2*PI*2*t),4))':eval=frame"
    source = make_source(f"loud-{volume}.mkv", *lavfi("testsrc2=s=64x36:r=25:d=12", noise), "-c:a", "flac")
    out = tmp_path / "clip.mp4"
    render(source, out, 1, 11)
    said = ffmpeg("-i", out, "-af", "ebur128=peak=true", "-f", "null", "-")
    summary = said[said.rindex("Summary:") :]
    assert float(re.findall(r"I:\s+(-?[\d.]+) LUFS", summary)[0]) == pytest.approx(-14, abs=1)
    assert float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", summary)[0]) <= -1.4


def test_silence_stays_silent(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source("hush.mp4", *lavfi("testsrc2=s=64x36:r=25:d=2", "anullsrc=d=2"))
    out = tmp_path / "clip.mp4"
    render(source, out, 0.2, 1.8)
    assert "max_volume: -91.0 dB" in ffmpeg("-i", out, "-af", "volumedetect", "-f", "null", "-")


def test_sound_stays_in_step_with_the_picture(make_source: MakeSource, tmp_path: Path) -> None:
    """A tone from 1 s to 2 s of the source, in a clip from 0.6 s on."""
    out = tmp_path / "clip.mp4"
    render(make_source("steady.mkv", *lavfi(NUMBERED, TONE), *LOSSLESS), out, 0.6, 3.0)
    raw = tmp_path / "sound.s16"
    ffmpeg("-i", out, "-ac", "1", "-ar", "16000", "-f", "s16le", raw)
    heard = np.flatnonzero(np.abs(np.fromfile(raw, np.int16).astype(int)) > 1500) / 16000
    assert heard[0] == pytest.approx(0.4, abs=0.03)
    assert heard[-1] == pytest.approx(1.4, abs=0.03)


def test_nothing_of_the_source_or_the_tools_is_told(make_source: MakeSource, tmp_path: Path) -> None:
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\ntitle=Secret talk\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=Secret part\n")
    plain = make_source("talk.mp4", *lavfi("testsrc2=s=320x180:r=25:d=2", "sine=440:d=2"), "-pix_fmt", "yuv420p", "-shortest")
    source = make_source("told.mp4", "-i", str(plain), "-i", str(chapters), "-map_metadata", "1", "-c", "copy")
    assert b"Secret" in source.read_bytes()
    out = tmp_path / "clip.mp4"
    render(source, out, 0, 1)
    made = out.read_bytes()
    for word in (b"Secret", b"x264", b"Lavf", b"Lavc"):
        assert word not in made
    assert made.index(b"moov") < made.index(b"mdat")


def test_captions_stay_inside_the_safe_area(make_source: MakeSource, tmp_path: Path) -> None:
    script = tmp_path / "captions.ass"
    script.write_text(ass(transcript(spoken("Extraordinary unhurried gentlemen jumped", 0, 0.2)), 0, 0.8, STYLE, FULL))
    black = make_source("black.mp4", *lavfi("color=black:s=90x160:r=25:d=1"))
    out = tmp_path / "clip.mp4"
    render(black, out, 0, 0.8, captions=script, canvas=FULL)
    frames = luma(out, FULL)
    drawn = np.argwhere(frames.max(axis=0) > 60)
    (top, left), (bottom, right) = drawn.min(axis=0), drawn.max(axis=0)
    assert FULL.left <= left
    assert right < FULL.width - FULL.right
    assert FULL.top <= top
    assert bottom < FULL.height - FULL.bottom
    assert right - left > 400
    assert frames.max(axis=(1, 2)).min() > 200, "some frame has no caption"


@pytest.mark.parametrize("aspect", CANVASES)
def test_a_mark_is_readable_on_black_and_on_white_and_stands_below_the_captions(
    make_source: MakeSource, tmp_path: Path, aspect: Aspect
) -> None:
    canvas, script, captions = CANVASES[aspect], tmp_path / "mark.ass", tmp_path / "captions.ass"
    script.write_text(mark(STYLE, canvas, 0.2))
    said = transcript(spoken("Extraordinary unhurried gentlemen jumped", 0, 0.04))
    lowest = text_heights(framing(MEDIA, shot(0, 0.2).model_copy(update={"layout": "inset"})), canvas)
    captions.write_text(ass(said, 0, 0.2, STYLE, canvas, lowest))

    def bounds(colour: str, **scripts: Path) -> tuple[NDArray[np.intp], NDArray[np.intp], int, int]:
        """Where the picture is drawn on, and the darkest and lightest of it there, the same in each of its frames."""
        source, out = make_source(f"{colour}.mp4", *lavfi(f"color={colour}:s=90x90:r=25:d=1")), tmp_path / "clip.mp4"
        media = facts(source)
        render(source, out, 0, 0.2, framing(media, shot(0, 0.2, (0, 0, 0, 90, 90))), canvas=canvas, **{"captions": None, **scripts})
        frames = luma(out, canvas).astype(int)
        drawn = np.argwhere(np.abs(frames - frames[0, 0, 0]).min(axis=0) > 20)
        inside = frames[:, drawn[:, 0], drawn[:, 1]]
        return drawn.min(axis=0), drawn.max(axis=0), int(inside.min()), int(inside.max())

    (top, left), (bottom, right), _, lightest = bounds("black", mark=script)
    assert 120 < lightest < 200, "light on black, and seen through"
    assert 0.015 * canvas.height < bottom - top < 0.04 * canvas.height
    assert canvas.left - 4 <= left
    assert right < 0.6 * canvas.width
    assert canvas.height - canvas.bottom < top
    assert bottom < canvas.height - 8
    *_, darkest, _ = bounds("white", mark=script)
    assert darkest < 130, "with a dark edge on white"
    _, (captions_end, _), *_ = bounds("black", captions=captions)
    assert captions_end < top


def test_crops_of_one_size_are_one_branch_that_steps_by_frame_number(tmp_path: Path) -> None:
    span = FrameSpan(250, 500, 25)
    framed = framing(MEDIA, shot(10, 15, (10, 0, 0, 607, 1080), (12, 100, 0, 607, 1080)), shot(15, 20, (15, 40, 0, 607, 1080)))
    graph = graph_of(plan(tmp_path, framed, span))
    assert "crop=607:1080:if(lt(n\\,50.00)\\,0\\,if(lt(n\\,125.00)\\,100\\,40)):0" in graph
    assert "split" not in graph
    assert "concat" not in graph


def plan(folder: Path, framed: Framing, span: FrameSpan, media: MediaFacts = MEDIA) -> FfmpegPlan:
    return plan_clip(
        folder / "in.mp4", media, framed, span, captions=folder / "c.ass", fonts=folder, loudness=None,
        canvas=FULL, encoding=H264, out=folder / "out.mp4",
    )  # fmt: skip


def graph_of(planned: FfmpegPlan) -> str:
    return planned.args[planned.args.index("-filter_complex") + 1]


def test_captions_are_drawn_last(tmp_path: Path) -> None:
    graph = graph_of(plan(tmp_path, centre(MEDIA, FrameSpan(0, 50, 25)), FrameSpan(0, 50, 25)))
    picture = graph[: graph.index("[0:a:0]")]
    assert picture.index("ass=") > picture.rindex("crop=")


def test_a_clip_without_sound_gets_a_silent_track(tmp_path: Path) -> None:
    media = MEDIA.model_copy(update={"has_audio": False})
    planned = plan(tmp_path, centre(media, FrameSpan(0, 50, 25)), FrameSpan(0, 50, 25), media)
    assert "anullsrc=r=48000:cl=stereo" in planned.args


@st.composite
def framings(draw: st.DrawFn) -> Framing:
    edges = sorted(draw(st.sets(st.integers(0, 400), min_size=2, max_size=8)))
    shots = []
    for first, last in pairwise(edges):
        keys = sorted({first, *draw(st.sets(st.integers(first, last - 1), max_size=4))}) if draw(st.booleans()) else []
        shots.append(shot(first / 25, last / 25, *((key / 25, draw(st.integers(0, 1312)), 0, 607, 1080) for key in keys)))
    return framing(MEDIA, *shots)


@given(framings())
def test_sections_cover_each_frame_of_the_clip_once_with_the_box_of_its_moment(framed: Framing) -> None:
    span = FrameSpan.of(framed.shots[0].start_s, framed.shots[-1].end_s, 25)
    parts = sections(framed, span)
    assert [part.first for part in parts] + [span.count] == [0] + [part.last for part in parts]
    for part in parts:
        for frame in range(part.first, part.last):
            time_s = (span.first + frame) / 25 + 0.001
            [current] = [shot for shot in framed.shots if shot.start_s <= time_s < shot.end_s]
            expected = [(key.x, key.y) for key in current.keyframes if key.t_s <= time_s][-1:]
            found = [key[1:] for path in part.paths for key in [key for key in path.keys if key[0] <= frame][-1:]]
            assert (part.layout, found) == (current.layout, expected)


@pytest.mark.parametrize(("fps", "kept"), [(24, 24), (60, 60), (120, 60), (100, 50), (240, 60), (240000 / 1001, 60000 / 1001)])
def test_a_clip_keeps_the_rate_of_its_source_up_to_sixty(fps: float, kept: float) -> None:
    assert clip_span(MEDIA.model_copy(update={"fps": fps}), 10, 20, H264).fps == kept


def test_loudness_is_read_from_what_ffmpeg_says() -> None:
    values = {"input_i": -23.71, "input_tp": -7.19, "input_lra": 2.8, "input_thresh": -34.52, "target_offset": 0.72}
    said = "noise " + json.dumps({name: str(value) for name, value in values.items()} | {"normalization_type": "dynamic"}) + " more"
    measured = read_loudness(said, H264)
    assert measured is not None
    assert (measured.integrated, measured.true_peak, measured.offset) == (-23.71, -7.19, 0.72)
    assert read_loudness(said.replace("-23.71", "-inf"), H264) is None
    with pytest.raises(ToolFailed):
        read_loudness("nothing", H264)


@pytest.mark.parametrize(
    "change",
    [{"width": 1078}, {"video_codec": "hevc"}, {"fps": 25.0}, {"duration_s": 9.7}, {"has_audio": False, "audio_codec": ""}],
)
def test_a_clip_that_is_not_as_planned_is_not_published(change: dict[str, Any]) -> None:
    made = MediaFacts(
        container="mp4", duration_s=10, width=1080, height=1920, fps=30, video_codec="h264", has_audio=True, audio_codec="aac"
    )
    span = FrameSpan(0, 300, 30)
    verify(made, 300, span, FULL)
    with pytest.raises(ToolFailed):
        verify(made.model_copy(update=change), 300, span, FULL)
    with pytest.raises(ToolFailed):
        verify(made, 299, span, FULL)
