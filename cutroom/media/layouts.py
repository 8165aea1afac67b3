"""What a clip's picture shows: each section of the framing drawn on the canvas, and where the captions stand. Pure."""

from typing import Any

import ffmpeg

from cutroom.contracts.documents import Framing, Layout
from cutroom.contracts.media import Colour
from cutroom.media.colour import to_bt709
from cutroom.media.crops import box, glide
from cutroom.media.presets import MOST_SLIDE, Canvas
from cutroom.media.sections import Path, Section

CLEAR_TEXT = 1.3  # lines of captions between their middle and a picture above them

_GROUND = "0x16181C"
_BLUR_SHRINK = 4
_BLUR_PARTS = 90  # of which one of the canvas's shorter side is the blur's sigma in the shrunken copy

Size = tuple[int, int]


def text_heights(framing: Framing, canvas: Canvas) -> list[tuple[float, int]]:
    """From which moment on (source seconds) the middle of the captions' lines stands how high."""
    return [(shot.start_s, _text_height(shot.layout, canvas)) for shot in framing.shots]


def _text_height(layout: Layout, canvas: Canvas) -> int:
    """Over the seam of two panels, low where a slide is on top, else the canvas's own."""
    if layout == "two_up" and not _wide(canvas):
        return canvas.height // 2
    return canvas.height - canvas.bottom - canvas.text if layout == "inset" else canvas.text_y


def draw(video: Any, section: Section, size: Size, colour: Colour, canvas: Canvas) -> Any:
    """The section's frames, from its first on, canvas-sized; `video`: pictures of `size` with square pixels."""
    full = (canvas.width, canvas.height)
    if section.layout == "fit":
        return _over_itself(video, size, colour, canvas)
    path = section.paths[0]
    if section.layout == "screen":
        height = _contained((path.w, path.h), full)[1]
        return _on_ground(box(video, path, section.first), path, colour, full, _lifted(height, canvas))
    if section.layout == "crop" and section.moving:
        return glide(video, path, section.first, colour, *full)
    if section.layout == "crop":
        return to_bt709(box(video, path, section.first), colour, *full)
    branches = video.split()
    one, other = (box(branches[number], path, section.first) for number, path in enumerate(section.paths))
    if section.layout == "two_up" and _wide(canvas):
        half = (canvas.width // 2, canvas.height)
        return _stacked("hstack", _covering(one, colour, half), _covering(other, colour, half))
    if section.layout == "two_up":
        upper = _even(canvas.height / 2)
        top = _covering(one, colour, (canvas.width, upper))
    else:
        upper = _even(min(canvas.width * path.h / path.w, canvas.height * MOST_SLIDE))
        top = _on_ground(one, path, colour, (canvas.width, upper), 0)
    return _stacked("vstack", top, _covering(other, colour, (canvas.width, canvas.height - upper)))


def _wide(canvas: Canvas) -> bool:
    return canvas.width > canvas.height


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)


def _contained(size: Size, area: Size) -> Size:
    """The largest even size of the same shape inside the area."""
    scale = min(area[0] / size[0], area[1] / size[1])
    return _even(size[0] * scale), _even(size[1] * scale)


def _stacked(how: str, one: Any, other: Any) -> Any:
    return ffmpeg.filter([one, other], how).filter("setsar", 1)


def _covering(video: Any, colour: Colour, area: Size) -> Any:
    return to_bt709(video, colour, *area, force_original_aspect_ratio="increase").filter("crop", *area)


def _on_ground(video: Any, path: Path, colour: Colour, area: Size, top: int) -> Any:
    """The whole box, as large as it fits, over a plain ground."""
    width, height = _contained((path.w, path.h), area)
    return to_bt709(video, colour, width, height).filter("pad", *area, (area[0] - width) // 2, top, color=_GROUND)


def _over_itself(video: Any, size: Size, colour: Colour, canvas: Canvas) -> Any:
    """The whole picture over a blurred, enlarged copy."""
    branches = video.split()
    small = canvas.width // _BLUR_SHRINK, canvas.height // _BLUR_SHRINK
    fill = branches[0].filter("scale", *small, force_original_aspect_ratio="increase", flags="fast_bilinear")
    fill = to_bt709(
        fill.filter("crop", *small).filter("gblur", sigma=canvas.side / _BLUR_PARTS), colour, canvas.width, canvas.height
    )
    width, height = _contained(size, (canvas.width, canvas.height))
    picture = to_bt709(branches[1], colour, width, height)
    return fill.overlay(picture, x=(canvas.width - width) // 2, y=_lifted(height, canvas), format="yuv420")


def _lifted(height: int, canvas: Canvas) -> int:
    """Where a picture of this height begins: in the middle, or higher to be clear of the captions, on an even line."""
    top = min((canvas.height - height) // 2, canvas.text_y - round(CLEAR_TEXT * canvas.text) - height)
    return max(0, top) // 2 * 2
