"""Whether a picture was drawn, as slides and screens are, and what part of it there is to read.

A camera's picture is full of soft gradients: light falls off, lenses blur, sensors make noise. What a program drew is flat
almost everywhere, and where it is not, text and lines make hard edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutroom.vision.faces import Face, Picture

_FLAT, _SOFT, _HARD = 2, (4, 25), 40  # steps between neighbouring pixels, in grey levels
_LEAST_FLAT = 0.7  # share of a drawn picture; 0.3 to 0.9 of photographs
_LEAST_HARD = 0.004  # share of it: less is an empty wall
_HARD_TO_SOFT = 0.7  # 1.4 and more in slides, at most 0.4 in photographs and printed pages
_AROUND_FACE = (1.2, 0.8, 2.5)  # face sizes to each side, above and below that show a person, not a drawing


@dataclass(frozen=True)
class Screen:
    """`drawn`: whether a program made the picture, people aside. `left`, `top`, `right`, `bottom`: its content, in pixels."""

    drawn: bool
    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, across: float, down: float) -> "Screen":
        """The same of a picture this many times as wide and as high."""
        return Screen(self.drawn, self.left * across, self.top * down, self.right * across, self.bottom * down)


def read_screen(picture: Picture, faces: Sequence[Face]) -> Screen:
    """Of an RGB picture, shape (height, width, 3), and the faces in it."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.int16)
    height, width = grey.shape
    if min(height, width) < 2:
        return Screen(False, 0, 0, width, height)
    step = np.maximum(np.abs(np.diff(grey, axis=1))[:-1], np.abs(np.diff(grey, axis=0))[:, :-1])
    counts = np.ones(step.shape, bool)
    for face in faces:
        side, above, below = (share * max(face.w, face.h) for share in _AROUND_FACE)
        rows = slice(max(0, int(face.y - above)), max(0, int(face.y + face.h + below)))
        counts[rows, max(0, int(face.x - side)) : max(0, int(face.x + face.w + side))] = False
    seen = step[counts]
    if not seen.size:
        return Screen(False, 0, 0, width, height)
    hard = float((seen > _HARD).mean())
    soft = float(((seen > _SOFT[0]) & (seen < _SOFT[1])).mean())
    drawn = float((seen <= _FLAT).mean()) > _LEAST_FLAT and hard > max(_LEAST_HARD, _HARD_TO_SOFT * soft)
    content = counts & (step > _SOFT[1])
    left, right = _reach(content.any(axis=0))
    top, bottom = _reach(content.any(axis=1))
    return Screen(drawn, left, top, right, bottom)


def _reach(filled: NDArray[np.bool_]) -> tuple[float, float]:
    """From the first that is set to past the last; all of it where none is."""
    places = np.flatnonzero(filled)
    return (float(places[0]), float(places[-1] + 2)) if places.size else (0.0, float(filled.size + 1))
