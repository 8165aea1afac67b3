"""Facts of real files of many shapes, and the reason why others are refused."""

import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from cutroom.errors import BadInput
from cutroom.media.probe import Policy, frame_rate
from tests.media.material import POLICY, VP8, MakeSource, facts, ffmpeg, lavfi

PICTURE = lavfi("testsrc2=s=320x180:r=25:d=1")
BOTH = lavfi("testsrc2=s=320x180:r=25:d=1", "sine=d=1")


def refusal(path: Path, policy: Policy = POLICY) -> str:
    with pytest.raises(BadInput) as refused:
        facts(path, policy)
    return refused.value.code


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("plain.mp4", BOTH, {"container": "mp4", "width": 320, "height": 180, "fps": 25.0, "audio_codec": "aac"}),
        ("plain.mov", BOTH, {"container": "mov", "video_codec": "h264"}),
        ("plain.mkv", BOTH, {"container": "mkv", "duration_s": pytest.approx(1.0, abs=0.05)}),
        (
            "plain.webm",
            [*BOTH, *VP8, "-c:a", "libopus"],
            {"container": "webm", "video_codec": "vp8", "audio_codec": "opus"},
        ),
        ("silent.mp4", PICTURE, {"has_audio": False, "audio_codec": ""}),
        ("odd.mp4", [*lavfi("testsrc=s=101x57:r=25:d=1"), "-pix_fmt", "yuv444p"], {"width": 101, "height": 57}),
        ("wide-pixels.mp4", [*PICTURE, "-vf", "setsar=4/3"], {"width": 427, "height": 180}),
        ("ntsc.mp4", lavfi("testsrc2=s=320x180:r=30000/1001:d=1"), {"fps": 30000 / 1001, "variable_rate": False}),
        ("ntsc.mkv", lavfi("testsrc2=s=320x180:r=30000/1001:d=2"), {"fps": 30000 / 1001, "variable_rate": False}),
        ("film.mkv", lavfi("testsrc2=s=320x180:r=24:d=2"), {"fps": 24.0, "variable_rate": False}),
        (
            "surround.mp4",
            [*lavfi("testsrc2=s=320x180:d=1", "anoisesrc=d=1:a=0.1"), "-af", "pan=5.1|c0=c0|c2=c0"],
            {"has_audio": True},
        ),
        ("dropped.mp4", [*PICTURE, "-vf", "select='mod(n,7)'", "-fps_mode", "passthrough"], {"variable_rate": True, "fps": 25.0}),
        ("hdr.mp4", [*PICTURE, "-vf", "setparams=color_trc=arib-std-b67:colorspace=bt2020nc"], {"colour": "hlg"}),
    ],
)
def test_a_video_is_described_as_a_player_shows_it(
    make_source: MakeSource, name: str, args: list[str], expected: dict[str, Any]
) -> None:
    found = facts(make_source(name, *args)).model_dump()
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(("turn", "clockwise", "size"), [(90, 270, (180, 320)), (270, 90, (180, 320)), (180, 180, (320, 180))])
def test_rotation_is_applied_to_the_size(make_source: MakeSource, turn: int, clockwise: int, size: tuple[int, int]) -> None:
    flat = make_source("plain.mp4", *BOTH)
    found = facts(make_source(f"turned-{turn}.mp4", "-display_rotation", str(turn), "-i", str(flat), "-c", "copy"))
    assert (found.rotation, (found.width, found.height)) == (clockwise, size)


def test_a_live_recording_without_a_written_length_is_measured(make_source: MakeSource, tmp_path: Path) -> None:
    live = make_source("live.webm", *lavfi("testsrc2=s=320x180:r=25:d=2"), *VP8, "-live", "1")
    assert facts(live).duration_s == pytest.approx(2.0, abs=0.05)


def test_cover_art_is_no_picture(make_source: MakeSource, tmp_path: Path) -> None:
    cover, song = tmp_path / "cover.jpg", tmp_path / "song.mp4"
    ffmpeg(*lavfi("testsrc2=s=64x64:d=1"), "-frames:v", "1", cover)
    ffmpeg(*lavfi("sine=d=1"), "-i", cover, "-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v:0", "attached_pic", song)
    assert refusal(song) == "no_video_stream"


def test_embedded_subtitles_are_noticed(make_source: MakeSource, tmp_path: Path) -> None:
    text = tmp_path / "a.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    assert facts(make_source("subtitled.mkv", *PICTURE, "-i", str(text))).embedded_subtitles


@pytest.mark.parametrize(
    ("name", "args", "policy", "code"),
    [
        ("sound.mp4", lavfi("sine=d=1"), POLICY, "no_video_stream"),
        ("old.mkv", [*PICTURE, "-c:v", "msmpeg4"], POLICY, "codec_unsupported"),
        ("old-sound.mkv", [*BOTH, "-c:a", "adpcm_ms"], POLICY, "codec_unsupported"),
        ("plain.mp4", BOTH, replace(POLICY, source_s=0.5), "source_too_long"),
        ("plain.mp4", BOTH, replace(POLICY, side_px=319), "source_too_large_picture"),
        ("plain.mp4", BOTH, replace(POLICY, fps=24), "frame_rate_too_high"),
        ("plain.mp4", BOTH, replace(POLICY, streams=1), "too_many_streams"),
    ],
)
def test_what_is_over_the_limits_is_refused_by_name(
    make_source: MakeSource, name: str, args: list[str], policy: Policy, code: str
) -> None:
    assert refusal(make_source(name, *args), policy) == code


@pytest.mark.parametrize("name", ["plain.mp4", "faststart.mp4", "fragmented.mp4", "plain.mkv", "plain.webm"])
def test_a_file_cut_off_before_its_end_is_refused(make_source: MakeSource, tmp_path: Path, name: str) -> None:
    more = {
        "faststart.mp4": ["-movflags", "+faststart"],
        "fragmented.mp4": ["-movflags", "+frag_keyframe+empty_moov"],
        "plain.webm": [*VP8, "-c:a", "libopus"],
    }
    whole = make_source(name, *BOTH, *more.get(name, [])).read_bytes()
    part = tmp_path / name
    part.write_bytes(whole[: len(whole) * 6 // 10])
    assert refusal(part) == "truncated_media"


def test_a_file_whose_last_part_never_arrived_is_refused(make_source: MakeSource, tmp_path: Path) -> None:
    """Some uploaders reserve the full length first: the index is whole, the pictures are zeros."""
    whole = make_source("long.mp4", *lavfi("testsrc2=s=320x180:r=25:d=4"), "-g", "25", "-movflags", "+faststart").read_bytes()
    hollow = tmp_path / "hollow.mp4"
    hollow.write_bytes(whole[: len(whole) // 2].ljust(len(whole), b"\0"))
    assert refusal(hollow) == "truncated_media"


@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_never_harm_the_worker(make_source: MakeSource, tmp_path: Path, seed: int) -> None:
    """Whatever comes of it, it is an answer or a refusal, in time."""
    whole = bytearray(make_source("plain.mp4", *BOTH).read_bytes())
    for at in range(40 + seed, len(whole), 97 + seed):
        whole[at] = (whole[at] * 31 + seed) % 256
    path = tmp_path / "damaged.mp4"
    path.write_bytes(bytes(whole))
    begun = time.monotonic()
    with pytest.raises(BadInput):
        facts(path)
    assert time.monotonic() - begun < 20


def test_millisecond_times_still_tell_a_constant_rate() -> None:
    times = [round(n * 1001 / 30) / 1000 for n in range(300)]
    assert frame_rate([times], 0) == (Fraction(30000, 1001), False)


def test_a_variable_rate_is_named_by_its_usual_step() -> None:
    times = [n / 30 for n in range(100)] + [3.4 + n / 10 for n in range(20)]
    assert frame_rate([times], 0) == (Fraction(30), True)
