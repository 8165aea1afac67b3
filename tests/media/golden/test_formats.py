"""Whatever its pixels are stored as, a source's clip shows the same picture, in the one format that every player takes."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cutroom.contracts.documents import FramedShot
from cutroom.contracts.media import Aspect
from cutroom.media.presets import CANVASES
from tests.media.golden.pictures import FPS, SIZE, Picture, box, frames, render, small
from tests.media.material import facts, ffmpeg, lavfi

CANVAS = small("9:16")
FROM_709 = "scale=in_color_matrix=bt709:in_range=tv"
TO_601 = f"{FROM_709}:out_color_matrix=bt601:flags=bicubic+accurate_rnd+full_chroma_int"
X264 = ["-c:v", "libx264", "-qp", "0"]
FORMATS: dict[str, list[str]] = {
    "bt601.mkv": ["-vf", f"{TO_601},format=yuv420p", *X264, "-colorspace", "smpte170m"],
    "full-range.mkv": ["-vf", f"{FROM_709}:out_range=pc,format=yuvj420p", *X264, "-colorspace", "bt709"],
    "jpeg.mov": ["-vf", f"{TO_601}:out_range=pc,format=yuvj422p", "-c:v", "mjpeg", "-q:v", "2"],
    "ten-bit.mkv": ["-vf", "format=yuv420p10le", *X264],
    "4-2-2.mkv": ["-vf", "format=yuv422p", *X264],
    "4-4-4.mkv": ["-vf", "format=yuv444p", *X264],
    "prores.mov": ["-vf", "format=yuv422p10le", "-c:v", "prores_ks"],
    "wide-pixels.mkv": ["-vf", "scale=240:180,setsar=4/3", *X264],
    "odd.mkv": ["-vf", "pad=321:181,format=yuv444p", *X264],
    "turned.mov": ["-vf", "transpose=2", *X264, "-pix_fmt", "yuv420p"],
    "uneven.mkv": ["-vf", "select='not(eq(mod(n,5),3))'", "-fps_mode", "passthrough", *X264],
    "fast.mp4": ["-vf", "fps=240", "-t", "0.6", "-preset", "ultrafast", "-qp", "4"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "10", "-b:v", "0"],
    "interlaced.mkv": ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-vf", "setfield=tff", "-q:v", "1"],
}


def shown(source: Path, out: Path) -> Picture:
    w, h = SIZE[1] * 9 // 16 // 2 * 2, SIZE[1]
    shot = FramedShot(start_s=0.1, end_s=0.5, layout="crop", why="", keyframes=[box(0.1, 20, 0, w, h)])
    render(source, out, [shot], CANVAS)
    return frames(out, CANVAS, [4])[0]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_the_same_picture(plain: Path, tmp_path: Path, name: str) -> None:
    stored = tmp_path / name
    ffmpeg("-i", plain, *FORMATS[name], stored)
    if name == "turned.mov":
        flat, stored = stored, tmp_path / "upright.mov"
        ffmpeg("-display_rotation", "270", "-i", flat, "-c", "copy", stored)
    apart = np.abs(shown(stored, tmp_path / "clip.mp4").astype(int) - shown(plain, tmp_path / "plain.mp4"))
    assert apart.mean() < 3
    assert np.median(apart) <= 2


@pytest.mark.parametrize("aspect", CANVASES)
def test_a_clip_is_of_the_one_format_every_player_takes(plain: Path, tmp_path: Path, aspect: Aspect) -> None:
    out, real = tmp_path / "clip.mp4", CANVASES[aspect]
    render(plain, out, [FramedShot(start_s=0, end_s=0.4, layout="fit", why="", keyframes=[])], real, aspect)
    said = ffmpeg("-i", out, "-f", "null", "-")
    wanted = rf"Video: h264 \(High\).* yuv420p\(tv, bt709, progressive\), {real.width}x{real.height} \[SAR 1:1 .* {FPS} fps"
    assert re.search(wanted, said)
    assert facts(out).duration_s == pytest.approx(0.4, abs=0.03)


def combs(source: Path, fields: str, size: str = "320x180") -> None:
    """A bar that moves four pixels a field leaves a comb in each stored frame."""
    bar = f"color=black:s={size}:r=50:d=1,format=yuv420p,geq=lum='if(between(X,40+4*N,80+4*N),220,20)':cb=128:cr=128"
    moved = [*lavfi(f"{bar},interlace=lowpass=0,{fields}"), "-fps_mode", "passthrough", "-flags", "+ildct"]
    ffmpeg(*moved, "-c:v", "libx264", "-x264-params", "tff=1", "-qp", "0", source)


def assert_even(seen: Picture) -> None:
    """Every line of a picture, or every column turned to one, shows the bar at the same place."""
    lines = seen.astype(float)
    assert lines.max() > 180
    assert np.abs(lines - lines.mean(axis=0)).max() < 60


@pytest.mark.parametrize("times", ["steady", "variable"])
def test_an_interlaced_source_is_known_and_combed_no_more(tmp_path: Path, times: str) -> None:
    source = tmp_path / "fields.mkv"
    combs(source, "select='lt(mod(n,6),4)'" if times == "variable" else "null")
    media = facts(source)
    assert (media.interlaced, media.variable_rate) == (True, times == "variable")
    shot = FramedShot(start_s=0, end_s=0.8, layout="crop", why="", keyframes=[box(0, 60, 0, 100, 178)])
    render(source, tmp_path / "clip.mp4", [shot], CANVAS)
    for picture in frames(tmp_path / "clip.mp4", CANVAS, [8, 10]):
        assert_even(picture[20:170, :, 1])


@pytest.mark.parametrize(("turn", "size", "x"), [(90, "180x320", 60), (180, "320x180", 160), (270, "180x320", 60)])
def test_an_interlaced_source_that_is_shown_turned_is_combed_no_more(tmp_path: Path, turn: int, size: str, x: int) -> None:
    """Its fields are columns, or rows the other way round, by the time that it is upright."""
    stored, source = tmp_path / "stored.mov", tmp_path / "turned.mov"
    combs(stored, "null", size)
    ffmpeg("-display_rotation", str(turn), "-i", stored, "-c", "copy", source)
    media = facts(source)
    assert (media.interlaced, media.rotation, media.width) == (True, 360 - turn, 320)
    shot = FramedShot(start_s=0, end_s=0.8, layout="crop", why="", keyframes=[box(0, x, 0, 100, 178)])
    render(source, tmp_path / "clip.mp4", [shot], CANVAS)
    for picture in frames(tmp_path / "clip.mp4", CANVAS, [8, 10]):
        assert_even(picture[20:170, :, 1] if turn == 180 else picture[:, 5:100, 1].T)


def pq(nits: float) -> float:
    """The signal that stands for this luminance (SMPTE ST 2084)."""
    power = (nits / 10000) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def hlg(light: float) -> float:
    """The signal that stands for this part of the peak's scene light (ARIB STD-B67)."""
    return float(np.sqrt(3 * light) if light <= 1 / 12 else 0.17883277 * np.log(12 * light - 0.28466892) + 0.55991073)


def flat_hdr(source: Path, signal: float, transfer: str) -> None:
    luma = round((16 + 219 * signal) * 4)
    picture = f"color=gray:s=320x180:r=25:d=0.6,format=yuv420p10le,geq=lum={luma}:cb=512:cr=512"
    told = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv"
    ffmpeg(*lavfi(f"{picture},{told}"), "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "lossless=1:log-level=0", source)


def grey(tmp_path: Path, signal: float, transfer: str) -> NDArray[np.float64]:
    """What a flat HDR picture of this signal looks like in a clip: mean red, green, blue."""
    source = tmp_path / "hdr.mkv"
    flat_hdr(source, signal, transfer)
    assert facts(source).colour == ("pq" if transfer == "smpte2084" else "hlg")
    return np.asarray(shown(source, tmp_path / "clip.mp4").mean(axis=(0, 1)))


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_tone_mapped_to_what_a_grey_card_and_white_paper_look_like(tmp_path: Path, transfer: str) -> None:
    """Grey card 26 cd/m2 and white paper 203 cd/m2 (ITU-R BT.2408): dark light is kept, paper is light, not burnt out."""
    signals = {"card": pq(26), "paper": pq(203)} if transfer == "smpte2084" else {"card": 0.38, "paper": 0.75}
    card, paper = grey(tmp_path, signals["card"], transfer), grey(tmp_path, signals["paper"], transfer)
    assert card == pytest.approx(255 * (26 / 203) ** (1 / 2.4), abs=6)
    assert np.ptp(card) < 3
    assert 200 < paper.min() <= paper.max() < 235


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_drawn_in_sizes_that_chroma_cannot_halve(tmp_path: Path, transfer: str) -> None:
    """A strip that is glided over, and pictures that cover their panel, may be an odd number of pixels wide or high."""
    source, out = tmp_path / "hdr.mkv", tmp_path / "clip.mp4"
    flat_hdr(source, 0.4, transfer)
    left, right = (box(0.2, x, 40, 88, 70) for x in (26, 206))
    walk = [box(0, 100, 0, 98, 178), box(0.2, 106, 0, 98, 178)]
    framed = [
        FramedShot(start_s=0, end_s=0.2, layout="crop", why="", keyframes=walk, moving=True),
        FramedShot(start_s=0.2, end_s=0.4, layout="two_up", why="", keyframes=[left], second=[right]),
        FramedShot(start_s=0.4, end_s=0.6, layout="inset", why="", keyframes=[box(0.4, 112, 10, 96, 80)], second=[left]),
    ]
    render(source, out, framed, CANVAS)
    middles = [picture[20:40, 40:70] for picture in frames(out, CANVAS, [2, 7, 12])]
    assert max(np.ptp(picture) for picture in middles) < 6
    assert np.ptp([picture.mean() for picture in middles]) < 3
