"""Preparing a source: every reader sees the same picture at the same player time, whatever the source's clock does."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cutroom.contracts.media import MediaFacts
from cutroom.media import ffmpeg as runner
from cutroom.media.prepare import FRAME_HEIGHT, FRAME_WIDTH, frame_rate, plan_prepare, plan_raw_frames, plan_sound, proxy_size
from tests.media.material import LATE_SOUND, SOURCES, VP8, MakeSource, facts, ffmpeg, lavfi


@dataclass(frozen=True)
class Prepared:
    media: MediaFacts
    frames: Path
    proxy: Path
    sound: Path
    frame_count: int


def prepare(source: Path, folder: Path) -> Prepared:
    media = facts(source)
    frames, proxy, sound = folder / "frames.mkv", folder / "proxy.mp4", folder / "sound.flac"
    plan = plan_prepare(source, media, frames=frames, proxy=proxy, sound=sound if media.has_audio else None)
    return Prepared(media, frames, proxy, sound, asyncio.run(runner.run(plan)).frames)


def raw_frames(prepared: Prepared, first: int, last: int) -> NDArray[np.uint8]:
    async def read() -> bytes:
        plan = plan_raw_frames(prepared.frames, frame_rate(prepared.media), first, last)
        return b"".join([piece async for piece in runner.pieces(plan, FRAME_HEIGHT * FRAME_WIDTH * 3)])

    return np.frombuffer(asyncio.run(read()), np.uint8).reshape(-1, FRAME_HEIGHT, FRAME_WIDTH, 3)


def numbers(frames: NDArray[np.uint8]) -> list[int]:
    """The numbers that the frames of NUMBERED carry; RGB is full range, luma is not."""
    luma = frames.reshape(len(frames), -1).mean(axis=1) * 219 / 255 + 16
    return [round(value) for value in (luma - 18.6) / 2]  # the way to RGB rounds down


@pytest.mark.parametrize("name", SOURCES)
def test_frame_n_is_what_a_player_shows_at_its_time(make_source: MakeSource, tmp_path: Path, name: str) -> None:
    args, expected = SOURCES[name]
    prepared = prepare(make_source(name, *args), tmp_path)
    assert prepared.frame_count == len(expected)
    assert numbers(raw_frames(prepared, 0, prepared.frame_count)) == expected
    assert numbers(raw_frames(prepared, 33, 61)) == expected[33:61]


def test_small_frames_are_averages_of_the_picture(talk: Path, tmp_path: Path) -> None:
    prepared = prepare(talk, tmp_path)
    plain = tmp_path / "plain.rgb"
    ffmpeg("-skip_loop_filter", "all", "-i", talk, "-vf", "scale=48:27:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", plain)
    averages = np.fromfile(plain, np.uint8).reshape(-1, FRAME_HEIGHT, FRAME_WIDTH, 3).astype(int)
    assert np.abs(raw_frames(prepared, 0, 50) - averages).max() <= 2


def test_a_source_of_120_frames_a_second_gives_every_second_one(make_source: MakeSource, tmp_path: Path) -> None:
    graph = "color=gray:s=96x54:r=120:d=0.4,geq=lum='20+2*N':cb=128:cr=128"
    prepared = prepare(make_source("fast.mp4", *lavfi(graph)), tmp_path)
    assert frame_rate(prepared.media) == 60
    assert prepared.frame_count == 24
    assert numbers(raw_frames(prepared, 0, 24)) == list(range(0, 48, 2))


def test_sound_and_picture_share_their_zero(make_source: MakeSource, tmp_path: Path) -> None:
    """A tone from 1 s to 2 s of a sound that begins 0.5 s late is heard from 1.5 s on."""
    prepared = prepare(make_source("late-sound.mkv", *LATE_SOUND, "-c:a", "flac"), tmp_path)
    raw = tmp_path / "sound.s16"
    ffmpeg("-i", prepared.sound, "-f", "s16le", raw)
    samples = np.abs(np.fromfile(raw, np.int16).astype(int))
    heard = np.flatnonzero(samples > 1000) / 16000
    assert heard[0] == pytest.approx(1.5, abs=0.01)
    assert heard[-1] == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize("args", [SOURCES["steady.mkv"][0], [*LATE_SOUND, "-c:a", "flac"]])
def test_the_sound_alone_is_the_sound_beside_the_pictures(make_source: MakeSource, tmp_path: Path, args: list[str]) -> None:
    source, alone = make_source("source.mkv", *args), tmp_path / "alone.flac"
    asyncio.run(runner.run(plan_sound(source, facts(source), alone)))
    assert alone.read_bytes() == prepare(source, tmp_path).sound.read_bytes()


def test_the_proxy_shows_the_frame_of_its_moment(make_source: MakeSource, tmp_path: Path) -> None:
    args, expected = SOURCES["steady.mp4"]
    prepared = prepare(make_source("steady.mp4", *args), tmp_path)
    raw = tmp_path / "proxy.gray"
    ffmpeg("-i", prepared.proxy, "-f", "rawvideo", "-pix_fmt", "yuv420p", raw)
    luma = np.fromfile(raw, np.uint8).reshape(-1, 54 * 96 * 3 // 2)[:, : 54 * 96].mean(axis=1)
    assert (luma - 20) / 2 == pytest.approx(expected[::5], abs=0.7)


@pytest.mark.parametrize(
    ("name", "args", "proxy", "sound"),
    [
        ("odd.mp4", [*lavfi("testsrc=s=101x57:r=25:d=1"), "-pix_fmt", "yuv444p"], (100, 56), False),
        ("surround.mp4", [*lavfi("testsrc2=s=320x180:d=1", "anoisesrc=d=1:a=0.1"), "-af", "pan=5.1|c0=c0|c2=c0"], (320, 180), True),
        ("small.webm", [*lavfi("testsrc2=s=64x36:d=1", "sine=d=1"), *VP8, "-c:a", "libopus"], (64, 36), True),
    ],
)
def test_sources_of_odd_shapes_are_prepared(
    make_source: MakeSource, tmp_path: Path, name: str, args: list[str], proxy: tuple[int, int], sound: bool
) -> None:
    prepared = prepare(make_source(name, *args), tmp_path)
    assert prepared.frame_count == 25
    assert prepared.sound.exists() == sound
    made = facts(prepared.proxy)
    assert (made.width, made.height, made.fps, made.has_audio) == (*proxy, 5.0, False)


@pytest.mark.parametrize(
    ("size", "proxy"),
    [
        ((8, 8192), (2, 1138)),
        ((8192, 8), (640, 2)),
        ((1080, 1920), (640, 1138)),
        ((1080, 2400), (512, 1138)),
        ((96, 54), (96, 54)),
    ],
)
def test_neither_side_of_a_proxy_is_longer_than_faces_need(size: tuple[int, int], proxy: tuple[int, int]) -> None:
    media = MediaFacts(container="mp4", duration_s=9, width=size[0], height=size[1], fps=25, video_codec="h264", has_audio=False)
    assert proxy_size(media) == proxy


def test_a_rotated_source_is_prepared_upright(make_source: MakeSource, tmp_path: Path) -> None:
    flat = make_source("flat.mp4", *lavfi("testsrc2=s=320x180:r=25:d=1"))
    prepared = prepare(make_source("upright.mp4", "-display_rotation", "90", "-i", str(flat), "-c", "copy"), tmp_path)
    made = facts(prepared.proxy)
    assert (made.width, made.height) == (180, 320)


def test_a_picture_that_changes_its_size_keeps_its_time(make_source: MakeSource, tmp_path: Path) -> None:
    """As browsers record calls."""
    parts = [
        make_source(f"{name}.mkv", *lavfi(f"color={name}:s={size}:r=25:d=1"))
        for name, size in (("red", "64x36"), ("blue", "96x54"))
    ]
    names = tmp_path / "parts.txt"
    names.write_text("".join(f"file '{part}'\n" for part in parts))
    prepared = prepare(make_source("resized.mkv", "-f", "concat", "-safe", "0", "-i", str(names), "-c", "copy"), tmp_path)
    assert prepared.frame_count == 50
    red, _, blue = raw_frames(prepared, 0, 50).reshape(50, -1, 3).mean(axis=1).T
    assert [int(value > 128) for value in red] == [1] * 25 + [0] * 25
    assert [int(value > 128) for value in blue] == [0] * 25 + [1] * 25


def test_one_decode_feeds_all_three(tmp_path: Path) -> None:
    media = MediaFacts(
        container="mov", duration_s=60, width=1920, height=1080, fps=30000 / 1001, video_codec="h264", has_audio=True
    )
    plan = plan_prepare(tmp_path / "in.mov", media, frames=tmp_path / "f.mkv", proxy=tmp_path / "p.mp4", sound=tmp_path / "s.flac")
    args = list(plan.args)
    assert args.count("-i") == 1
    graph = args[args.index("-filter_complex") + 1]
    assert "fps=fps=30000/1001:start_time=0" in graph
    assert "scale=48:27:flags=area" in graph
    assert "first_pts=0" in graph
    assert plan.duration_s == 60
    assert proxy_size(media) == (640, 360)
