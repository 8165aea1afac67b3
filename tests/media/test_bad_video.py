"""Video that is odd or broken: a plain sentence on the asset, and still a right clip."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from cutroom.contracts.documents import FramedShot
from cutroom.media.presets import H264
from cutroom.media.probe import probe
from cutroom.media.render import clip_span
from tests.media.golden.pictures import frames, render
from tests.media.material import POLICY, SMALL, MakeSource, facts, ffmpeg, lavfi

MOVING, STILL = "testsrc2=s=320x180:r=25:d=4", "color=0x305080:s=320x180:r=25:d=4"
TINY = ["-preset", "ultrafast", "-g", "25"]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("in-step", lavfi(MOVING, "sine=d=4"), []),
        (
            "late-sound",
            [*lavfi(MOVING), "-itsoffset", "2", *lavfi("sine=d=4")],
            [
                "The sound begins 2.0 s after the picture: check that they are in step.",
                "The sound ends 2.0 s after the picture: check that they are in step.",
            ],
        ),
        ("long-sound", lavfi(MOVING, "sine=d=6.5"), ["The sound ends 2.5 s after the picture: check that they are in step."]),
        ("short-sound", lavfi(MOVING, "sine=d=2"), ["The sound ends 2.0 s before the picture: check that they are in step."]),
        ("no-sound", lavfi(MOVING), ["The video has no sound: its clips will have none, and no captions."]),
        ("still", lavfi(STILL, "sine=d=4"), ["The picture never changes: every clip will show this one still."]),
    ],
)
def test_what_the_owner_should_know_is_said(
    make_source: MakeSource, suffix: str, name: str, args: list[str], expected: list[str]
) -> None:
    assert facts(make_source(f"{name}.{suffix}", *args, *TINY)).warnings == expected


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_picture_that_moves_between_its_key_frames_is_no_still(make_source: MakeSource, suffix: str) -> None:
    """One key frame for all of it, and two that look alike."""
    one_key = make_source(f"one-key.{suffix}", *lavfi(MOVING, "sine=d=4"), "-g", "999")
    flash = "color=gray:s=320x180:r=25:d=4,geq=lum='if(lt(mod(N,50),10),90,180)':cb=128:cr=128"
    alike = make_source(f"alike-keys.{suffix}", *lavfi(flash, "sine=d=4"), "-g", "50", "-sc_threshold", "0")
    assert facts(one_key).warnings == facts(alike).warnings == []


def test_a_still_of_one_key_frame_is_told_from_it(make_source: MakeSource) -> None:
    source = make_source("one-key-still.mp4", *lavfi(STILL, "sine=d=4"), "-g", "999")
    assert facts(source).warnings == ["The picture never changes: every clip will show this one still."]


def test_nobody_is_warned_of_a_still_that_was_not_looked_for(make_source: MakeSource) -> None:
    source = make_source("still.mp4", *lavfi(STILL, "sine=d=4"), *TINY)
    assert asyncio.run(probe(source, "mp4", POLICY, thorough=False)).warnings == []


def test_a_still_with_music_under_it_and_two_frames_becomes_a_clip(make_source: MakeSource, tmp_path: Path) -> None:
    """Two frames in the file, the last shown for as long as the music lasts."""
    source = make_source("one-frame.mp4", *lavfi(STILL.replace("d=4", "d=0.08"), "sine=d=4"))
    assert "The picture never changes: every clip will show this one still." in facts(source).warnings
    shot = FramedShot(start_s=1, end_s=3, layout="fit", why="", keyframes=[])
    render(source, tmp_path / "clip.mp4", [shot], SMALL)
    for picture in frames(tmp_path / "clip.mp4", SMALL, [0, 49]):
        assert picture.mean(axis=(0, 1)) == pytest.approx((0x30, 0x50, 0x80), abs=6)


def test_past_its_picture_a_clip_goes_on_with_the_last_one(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source("long-sound.mp4", *lavfi(MOVING, "sine=d=6.5"), *TINY)
    shot = FramedShot(start_s=3.5, end_s=5.5, layout="fit", why="", keyframes=[])
    render(source, tmp_path / "clip.mp4", [shot], SMALL)
    last, held = frames(tmp_path / "clip.mp4", SMALL, [13, 49])
    assert np.abs(last.astype(int) - held).mean() < 3


def test_a_moment_near_the_end_of_a_four_hour_recording_is_found_exactly(tmp_path: Path) -> None:
    """29.97 frames a second, ten seconds to a key frame: 100.1 s whose brightness tells the time, over and over."""
    part, source = tmp_path / "part.mp4", tmp_path / "hours.mp4"
    picture = "color=gray:s=16x16:r=30000/1001:d=100.1,geq=lum='16+2*floor(N/30)':cb=128:cr=128"
    ffmpeg(*lavfi(picture), *TINY, "-g", "300", "-qp", "4", part)
    ffmpeg("-stream_loop", "142", "-i", part, "-c", "copy", source)
    media = facts(source)
    assert media.duration_s > 14300
    span = clip_span(media, 14041.7, 14042.7, H264)
    render(source, tmp_path / "clip.mp4", [FramedShot(start_s=14041.7, end_s=14042.7, layout="fit", why="", keyframes=[])], SMALL)
    shown = frames(tmp_path / "clip.mp4", SMALL, range(span.count))
    expected = [frame % 3000 // 30 * 2 * 255 / 219 for frame in range(span.first, span.last)]
    assert [float(picture.mean()) for picture in shown] == pytest.approx(expected, abs=1.1)


def test_an_eight_k_picture_is_accepted_and_becomes_a_clip(tmp_path: Path) -> None:
    source = tmp_path / "large.mp4"
    ffmpeg(*lavfi("color=0x305080:s=7680x4320:r=25:d=0.08"), "-preset", "ultrafast", "-threads", "2", source)
    media = facts(source)
    assert (media.width, media.height) == (7680, 4320)
    render(source, tmp_path / "clip.mp4", [FramedShot(start_s=0, end_s=0.08, layout="fit", why="", keyframes=[])], SMALL)
    [picture] = frames(tmp_path / "clip.mp4", SMALL, [1])
    assert picture.mean(axis=(0, 1)) == pytest.approx((0x30, 0x50, 0x80), abs=6)
