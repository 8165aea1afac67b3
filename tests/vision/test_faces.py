"""Faces in real and hostile pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from cutroom.errors import SetupError
from cutroom.settings import Settings
from cutroom.vision.faces import Face, FaceDetector, engine_name, load_detector

FACE = Face(174, 70, 98, 118, 1)  # where the face is in skimage's astronaut


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    settings = Settings(yolo_weights="")
    return load_detector(engine_name(settings), settings)


def overlap(one: Face, other: Face) -> float:
    """Intersection over union."""
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    down = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    common = max(0.0, across) * max(0.0, down)
    return common / (one.w * one.h + other.w * other.h - common)


def placed(width: int, height: int, scale: float, left: int, top: int) -> tuple[NDArray[np.uint8], Face]:
    """The astronaut somewhere on a grey picture, and where her face is then."""
    photo = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[: height - top, : width - left]
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[top : top + photo.shape[0], left : left + photo.shape[1]] = photo
    return picture, Face(left + FACE.x * scale, top + FACE.y * scale, FACE.w * scale, FACE.h * scale, 1)


@pytest.mark.parametrize(
    ("width", "height", "scale", "left", "top"),
    [(512, 512, 1.0, 0, 0), (640, 360, 0.3, 420, 150), (640, 360, 0.7, 10, 0), (360, 640, 0.7, 0, 200), (640, 270, 0.5, 300, 10)],
    ids=["photograph", "small", "large", "tall", "wide"],
)
def test_a_face_is_found_where_it_is(detector: FaceDetector, width: int, height: int, scale: float, left: int, top: int) -> None:
    picture, truth = placed(width, height, scale, left, top)
    [faces] = detector.detect([picture])
    assert len(faces) == 1
    assert overlap(faces[0], truth) > 0.5


def test_pictures_are_answered_one_by_one(detector: FaceDetector) -> None:
    empty = np.zeros((360, 640, 3), np.uint8)
    counts = [len(faces) for faces in detector.detect([empty, astronaut(), empty])]
    assert counts == [0, 1, 0]


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 640, 3), (1422, 2, 3), (360, 641, 3)])
def test_noise_of_any_shape_has_only_faces_inside_the_picture(detector: FaceDetector, shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(3).integers(0, 255, shape, dtype=np.uint8)
    [faces] = detector.detect([picture])
    assert all(0 <= f.x <= f.x + f.w <= shape[1] and 0 <= f.y <= f.y + f.h <= shape[0] for f in faces)


def yolo_weights(path: Path, name: str) -> Path:
    """Untrained weights with one class of this name."""
    from ultralytics import YOLO

    model = YOLO("yolov8n.yaml")
    model.model.names = {0: name}
    model.save(path)
    return path


def test_configured_yolo_weights_are_used_and_named_by_their_bytes(tmp_path: Path) -> None:
    settings = Settings(yolo_weights=str(yolo_weights(tmp_path / "own.pt", "Face")))
    engine = engine_name(settings)
    assert engine.startswith("yolo-")
    assert all(0 <= face.score <= 1 for faces in load_detector(engine, settings).detect([astronaut()]) for face in faces)


def test_weights_that_know_no_face_are_refused(tmp_path: Path) -> None:
    settings = Settings(yolo_weights=str(yolo_weights(tmp_path / "cats.pt", "cat")))
    with pytest.raises(SetupError):
        load_detector(engine_name(settings), settings)


def test_a_job_is_not_continued_with_other_weights(tmp_path: Path) -> None:
    (tmp_path / "other.pt").write_bytes(b"other")
    with pytest.raises(SetupError):
        load_detector("yolo-0123456789ab", Settings(yolo_weights=str(tmp_path / "other.pt")))


def test_missing_weights_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refused:
        engine_name(Settings(yolo_weights=str(tmp_path / "gone.pt")))
    assert refused.value.code == "faces_missing"
