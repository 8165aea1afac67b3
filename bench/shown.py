"""What a framing shows at a moment: its layout, and the box of each panel."""

from collections.abc import Sequence

import numpy as np

from bench.truth import Box
from cutroom.contracts.documents import CropKeyframe, Framing

ROUNDING_S = 0.001  # documents keep milliseconds

Boxes = Sequence[CropKeyframe]


def shown_at(framing: Framing, t_s: float) -> tuple[str, Boxes]:
    """The layout of the shot that has begun by then, and where its panels look, in source pixels; no boxes where it fits all."""
    begun = [shot for shot in framing.shots if shot.start_s <= t_s + ROUNDING_S]
    shot = begun[-1] if begun else framing.shots[0]
    return shot.layout, [_at(path, shot.moving, t_s) for path in (shot.keyframes, shot.second) if path]


def holds(crop: CropKeyframe, face: Box) -> bool:
    """Whether a crop shows the whole face."""
    return crop.x <= face.x and crop.y <= face.y and face.x + face.w <= crop.x + crop.w and face.y + face.h <= crop.y + crop.h


def _at(path: Boxes, moving: bool, t_s: float) -> CropKeyframe:
    """The box of a path, between keyframes where it moves."""
    begun = [key for key in path if key.t_s <= t_s + ROUNDING_S]
    last = begun[-1] if begun else path[0]
    if not moving:
        return last
    times = [key.t_s for key in path]
    x, y = (round(float(np.interp(t_s, times, [getattr(key, axis) for key in path]))) for axis in ("x", "y"))
    return last.model_copy(update={"x": x, "y": y})
