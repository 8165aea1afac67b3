"""Boxes to be shown beside one another: what is written, a speaker below it, two people. Pure."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from cutroom.contracts.documents import CropKeyframe
from cutroom.contracts.media import Aspect
from cutroom.media.camera import EYES, placed
from cutroom.media.presets import MOST_SLIDE
from cutroom.vision.faces import Face
from cutroom.vision.looks import Look

Size = tuple[int, int]

_STILL = 3.0  # mean difference from look to look, in grey levels, that a screen stays below
_AROUND = 0.02  # of the picture's width, left free around what is written
_LEAST_SHOWN = 0.4  # of the picture, however little is written
_PANEL = 2.8  # face heights to a panel
_LEAST_PANEL = 1.7
_LEAST_SHARP = 0.4  # of the picture's height: a smaller panel would be blurred
_EYES_AT = 0.36  # of a panel's height from its top


class Box(NamedTuple):
    """Source pixels."""

    x: float
    y: float
    w: float
    h: float

    def keyframe(self, t_s: float, picture: Size) -> CropKeyframe:
        return placed(t_s, *self, picture)


def written(looks: Sequence[Look], picture: Size) -> Box | None:
    """What is written on a slide or screen that is shown through most of these looks, with some room; None where none is."""
    screens = [look.screen for look in looks if look.screen is not None]
    drawn = [screen for screen in screens if screen.drawn]
    if not drawn or 2 * len(drawn) < len(screens) or median(look.change for look in looks) > _STILL:
        return None
    room, (width, height) = _AROUND * picture[0], picture
    left, top = max(0.0, min(screen.left for screen in drawn) - room), max(0.0, min(screen.top for screen in drawn) - room)
    right = min(width, max(screen.right for screen in drawn) + room)
    bottom = min(height, max(screen.bottom for screen in drawn) + room)
    return Box(left, top, right - left, bottom - top)


def readable(box: Box, picture: Size) -> Box:
    """As much of a screen as is shown at least, with what is written in its middle."""
    wide, high = (max(side, _LEAST_SHOWN * most) for side, most in zip((box.w, box.h), picture, strict=True))
    return Box(box.x + (box.w - wide) / 2, box.y + (box.h - high) / 2, wide, high)


def middle(faces: Sequence[Face]) -> Face:
    """The median place and size of a face."""
    x, y, w, h = (median(values) for values in zip(*((face.x, face.y, face.w, face.h) for face in faces), strict=True))
    return Face(x, y, w, h, 1.0)


def beside(slide: Box, face: Face, aspect: Aspect, picture: Size) -> Box | None:
    """Who speaks, in what a slide as wide as the clip leaves below it; None where that is too little."""
    across, down = map(int, aspect.split(":"))
    slide_h = across * slide.h / slide.w
    if slide_h > MOST_SLIDE * down:
        return None
    return _around(face, across / (down - slide_h), _PANEL * face.h, picture)


def two_up(upper: Face, lower: Face, aspect: Aspect, picture: Size) -> tuple[Box, Box] | None:
    """Panels of half the clip's height for two faces, neither of which shows the other; None where they are too close."""
    across, down = map(int, aspect.split(":"))
    shape = across / (down / 2)
    panels = []
    for face, other in ((upper, lower), (lower, upper)):
        centre = face.centre[0]
        apart = other.x - centre if other.x > centre else centre - (other.x + other.w)
        height = min(max(_PANEL * face.h, _LEAST_SHARP * picture[1]), 2 * apart / shape, picture[1], picture[0] / shape)
        if height < max(_LEAST_PANEL * face.h, _LEAST_SHARP * picture[1]) or shape * height < 1.2 * face.w:
            return None
        panels.append(_around(face, shape, height, picture))
    return panels[0], panels[1]


def _around(face: Face, shape: float, height: float, picture: Size) -> Box:
    """A box of this shape with the face in its middle and its eyes on the upper third."""
    height = min(height, picture[1], picture[0] / shape)
    return Box(face.centre[0] - shape * height / 2, face.y + EYES * face.h - _EYES_AT * height, shape * height, height)
