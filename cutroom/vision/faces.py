"""Faces in pictures, behind one interface: YOLO weights with a class `face` where configured, else nudenet's detector."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cutroom.errors import SetupError
from cutroom.settings import Settings

VERSION = 1
NUDENET = "nudenet"

Picture = NDArray[np.uint8]

_LEAST_SCORE = 0.3
_SAME_FACE_IOU = 0.45
_SIDE = 640
_STRIDE = 32
_FEMALE, _MALE = 1, 12  # nudenet's class numbers of faces


@dataclass(frozen=True)
class Face:
    """A box in pixels from the top left of its picture; `score` 0 to 1."""

    x: float
    y: float
    w: float
    h: float
    score: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    def scaled(self, across: float, down: float) -> "Face":
        """The same face in a picture this many times as wide and as high."""
        return Face(self.x * across, self.y * down, self.w * across, self.h * down, self.score)


def overlap(one: Face, other: Face) -> float:
    """Intersection over union."""
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    down = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    common = max(0.0, across) * max(0.0, down)
    union = one.w * one.h + other.w * other.h - common
    return common / union if union > 0 else 0.0


class FaceDetector(Protocol):
    def detect(self, pictures: Iterable[Picture]) -> list[list[Face]]:
        """The faces of each RGB picture, shape (height, width, 3), in no particular order."""


def engine_name(settings: Settings) -> str:
    """`nudenet`, or `yolo-` and the start of the weights' hash. Raises SetupError where the configured weights are missing."""
    return f"yolo-{_digest(Path(settings.yolo_weights))}" if settings.yolo_weights else NUDENET


def load_detector(engine: str, settings: Settings) -> FaceDetector:
    """The detector that `engine_name` named, loaded once per process.

    Raises SetupError where this machine has another one: one job never mixes two.
    """
    if engine == NUDENET:
        return _nudenet()
    if engine != engine_name(settings):
        raise SetupError(
            "This worker has other face weights than the job began with; set CUTROOM_YOLO_WEIGHTS alike on all workers."
        )
    return _yolo(Path(settings.yolo_weights))


class NudeNet:
    """NudeNet's 320n network (YOLOv8n), run at 640 px, where it finds small and dark faces that it misses at 320."""

    def __init__(self) -> None:
        import onnxruntime

        package = find_spec("nudenet")
        if package is None or package.origin is None:
            raise SetupError("The package nudenet is not installed; run the set-up again.", code="faces_missing")
        options = onnxruntime.SessionOptions()
        # Idle threads would spin on cores that the encoder next door needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            Path(package.origin).with_name("320n.onnx"), options, onnxruntime.get_available_providers()
        )

    def detect(self, pictures: Iterable[Picture]) -> list[list[Face]]:
        return [self._detect(picture) for picture in pictures]

    def _detect(self, picture: Picture) -> list[Face]:
        blob, scale = _letterboxed(picture)
        output: NDArray[np.float32] = self._session.run(None, {"images": blob})[0]
        found = output[0].T
        scores = found[:, [4 + _FEMALE, 4 + _MALE]].max(axis=1)
        likely = scores > _LEAST_SCORE
        return _distinct(found[likely, :4] / scale, scores[likely], picture.shape[1], picture.shape[0])


def _letterboxed(picture: Picture) -> tuple[NDArray[np.float32], float]:
    """The picture at most 640 px a side, at the top left of a black one whose sides suit the network; and its scale."""
    import cv2

    height, width = picture.shape[:2]
    scale = _SIDE / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    blob = np.zeros((1, 3, *(-(-side // _STRIDE) * _STRIDE for side in reversed(inner))), np.float32)
    blob[0, :, : inner[1], : inner[0]] = cv2.resize(picture, inner, interpolation=way).transpose(2, 0, 1) / 255
    return blob, scale


def _distinct(boxes: NDArray[np.float32], scores: NDArray[np.float32], width: int, height: int) -> list[Face]:
    """One face of each heap of overlapping boxes (centre x, centre y, w, h), clipped to the picture."""
    import cv2

    corners = boxes - np.pad(boxes[:, 2:] / 2, ((0, 0), (0, 2)))
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), _LEAST_SCORE, _SAME_FACE_IOU)
    faces = []
    for index in np.asarray(kept, int).ravel():
        x, y, w, h = map(float, corners[index])
        left, top, right, bottom = max(0.0, x), max(0.0, y), min(float(width), x + w), min(float(height), y + h)
        faces.append(Face(left, top, right - left, bottom - top, float(scores[index])))
    return faces


class Yolo:
    """Any detection weights that ultralytics reads and that have a class named `face`."""

    def __init__(self, weights: Path) -> None:
        # It would otherwise report its use to its makers, and install packages as it sees fit.
        os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
        from ultralytics import YOLO

        self._model: Any = YOLO(weights)
        self._classes = [number for number, name in self._model.names.items() if name.lower() == "face"]
        if not self._classes:
            raise SetupError("The weights in CUTROOM_YOLO_WEIGHTS know no class `face`; name others, or leave it empty.")

    def detect(self, pictures: Iterable[Picture]) -> list[list[Face]]:
        turned = [picture[:, :, ::-1] for picture in pictures]  # ultralytics takes arrays as BGR
        results = self._model.predict(turned, imgsz=_SIDE, conf=_LEAST_SCORE, classes=self._classes, verbose=False)
        return [
            [
                Face(x - w / 2, y - h / 2, w, h, score)
                for (x, y, w, h), score in zip(result.boxes.xywh.tolist(), result.boxes.conf.tolist(), strict=True)
            ]
            for result in results
        ]


@cache
def _nudenet() -> FaceDetector:
    return NudeNet()


@cache
def _yolo(weights: Path) -> FaceDetector:
    return Yolo(weights)


@cache
def _digest(weights: Path) -> str:
    if not weights.is_file():
        raise SetupError("CUTROOM_YOLO_WEIGHTS names no file; correct it, or leave it empty.", code="faces_missing")
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
