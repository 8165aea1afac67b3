"""Faces through a clip's pictures: found every second or two, followed by template in between, where little else changed.

Detection is what framing costs. In a talk most pictures differ from the last only by where a face is and what it says, and
that a small template finds again for a hundredth of the price. Every new shot, every lost template and every larger change
is looked at anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cutroom.vision.faces import Face, FaceDetector, Picture, overlap
from cutroom.vision.screens import Screen, read_screen

VERSION = 1
PATCH_WIDTH, PATCH_HEIGHT = 48, 64

_RENEW_LOOKS = 8  # faces are followed for this many pictures before they are looked for again
_SMALL = 160  # px of the longer side, where change is measured
_CHANGED = 12.0  # grey levels, in the mean: more than people moving before a wall, or a hand that holds the camera
_HALF = 0.5  # templates are matched in a picture of half the size
_LEAST_TEMPLATE = 10  # px of a side there: a smaller one fits anything
_REACH = 0.4  # of a face's size that it may move from one picture to the next
_LIKE = 0.75  # correlation of a template that is still the same face
_SMALL_FACE = 0.11  # of the picture's height: where all are smaller, others are likely missed
_TILES = 3
_SAME_IOU = 0.3
_OVERLOOKED = 0.3  # the least score of a face that is thought to be there still; it is halved each time
_TONES = (8, 4, 4)  # bins of hue, saturation and value

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Sighting:
    """A face seen, and what tells it from others.

    `patch`: the face in grey, shape (PATCH_HEIGHT, PATCH_WIDTH). `colours`: a histogram of hair, skin and clothes, sum 1.
    """

    face: Face
    patch: NDArray[np.uint8]
    colours: NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """One picture. `small`: in grey, its longer side _SMALL pixels. `change`: mean difference from the one before, in grey levels.
    `screen`: told every second or two.
    """

    t_s: float
    faces: Sequence[Sighting]
    small: Grey
    change: float = 0.0
    screen: Screen | None = None

    def scaled(self, across: float, down: float) -> "Look":
        """The same in a picture this many times as wide and as high."""
        faces = [replace(seen, face=seen.face.scaled(across, down)) for seen in self.faces]
        return replace(self, faces=faces, screen=self.screen and self.screen.scaled(across, down))


class Watcher:
    """Goes through the pictures of a clip in order of time; `looked_closely` counts the pictures given to the detector."""

    def __init__(self, detector: FaceDetector) -> None:
        self.looked_closely = 0
        self._detector = detector
        self._small: Grey | None = None
        self._anchor: _Anchor | None = None
        self._tiles = True
        self._age = 0

    def look(self, t_s: float, picture: Picture, new_shot: bool) -> Look:
        """The faces of one RGB picture, shape (height, width, 3), in its pixels."""
        import cv2

        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        half = cv2.resize(grey, None, fx=_HALF, fy=_HALF, interpolation=cv2.INTER_AREA)
        height, width = (max(1, round(_SMALL * side / max(half.shape))) for side in half.shape)
        small = cv2.resize(half, (width, height), interpolation=cv2.INTER_AREA)
        change = 0.0 if self._small is None else float(cv2.absdiff(small, self._small).mean())
        self._small = small
        self._tiles |= new_shot
        faces = None if new_shot or self._anchor is None else self._anchor.follow(half, small)
        screen = None
        self._age += 1
        if faces is None or self._age >= _RENEW_LOOKS:
            faces = _kept(faces or [], self._detect(picture))
            screen = read_screen(picture, faces)
            self._anchor, self._age = _Anchor(half, small, faces), 0
        return Look(t_s, [_sighting(face, grey, picture) for face in faces], small, change, screen)

    def _detect(self, picture: Picture) -> list[Face]:
        """Where only small faces are seen, or none, parts of the picture are enlarged too, as long as that finds more."""
        self.looked_closely += 1
        [found] = self._detector.detect([picture])
        if self._tiles and all(face.h < _SMALL_FACE * picture.shape[0] for face in found):
            closer = _distinct([*found, *self._in_tiles(picture)])
            self._tiles = len(closer) > len(found)
            return closer
        return found

    def _in_tiles(self, picture: Picture) -> list[Face]:
        """The faces in overlapping halves of the picture, each of which the detector sees enlarged."""
        height, width = picture.shape[:2]
        axis, length = (1, width) if width >= height else (0, height)
        side = length // 2
        found = []
        for number in range(_TILES):
            begin = (length - side) * number // (_TILES - 1)
            part = picture[:, begin : begin + side] if axis else picture[begin : begin + side]
            [faces] = self._detector.detect([part])
            found += [replace(face, x=face.x + begin) if axis else replace(face, y=face.y + begin) for face in faces]
        return found


def _kept(followed: Sequence[Face], found: Sequence[Face]) -> list[Face]:
    """Faces found, and those followed that the detector overlooks: it does so now and then, but not again and again."""
    lost = [face for face in followed if all(overlap(face, other) < _SAME_IOU for other in found)]
    return [*found, *(replace(face, score=face.score / 2) for face in lost if face.score > _OVERLOOKED)]


def _distinct(faces: Iterable[Face]) -> list[Face]:
    """The likeliest of each heap of overlapping boxes."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(overlap(face, other) < _SAME_IOU for other in kept):
            kept.append(face)
    return kept


class _Anchor:
    """The picture in which faces were last looked for."""

    def __init__(self, half: Grey, small: Grey, faces: Sequence[Face]) -> None:
        self._half, self._small, self._faces, self._moved = half, small, faces, list(faces)

    def follow(self, half: Grey, small: Grey) -> list[Face] | None:
        """Where its faces are now; None where they must be looked for again."""
        import cv2

        if float(cv2.absdiff(small, self._small).mean()) > _CHANGED:
            return None
        moved = [self._find(first, last, half) for first, last in zip(self._faces, self._moved, strict=True)]
        found = [face for face in moved if face is not None]
        if len(found) < len(moved):
            return None
        self._moved = found
        return found

    def _find(self, first: Face, last: Face, half: Grey) -> Face | None:
        import cv2

        height, width = half.shape
        x, y, w, h = (int(value * _HALF) for value in (first.x, first.y, first.w, first.h))
        if min(w, h) < _LEAST_TEMPLATE:
            return None
        reach = max(4, int(_REACH * max(w, h)))
        left, top = max(0, int(last.x * _HALF) - reach), max(0, int(last.y * _HALF) - reach)
        window = half[top : min(height, top + h + 2 * reach), left : min(width, left + w + 2 * reach)]
        if window.shape[0] < h or window.shape[1] < w:
            return None
        match = cv2.matchTemplate(window, self._half[y : y + h, x : x + w], cv2.TM_CCOEFF_NORMED)
        _, best, _, (right, down) = cv2.minMaxLoc(match)
        if not best > _LIKE:
            return None
        return replace(last, x=first.x + (left + right - x) / _HALF, y=first.y + (top + down - y) / _HALF)


def _sighting(face: Face, grey: Grey, picture: Picture) -> Sighting:
    """The face's patch is a part of the picture as it is; its colours are taken from about it as well."""
    import cv2

    height, width = grey.shape
    across, down = np.meshgrid(
        np.linspace(face.x, face.x + face.w, PATCH_WIDTH, dtype=np.float32),
        np.linspace(face.y, face.y + face.h, PATCH_HEIGHT, dtype=np.float32),
    )
    patch = cv2.remap(grey, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    x0, x1 = (int(np.clip(face.x + share * face.w, 0, width)) for share in (-0.4, 1.4))
    y0, y1 = (int(np.clip(face.y + share * face.h, 0, height)) for share in (-0.3, 2.0))
    around = picture[y0 : max(y0 + 1, y1) : 2, x0 : max(x0 + 1, x1) : 2]
    tones = cv2.calcHist(
        [cv2.cvtColor(np.ascontiguousarray(around), cv2.COLOR_RGB2HSV)], [0, 1, 2], None, list(_TONES), [0, 180, 0, 256, 0, 256]
    )
    return Sighting(face, patch, (tones / max(1.0, float(tones.sum()))).ravel())
