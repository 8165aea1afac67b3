"""A picture with two people, a slide and fine lines; clips of it in each layout; and the pictures that these clips must show.

python -m tests.media.golden.pictures     draws the stored pictures anew: look at them before you commit them
"""

import asyncio
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing, Layout
from cutroom.contracts.media import Aspect, MediaFacts
from cutroom.media import ffmpeg as runner
from cutroom.media.ffmpeg import locate
from cutroom.media.fonts import font_file
from cutroom.media.presets import CANVASES, H264, Canvas
from cutroom.media.render import clip_span, plan_clip, planned, verify
from tests.media.material import facts, ffmpeg

FOLDER = Path(__file__).parent
SIZE = (320, 180)
FPS = 25
SHOT_S = 0.2
FINE = replace(H264, video=H264.video | {"crf": 4})

Picture = NDArray[np.uint8]


def draw_source(path: Path) -> None:
    picture = Image.new("RGB", SIZE, (40, 60, 90))
    pen = ImageDraw.Draw(picture)
    for x, skin, shirt in ((70, (214, 160, 130), (150, 40, 40)), (250, (120, 80, 60), (40, 120, 60))):
        pen.ellipse((x - 40, 110, x + 40, 240), fill=shirt)
        pen.ellipse((x - 24, 50, x + 24, 115), fill=skin)
        pen.rectangle((x - 12, 72, x - 6, 76), fill=(20, 20, 20))
        pen.rectangle((x + 6, 72, x + 12, 76), fill=(20, 20, 20))
    pen.rectangle((120, 20, 200, 80), fill=(235, 235, 230))
    for line in range(5):
        pen.line((126, 30 + 10 * line, 126 + 12 * (line + 1), 30 + 10 * line), fill=(30, 30, 160))
    pen.rectangle((150, 120, 170, 140), fill=(128, 128, 128))
    picture.save(path)


def small(aspect: Aspect) -> Canvas:
    """A tenth of the real canvas, sides even."""
    real = CANVASES[aspect]
    return Canvas(*(round(side / 20) * 2 for side in (real.width, real.height)), 8, 8, 8, 8, real.text // 10, real.text_y // 10)


def crop_box(aspect: Aspect) -> tuple[int, int]:
    across, down = map(int, aspect.split(":"))
    return min(SIZE[0], round(SIZE[1] * across / down / 2) * 2), SIZE[1]


def box(t_s: float, x: int, y: int, w: int, h: int) -> CropKeyframe:
    return CropKeyframe(t_s=t_s, x=x, y=y, w=w, h=h)


def shots(aspect: Aspect) -> list[FramedShot]:
    """Every layout for SHOT_S, the box around the left person first, and gliding at the end."""
    w, h = crop_box(aspect)
    slide, left, right = (112, 10, 96, 80), (26, 40, 88, 78), (206, 40, 88, 78)
    layouts: list[tuple[Layout, Sequence[tuple[int, int, int, int]]]] = [
        ("crop", [(min(20, SIZE[0] - w), 0, w, h)]),
        ("two_up", [left, right]),
        ("inset", [slide, left]),
        ("screen", [slide]),
        ("fit", [(0, 0, *SIZE)]),
        ("crop", [(0, 0, w, h), ((SIZE[0] - w) // 2 * 2, 0, w, h)]),
    ]
    found = []
    for number, (layout, boxes) in enumerate(layouts):
        at = number * SHOT_S
        gliding = number == len(layouts) - 1
        keys = [box(at, *boxes[0]), *([box(at + SHOT_S, *boxes[1])] if gliding else [])]
        second = [box(at, *boxes[1])] if layout in ("two_up", "inset") else []
        found.append(
            FramedShot(start_s=at, end_s=at + SHOT_S, layout=layout, why="", keyframes=keys, second=second, moving=gliding)
        )
    return found


def render(source: Path, out: Path, framed: Sequence[FramedShot], canvas: Canvas, aspect: Aspect = "9:16") -> MediaFacts:
    """A clip without captions, of fine quality; the facts of its source."""
    media = facts(source)
    span = clip_span(media, framed[0].start_s, framed[-1].end_s, FINE)
    framing = Framing(source_width=media.width, source_height=media.height, aspect=aspect, shots=list(framed))
    fonts = font_file("DejaVuSans-Bold.ttf").parent
    plan = plan_clip(source, media, framing, span, captions=None, fonts=fonts, loudness=None, canvas=canvas, encoding=FINE, out=out)
    ran = asyncio.run(runner.run(plan))
    verify(planned(span, canvas) if canvas.width < 64 else facts(out), ran.frames, span, canvas)
    return media


def frames(video: Path, canvas: Canvas, numbers: Sequence[int]) -> list[Picture]:
    """RGB, height x width x 3, as a player of BT.709 shows them."""
    command = [str(locate()), "-v", "error", "-i", str(video), "-vf", "scale=in_color_matrix=bt709", "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, canvas.height, canvas.width, 3)
    return [pictures[number] for number in numbers]


def sheet(source: Path, folder: Path, aspect: Aspect, canvas: Canvas) -> Picture:
    """One frame of each layout, side by side."""
    framed, out = shots(aspect), folder / "clip.mp4"
    render(source, out, framed, canvas, aspect)
    each = round(SHOT_S * FPS)
    return np.concatenate(frames(out, canvas, [number * each + each // 2 for number in range(len(framed))]), axis=1)


def stored(aspect: Aspect) -> Path:
    return FOLDER / f"{aspect.replace(':', 'x')}.png"


def make_source(folder: Path) -> Path:
    draw_source(folder / "picture.png")
    source = folder / "plain.mkv"
    lossless = ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-colorspace", "bt709", "-qp", "0"]
    ffmpeg("-loop", "1", "-framerate", str(FPS), "-t", "2", "-i", folder / "picture.png", *lossless, source)
    return source


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for wanted in CANVASES:
            Image.fromarray(sheet(make_source(Path(name)), Path(name), wanted, small(wanted))).save(stored(wanted), optimize=True)
