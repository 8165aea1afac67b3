"""Every layout in every aspect looks as it did when somebody last looked at it, and the same in every resolution."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutroom.contracts.documents import FramedShot
from cutroom.contracts.media import Aspect
from cutroom.media.presets import CANVASES, Canvas, canvas_of
from tests.media.golden.pictures import FPS, box, frames, render, sheet, small, stored
from tests.media.material import ffmpeg, lavfi


@pytest.mark.parametrize("aspect", CANVASES)
def test_a_clip_in_each_layout_looks_as_stored(plain: Path, tmp_path: Path, aspect: Aspect) -> None:
    with Image.open(stored(aspect)) as picture:
        expected = np.asarray(picture.convert("RGB"), dtype=int)
    apart = np.abs(sheet(plain, tmp_path, aspect, small(aspect)).astype(int) - expected)
    assert apart.mean() < 2
    assert np.quantile(apart, 0.99) < 16


@pytest.mark.parametrize("aspect", CANVASES)
def test_a_clip_in_720p_looks_in_each_layout_like_one_in_1080p(plain: Path, tmp_path: Path, aspect: Aspect) -> None:
    large, less = (sheet(plain, tmp_path, aspect, canvas_of(aspect, resolution)) for resolution in ("1080p", "720p"))
    assert less.shape[0] * 3 == large.shape[0] * 2
    shrunk = Image.fromarray(large).resize((less.shape[1], less.shape[0]), Image.Resampling.BOX)
    apart = np.abs(np.asarray(shrunk, dtype=int) - less)
    assert apart.mean() < 2
    assert np.quantile(apart, 0.99) < 16


def test_a_slow_glide_neither_steps_back_nor_jumps(tmp_path: Path) -> None:
    """A white edge in a crop that goes 0.3 source pixels a frame is met by 0.6 pixels of the clip, within one."""
    source = tmp_path / "edge.mkv"
    ffmpeg(*lavfi(f"color=black:s=320x180:r={FPS}:d=2,drawbox=x=160:w=160:h=180:color=white:t=fill"), "-qp", "0", source)
    keys = [box(t / FPS, x, 0, 100, 178) for t, x in ((0, 80), (20, 86), (40, 92))]
    canvas = Canvas(200, 356, 8, 8, 8, 8, 9, 100)
    out = tmp_path / "clip.mp4"
    render(source, out, [FramedShot(start_s=0, end_s=1.6, layout="crop", why="", keyframes=keys, moving=True)], canvas)
    places = [200 - picture[178, :, 1].astype(float).sum() / 255 for picture in frames(out, canvas, range(40))]
    expected = [160 - 0.6 * number for number in range(40)]
    assert np.abs(np.subtract(places, expected)).max() <= 0.75
    assert np.diff(places).max() <= 0.1
    assert np.diff(places).min() >= -1.1
