"""Faces through pictures: looked for seldom, lost never."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.data import astronaut

from cutroom.settings import Settings
from cutroom.vision.faces import Face, FaceDetector, engine_name, load_detector, overlap
from cutroom.vision.looks import Watcher
from cutroom.vision.screens import read_screen

WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    settings = Settings(yolo_weights="")
    return load_detector(engine_name(settings), settings)


def filmed(left: int, top: int, scale: float = 0.5, noise: int = 0) -> tuple[NDArray[np.uint8], Face]:
    """The astronaut before a wall, with a camera's noise, and where her face is."""
    photo = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    part = picture[top : top + photo.shape[0], left : left + photo.shape[1]]
    part[:] = photo[: part.shape[0], : part.shape[1]]
    noisy = picture + np.random.default_rng(noise).normal(0, 2, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), Face(left + 174 * scale, top + 70 * scale, 98 * scale, 118 * scale, 1)


def test_a_face_that_moves_is_followed_and_seldom_looked_for(detector: FaceDetector) -> None:
    watcher = Watcher(detector)
    for number in range(16):
        picture, truth = filmed(100 + 3 * number, 60, noise=number)
        look = watcher.look(number / 5, picture, new_shot=number == 0)
        assert len(look.faces) == 1
        assert overlap(look.faces[0].face, truth) > 0.5
    assert watcher.looked_closely <= 4


def test_a_new_shot_is_looked_at_anew(detector: FaceDetector) -> None:
    watcher = Watcher(detector)
    watcher.look(0.0, filmed(100, 60)[0], new_shot=True)
    picture, truth = filmed(330, 80)
    assert overlap(watcher.look(0.2, picture, new_shot=True).faces[0].face, truth) > 0.5
    assert watcher.looked_closely == 2


def test_a_change_that_nobody_announced_is_noticed(detector: FaceDetector) -> None:
    watcher = Watcher(detector)
    watcher.look(0.0, filmed(100, 60)[0], new_shot=True)
    look = watcher.look(0.2, np.full((HEIGHT, WIDTH, 3), 200, np.uint8), new_shot=False)
    assert (len(look.faces), look.change > 20) == (0, True)


def test_small_faces_of_a_wide_shot_are_found_in_enlarged_parts(detector: FaceDetector) -> None:
    picture, truth = filmed(420, 150, scale=0.11)
    assert detector.detect([picture]) == [[]]
    [seen] = Watcher(detector).look(0.0, picture, new_shot=True).faces
    assert overlap(seen.face, truth) > 0.3


def drawn(lines: int, inset: bool = False) -> NDArray[np.uint8]:
    """A slide, with a speaker in its corner."""
    slide = Image.new("RGB", (WIDTH, HEIGHT), (244, 244, 240))
    for line in range(lines):
        ImageDraw.Draw(slide).text(
            (60, 50 + 50 * line), f"Point {line + 1} of the plan", font=ImageFont.load_default(22), fill=(20, 20, 20)
        )
    picture = np.array(slide)
    if inset:
        picture[230:350, 480:620] = cv2.resize(astronaut(), (256, 256))[10:130, 50:190]
    return picture


def test_a_slide_is_told_from_pictures_of_a_camera() -> None:
    slide = read_screen(drawn(5), [])
    assert slide.drawn
    assert 50 <= slide.left <= 70 <= 200 <= slide.right <= 400
    assert not read_screen(filmed(100, 60)[0], []).drawn
    assert not read_screen(cv2.resize(astronaut(), (WIDTH, HEIGHT)), []).drawn
    assert not read_screen(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), []).drawn


def test_a_speaker_in_the_corner_of_a_slide_does_not_hide_that_it_is_one(detector: FaceDetector) -> None:
    picture = drawn(5, inset=True)
    look = Watcher(detector).look(0.0, picture, new_shot=True)
    assert len(look.faces) == 1
    assert look.screen is not None
    assert look.screen.drawn


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 640, 3), (1422, 2, 3)])
def test_pictures_of_any_shape_are_gone_through(detector: FaceDetector, shape: tuple[int, int, int]) -> None:
    watcher = Watcher(detector)
    rng = np.random.default_rng(3)
    for number in range(3):
        look = watcher.look(number / 5, rng.integers(0, 255, shape, dtype=np.uint8), new_shot=False)
        assert max(look.small.shape) == 160
