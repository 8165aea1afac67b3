"""Still pictures of a video: the poster of an asset, the thumbnail of a clip. A pure plan, and the choice among candidates."""

from collections.abc import Sequence
from math import log1p
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cutroom.contracts.media import MediaFacts
from cutroom.errors import ToolFailed
from cutroom.media.colour import to_bt709
from cutroom.media.ffmpeg import FfmpegPlan, limits_for, open_source, plan
from cutroom.media.fields import deinterlaced

VERSION = 3
CANDIDATES = 5
FEWEST = 3  # different ones, of which the best is taken
UNSETTLED_S = 0.5
DECODED_S = 6.0  # at most, where there are too few key frames to choose among
POSTER_WIDTH = 1280

_JUDGED_SIZE = (320, 320)
_JPEG = {"f": "image2", "update": 1, "vcodec": "mjpeg", "q:v": 3, "pix_fmt": "yuvj420p", "fps_mode": "passthrough"}
_JPEG_COLOURS = {"out_color_matrix": "bt601", "out_range": "pc"}


def candidate_times(duration_s: float) -> list[float]:
    """Moments spread over the video, none in its first half second where there is more."""
    begin = min(UNSETTLED_S, duration_s / 2)
    return [begin + (duration_s - begin) * (number + 0.5) / CANDIDATES for number in range(CANDIDATES)]


def plan_stills(
    video: Path, media: MediaFacts, times: Sequence[float], outs: Sequence[Path], most_width: int, *, exact: bool = False
) -> FfmpegPlan:
    """Pictures of these moments as JPEGs, in one run. Unless they must be `exact`, of each the key frame before it, be that the
    very first one: nothing else is decoded.
    """
    seek: dict[str, Any] = {} if exact else {"noaccurate_seek": None}
    width = min(media.width, most_width) // 2 * 2 or 2
    height = round(media.height * width / media.width / 2) * 2 or 2
    outputs = []
    for time_s, out in zip(times, outs, strict=True):
        given = open_source(video, media.container, ss=f"{time_s:.3f}", threads=1, **seek)
        picture = deinterlaced(given["V:0"], media)
        # A JPEG is full range, of BT.601's matrix.
        shown = to_bt709(picture, media.colour, width, height).filter("scale", in_color_matrix="bt709", **_JPEG_COLOURS)
        outputs.append(shown.output(str(out), **_JPEG, **{"frames:v": 1}, map_metadata=-1, fflags="+bitexact"))
    return plan(*outputs, duration_s=1 / media.fps, limits=limits_for(60.0))


def various(pictures: Sequence[Path]) -> bool:
    """Whether there is a choice: a few of the pictures differ."""
    return len({path.read_bytes() for path in pictures if path.is_file()}) >= FEWEST


def best(pictures: Sequence[Path]) -> Path:
    """The sharpest well-lit picture. Raises ToolFailed where none was made."""
    made = [path for path in pictures if path.is_file()]
    if not made:
        raise ToolFailed("No still picture could be taken from the video.", code="no_still")
    return max(made, key=_worth)


def _worth(path: Path) -> float:
    """Sharpness (variance of the Laplacian, in orders of magnitude) times how far the exposure is from black or white."""
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L").resize(_JUDGED_SIZE), dtype=np.float64)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    middle = grey.mean() / 255
    return log1p(float(laplacian.var())) * float(4 * middle * (1 - middle))
