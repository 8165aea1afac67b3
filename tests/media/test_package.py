"""Posters and thumbnails."""

import asyncio
from pathlib import Path

import pytest
from PIL import Image, ImageFilter, ImageStat

from cutroom.errors import ToolFailed
from cutroom.media import ffmpeg as runner
from cutroom.media.package import CANDIDATES, UNSETTLED_S, best, candidate_times, plan_stills, various
from tests.media.material import NUMBERED, SOURCES, MakeSource, facts, lavfi


def stills(source: Path, folder: Path, most_width: int) -> list[Path]:
    media = facts(source)
    times = candidate_times(media.duration_s)
    outs = [folder / f"{number}.jpg" for number in range(len(times))]
    asyncio.run(runner.run(plan_stills(source, media, times, outs, most_width)))
    return outs


def test_candidates_avoid_the_first_half_second() -> None:
    times = candidate_times(30)
    assert len(times) == CANDIDATES
    assert times == sorted(times)
    assert UNSETTLED_S <= times[0] <= times[-1] < 30
    assert all(0 <= time < 0.2 for time in candidate_times(0.2))


@pytest.mark.parametrize("name", ["steady.mp4", "late-picture.mkv"])
def test_a_still_is_the_key_frame_before_its_moment(make_source: MakeSource, tmp_path: Path, name: str) -> None:
    args, expected = SOURCES[name]
    source = make_source(f"keys-{name}", *args, "-g", "5")
    late = expected.count(0) - 1
    frames = [min(int(time * 25), len(expected) - 1) for time in candidate_times(facts(source).duration_s)]
    for frame, path in zip(frames, stills(source, tmp_path, 640), strict=True):
        with Image.open(path) as picture:
            grey = ImageStat.Stat(picture.convert("L")).mean[0]
        key = (frame - late) // 5 * 5
        assert grey * 219 / 255 + 16 == pytest.approx(20 + 2 * key, abs=3)


def test_a_still_has_the_colours_of_the_video(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source(
        "red-hd.mp4", *lavfi("color=0xC04020:s=1280x720:r=25:d=1,scale=out_color_matrix=bt709"), "-qp", "1", "-pix_fmt", "yuv420p"
    )
    with Image.open(stills(source, tmp_path, 320)[0]) as picture:
        assert picture.getpixel((100, 100)) == pytest.approx((0xC0, 0x40, 0x20), abs=6)


def test_a_still_is_no_wider_than_asked(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source("broad.mp4", *lavfi("testsrc2=s=640x360:r=25:d=1"))
    with Image.open(stills(source, tmp_path, 320)[0]) as picture:
        assert (picture.size, picture.format) == ((320, 180), "JPEG")


def test_stills_of_one_key_frame_are_no_choice_and_exact_ones_are(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source("one-key.mp4", *lavfi(NUMBERED), "-g", "999", "-sc_threshold", "0", "-qp", "0", "-pix_fmt", "yuv420p")
    media, times = facts(source), candidate_times(4)
    assert not various(stills(source, tmp_path, 640))
    outs = [tmp_path / f"exact-{number}.jpg" for number in range(CANDIDATES)]
    asyncio.run(runner.run(plan_stills(source, media, times, outs, 640, exact=True)))
    assert various([*outs, tmp_path / "missing.jpg"])
    for time, path in zip(times, outs, strict=True):
        with Image.open(path) as picture:
            assert ImageStat.Stat(picture.convert("L")).mean[0] * 219 / 255 + 16 == pytest.approx(20 + 2 * 25 * time, abs=3)


def test_sharp_and_well_lit_wins(tmp_path: Path) -> None:
    sharp = Image.effect_noise((400, 300), 60)
    looks = {"sharp": sharp, "blurred": sharp.filter(ImageFilter.GaussianBlur(4)), "dark": sharp.point(lambda value: value // 12)}
    for name, picture in looks.items():
        picture.save(tmp_path / f"{name}.jpg")
    missing = tmp_path / "missing.jpg"
    assert best([tmp_path / "blurred.jpg", missing, tmp_path / "sharp.jpg", tmp_path / "dark.jpg"]).stem == "sharp"
    with pytest.raises(ToolFailed):
        best([missing])
