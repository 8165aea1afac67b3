"""Where a crop of one size stands or goes along the one way in which it can move. Pure.

It stands still while its subject stays in its middle half. Where no place does that, it takes the path that minimises the
first, second and third differences in L1 norm (Grundmann, Kwatra and Essa, "Auto-directed video stabilization with robust L1
optimal camera paths", 2011): made of stretches that stand, go at one speed, or change it evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import CropKeyframe
from cutroom.contracts.media import Aspect
from cutroom.errors import BadInput
from cutroom.vision.faces import Face

PATH_HZ = 5.0  # keyframes of a crop that moves
EYES = 0.42  # of a face's height from its top

_MARGIN = 0.12  # of a face's size, kept free beside it
_LARGE_SWAY = 0.1  # of the crop, that a face nearly as large as it may stand off its middle
_EYES_AT = 1 / 3  # of a crop's height that can move up and down
_WEIGHTS = (10.0, 1.0, 100.0)  # of first, second and third differences, as in the paper
_PULL = 0.05  # weight of standing off the middle

Path = NDArray[np.float64]


def crop_size(width: int, height: int, aspect: Aspect) -> tuple[int, int]:
    """The largest box of the aspect inside the picture, both sides even. Raises BadInput (picture_too_small)."""
    across, down = map(int, aspect.split(":"))
    most_w, most_h = even(width), even(height)
    if not (most_w and most_h):
        raise BadInput("The picture is too small to be cropped.", code="picture_too_small")
    if width * down >= height * across:
        return min(most_w, max(2, round(most_h * across / down / 2) * 2)), most_h
    return most_w, min(most_h, max(2, round(most_w * down / across / 2) * 2))


def even(pixels: float) -> int:
    return int(pixels) // 2 * 2


def placed(t_s: float, x: float, y: float, w: float, h: float, picture: tuple[int, int]) -> CropKeyframe:
    """A box pushed inside the picture, on even pixels."""
    size = min(max(2, even(w)), even(picture[0])), min(max(2, even(h)), even(picture[1]))
    corner = [even(min(max(at, 0), most - side)) for at, most, side in zip((x, y), map(even, picture), size, strict=True)]
    return CropKeyframe(t_s=t_s, x=corner[0], y=corner[1], w=size[0], h=size[1])


@dataclass(frozen=True)
class Rail:
    """A crop of size `crop` in a picture of size `picture`, both in pixels: it fills the picture one way, moves the other."""

    picture: tuple[int, int]
    crop: tuple[int, int]

    @property
    def axis(self) -> Literal[0, 1]:
        return 0 if self.crop[0] < even(self.picture[0]) else 1

    @property
    def side(self) -> int:
        return self.crop[self.axis]

    @property
    def room(self) -> int:
        """How far the crop can move."""
        return even(self.picture[self.axis]) - self.side

    def extent(self, face: Face) -> tuple[float, float]:
        """Where the face begins and ends on the rail."""
        start, length = ((face.x, face.w), (face.y, face.h))[self.axis]
        return start, start + length

    def ideal(self, face: Face) -> float:
        """Where the crop begins that shows the face in its middle, or its eyes on the upper third."""
        start, end = self.extent(face)
        return (start + end) / 2 - self.side / 2 if self.axis == 0 else start + EYES * (end - start) - _EYES_AT * self.side

    def bounds(self, faces: Sequence[Face]) -> tuple[Path, Path]:
        """From where to where the crop may begin: the face whole and in its middle half. A face too large for that may sway."""
        lows, highs = [], []
        for face in faces:
            start, end = self.extent(face)
            ideal, margin = self.ideal(face), _MARGIN * (end - start)
            sway = max(self.side * _LARGE_SWAY, min(self.side / 4, (self.side - (end - start)) / 2 - margin))
            lows.append(ideal - sway)
            highs.append(ideal + sway)
        return np.clip(lows, 0, self.room), np.clip(highs, 0, self.room)

    def still(self, faces: Sequence[Face]) -> float | None:
        """Where one crop can stand for all of these; None where there is no such place."""
        lows, highs = self.bounds(faces)
        if lows.max() > highs.min():
            return None
        ideals = [self.ideal(face) for face in faces]
        return float(np.clip((min(ideals) + max(ideals)) / 2, lows.max(), highs.min()))

    def around(self, people: Sequence[Sequence[Face]]) -> float | None:
        """Where one crop can stand that always shows all of them whole; None where none can."""
        extents = [self.extent(face) for faces in people for face in faces]
        margins = [_MARGIN * (end - start) for start, end in extents]
        low = max(end + margin for (_, end), margin in zip(extents, margins, strict=True)) - self.side
        high = min(start - margin for (start, _), margin in zip(extents, margins, strict=True))
        if low > high:
            return None
        middle = (min(start for start, _ in extents) + max(end for _, end in extents) - self.side) / 2
        return float(np.clip(middle if self.axis == 0 else np.median([self.ideal(face) for face in people[0]]), low, high))

    def path(self, faces: Sequence[Face]) -> Path:
        """Where the crop begins at each of a series of evenly spaced moments, following what is seen then."""
        lows, highs = self.bounds(faces)
        return smoothest(lows, highs, np.clip([self.ideal(face) for face in faces], lows, highs))

    def box(self, t_s: float, begin: float) -> CropKeyframe:
        """The crop from here on."""
        x, y = (begin, 0.0) if self.axis == 0 else (0.0, begin)
        return placed(t_s, x, y, *self.crop, self.picture)


def smoothest(lows: Path, highs: Path, ideal: Path) -> Path:
    """The path within bounds of least L1 norm of its differences, drawn a little to `ideal`; a linear program."""
    from scipy import sparse
    from scipy.optimize import linprog

    count = len(ideal)
    orders = [order for order in (1, 2, 3) if count > order]
    terms = [(_WEIGHTS[order - 1], _difference(count, order), np.zeros(count - order)) for order in orders]
    terms.append((_PULL, sparse.eye(count, format="csr"), ideal))
    slack = sum(matrix.shape[0] for _, matrix, _ in terms)
    stacked, given = sparse.vstack([matrix for _, matrix, _ in terms]), np.concatenate([aim for _, _, aim in terms])
    own = sparse.eye(slack, format="csr")
    found = linprog(
        np.concatenate([np.zeros(count), *(np.full(matrix.shape[0], weight) for weight, matrix, _ in terms)]),
        A_ub=sparse.vstack([sparse.hstack([stacked, -own]), sparse.hstack([-stacked, -own])], format="csr"),
        b_ub=np.concatenate([given, -given]),
        bounds=np.column_stack([np.concatenate([lows, np.zeros(slack)]), np.concatenate([highs, np.full(slack, np.inf)])]),
        method="highs",
    )
    return np.clip(found.x[:count], lows, highs) if found.success else ideal


def _difference(count: int, order: int) -> Any:
    """A sparse matrix, shape (count - order, count)."""
    from scipy import sparse

    matrix = sparse.eye(count, format="csr")
    for _ in range(order):
        matrix = matrix[1:] - matrix[:-1]
    return matrix
