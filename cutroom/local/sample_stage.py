"""The seen half of the sample talk: two photographed people, a split screen and slides, drawn straight into YUV planes.

A picture is three uint8 planes, Y (h, w), U and V (h/2, w/2), BT.709 limited range: what the encoder takes as it is.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cutroom.errors import SetupError
from cutroom.local.sample_script import ROLES, SHOW, Speaker

WIDTH, HEIGHT = 1920, 1080
MOUTHS = 5  # pictures of a person, from shut to wide open
INK, PAPER, ACCENT = (13, 27, 38), (238, 242, 240), (240, 168, 72)

Planes = list[NDArray[np.uint8]]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]  # x, y, w, h


@dataclass(frozen=True)
class Person:
    """Where a person is in a photograph, in its pixels. `view`: the part around which cameras move. `jaw`: how far it drops."""

    view: Box
    face: Box
    mouth: tuple[int, int]
    lips: int
    jaw: int


PEOPLE: dict[Speaker, Person] = {
    "A": Person((0, 2, 512, 288), (174, 70, 98, 118), (223, 146), 19, 7),
    "B": Person((672, 0, 712, 398), (911, 98, 138, 186), (990, 237), 24, 10),
}


@dataclass(frozen=True)
class Camera:
    """A person's picture inside the frame: `place` in frame pixels, `zoom` frame pixels to a photo pixel, sway to each side."""

    who: Speaker
    place: Box
    zoom: float
    sway: tuple[int, int]


_CARD_W, _CARD_H, _CARD_Y = 880, 660, 130
CAMERAS: dict[str, list[Camera]] = {
    "A": [Camera("A", (0, 0, WIDTH, HEIGHT), 3.96, (26, 12))],
    "B": [Camera("B", (0, 0, WIDTH, HEIGHT), 2.76, (14, 8))],
    "two": [
        Camera("A", (60, _CARD_Y, _CARD_W, _CARD_H), 2.45, (16, 8)),
        Camera("B", (WIDTH - 60 - _CARD_W, _CARD_Y, _CARD_W, _CARD_H), 1.95, (12, 8)),
    ],
    "slide": [],
}


def planes(rgb: NDArray[np.uint8] | Image.Image) -> Planes:
    """RGB (h, w, 3), even sides, to planes by the BT.709 matrix, chroma averaged over 2x2."""
    r, g, b = np.moveaxis(np.asarray(rgb, np.float32), -1, 0)
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    chroma = ((b - y) / 1.8556, (r - y) / 1.5748)
    u, v = (128 + c.reshape(c.shape[0] // 2, 2, -1, 2).mean((1, 3)) * 224 / 255 for c in chroma)
    return [np.clip(plane, 16, 240).astype(np.uint8) for plane in (np.clip(16 + y * 219 / 255, 16, 235), u, v)]


class Stage:
    """All pictures, prepared once; `draw` then only copies. About 250 MB."""

    def __init__(self) -> None:
        photos = {who: _photograph(who) for who in PEOPLE}
        self._split = planes(_split_screen())
        self._views = {kind: [_View(c, photos[c.who], self._split) for c in cameras] for kind, cameras in CAMERAS.items()}
        self._plates = {who: planes(_name_plate(who)) for who in ROLES}

    def draw(
        self, kind: str, at_s: float, mouths: dict[Speaker, float], slide: tuple[str, str], into: Planes
    ) -> list[dict[str, int | str]]:
        """Draw one frame of a shot; `mouths`: 0 (shut) to 1. Returns the face boxes {who, x, y, w, h} in frame pixels."""
        if kind == "slide":
            _paste(_slide(*slide), into, 0, 0)
        elif kind == "two":
            _paste(self._split, into, 0, 0)
        faces: list[dict[str, int | str]] = []
        for view in self._views[kind]:
            who = view.camera.who
            x, y, w, h = view.draw(at_s, mouths.get(who, 0.0), into)
            faces.append({"who": who, "x": x, "y": y, "w": w, "h": h})
            if kind == who:
                _paste(self._plates[who], into, 48, HEIGHT - 172)
        return faces


class _View:
    """A camera on a person: enlarged pictures with the mouth more and more open, of which a swaying window is shown."""

    def __init__(self, camera: Camera, photo: NDArray[np.uint8], behind: Planes) -> None:
        self.camera = camera
        person, zoom = PEOPLE[camera.who], camera.zoom
        left, top, width, height = person.view
        size = (int(width * zoom) // 2 * 2, int(height * zoom) // 2 * 2)
        grain = np.random.default_rng(5).normal(0, 1.8, (size[1], size[0], 1))
        self._pictures: list[Planes] = []
        for i in range(MOUTHS):
            part = Image.fromarray(_open_mouth(photo, person, i / (MOUTHS - 1))).crop((left, top, left + width, top + height))
            large = np.asarray(part.resize(size, Image.Resampling.LANCZOS), np.float32)
            self._pictures.append(planes(np.clip(large + grain, 0, 255).astype(np.uint8)))
        fx, fy, fw, fh = person.face
        self._face = [round(v * zoom) for v in (fx - left, fy - top, fw, fh)]
        w, h = camera.place[2:]
        wanted = self._face[0] + self._face[2] // 2 - w // 2, self._face[1] + self._face[3] // 2 - int(h * 0.47)
        self._home = [
            int(np.clip(at, s, big - small - s)) for at, s, big, small in zip(wanted, camera.sway, size, (w, h), strict=True)
        ]
        whole_frame = (w, h) == (WIDTH, HEIGHT)
        self._corners = (
            []
            if whole_frame
            else [(m, b.copy()) for m, b in zip(_outside_of_card(w, h), _window(behind, *camera.place), strict=True)]
        )

    def draw(self, at_s: float, mouth: float, into: Planes) -> Box:
        """Show the window; returns the face box in frame pixels."""
        px, py, w, h = self.camera.place
        phase, (sway_x, sway_y) = ord(self.camera.who), self.camera.sway
        x = self._home[0] + round(sway_x * np.sin(at_s * 0.62 + phase))
        y = self._home[1] + round(sway_y * np.sin(at_s * 0.97 + 2 * phase))
        shown = _window(into, px, py, w, h)
        for plane, part in zip(shown, _window(self._pictures[round(mouth * (MOUTHS - 1))], x, y, w, h), strict=True):
            plane[:] = part
        for plane, (mask, behind) in zip(shown, self._corners, strict=False):
            np.copyto(plane, behind, where=mask)
        return px + self._face[0] - x, py + self._face[1] - y, self._face[2], self._face[3]


def darken(picture: Planes, gain: float) -> None:
    """Multiply the light of a picture, in place."""
    picture[0][:] = np.clip(16 + (np.arange(256) - 16) * gain, 16, 235).astype(np.uint8)[picture[0]]


def mix(under: Planes, over: Planes, share: float) -> None:
    """Blend `share` (0 to 1) of `over` into `under`, in place."""
    weight = round(share * 256)
    for plane, other in zip(under, over, strict=True):
        plane[:] = (plane.astype(np.uint16) * (256 - weight) + other.astype(np.uint16) * weight) >> 8


def _window(picture: Planes, x: int, y: int, w: int, h: int) -> Planes:
    """Views of the planes, w and h even; chroma to the nearest pair of pixels."""
    return [p[y // d : y // d + h // d, x // d : x // d + w // d] for p, d in zip(picture, (1, 2, 2), strict=True)]


def _paste(picture: Planes, into: Planes, x: int, y: int) -> None:
    h, w = picture[0].shape
    for plane, part in zip(_window(into, x, y, w, h), picture, strict=True):
        plane[:] = part


def _photograph(who: Speaker) -> NDArray[np.uint8]:
    """A: the astronaut of scikit-image, public domain (NASA). B: a picture in the assets of ultralytics."""
    if who == "A":
        from skimage.data import astronaut

        return np.asarray(astronaut())
    assets = find_spec("ultralytics")
    if assets is None or assets.origin is None:
        raise SetupError("The package ultralytics, whose pictures the sample talk shows, is not installed; run the set-up again.")
    photo = np.asarray(Image.open(Path(assets.origin).parent / "assets" / "zidane.jpg").convert("RGB"))
    return np.pad(photo, ((0, 0), (0, 120), (0, 0)), mode="reflect")  # more of the blurred crowd to his left


def _open_mouth(photo: NDArray[np.uint8], person: Person, opening: float) -> NDArray[np.uint8]:
    """Pull the jaw down by `opening` (0 to 1) of its reach: rows under the lip line slide, and the gap between lips is dark."""
    import cv2

    mx, my = person.mouth
    reach, chin = person.lips * 2, my + person.jaw * 4
    x0, x1, y0, y1 = mx - reach, mx + reach, my - 4, chin + 2
    yy, xx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    across = np.clip(1 - ((xx - mx) / reach) ** 2, 0, 1)
    drop = opening * person.jaw * across * np.clip((chin - yy) / (chin - my), 0, 1)
    below = yy >= my
    source = np.where(below, np.maximum(yy - drop, my), yy)
    lips = np.clip(1 - ((xx - mx) / person.lips) ** 2, 0, 1)
    gap = cv2.GaussianBlur((below & (yy - my < opening * person.jaw * lips)).astype(np.float32), (0, 0), 0.8)[..., None]
    patch = cv2.remap(photo, xx, source.astype(np.float32), cv2.INTER_LINEAR)
    out = photo.copy()
    out[y0:y1, x0:x1] = np.clip(patch * (1 - gap) + np.array((52, 18, 20)) * gap, 0, 255).astype(np.uint8)
    return out


def _outside_of_card(w: int, h: int) -> list[NDArray[np.bool_]]:
    """For Y, U and V: where a card with rounded corners does not cover its rectangle."""
    card = Image.new("L", (w, h), 255)
    ImageDraw.Draw(card).rounded_rectangle((0, 0, w - 1, h - 1), 36, fill=0)
    return [np.asarray(card)[::d, ::d] > 0 for d in (1, 2, 2)]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"), size)


def _backdrop() -> Image.Image:
    """A dark wall with two soft lamps."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    wall = np.array(INK, np.float32) * (1.25 - 0.5 * y / HEIGHT)[..., None]
    for cx, cy, colour, reach in ((0.14, 0.05, (40, 96, 110), 700), (0.9, 1.0, (120, 66, 24), 800)):
        glow = np.exp(-((x - cx * WIDTH) ** 2 + (y - cy * HEIGHT) ** 2) / (2 * reach**2 / 4))
        wall += glow[..., None] * np.array(colour, np.float32)
    wall += np.random.default_rng(3).normal(0, 1.0, (HEIGHT, WIDTH, 1)).astype(np.float32)
    return Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))


def _split_screen() -> Image.Image:
    """What surrounds the two cards: who is who, below each."""
    picture = _backdrop()
    draw = ImageDraw.Draw(picture)
    for camera in CAMERAS["two"]:
        name, role = ROLES[camera.who]
        x, y, w, h = camera.place
        draw.text((x + w // 2, y + h + 62), name, font=_font(46), fill=PAPER, anchor="mm")
        draw.text((x + w // 2, y + h + 120), role, font=_font(30), fill=ACCENT, anchor="mm")
    return picture


def _name_plate(who: Speaker) -> Image.Image:
    picture = Image.new("RGB", (470, 124), INK)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 11, 123), fill=ACCENT)
    draw.text((40, 42), ROLES[who][0], font=_font(40), fill=PAPER, anchor="lm")
    draw.text((40, 92), ROLES[who][1], font=_font(25), fill=ACCENT, anchor="lm")
    return picture


@lru_cache(maxsize=4)
def _slide(headline: str, below: str) -> Planes:
    """What must be read stands in the middle third, where an upright crop falls, and above its captions."""
    picture = _backdrop()
    draw = ImageDraw.Draw(picture)
    draw.text((WIDTH // 2, 104), SHOW, font=_font(40), fill=ACCENT, anchor="mm")
    size = next(s for s in range(150, 20, -2) if _font(s).getlength(headline) <= 500)
    draw.text((WIDTH // 2, HEIGHT // 2 - 160), headline, font=_font(size), fill=PAPER, anchor="mm")
    draw.rectangle((WIDTH // 2 - 60, HEIGHT // 2 - 60, WIDTH // 2 + 60, HEIGHT // 2 - 52), fill=ACCENT)
    size = next(s for s in range(48, 10, -1) if _font(s).getlength(below) <= 500)
    draw.text((WIDTH // 2, HEIGHT // 2 + 10), below, font=_font(size), fill=PAPER, anchor="mm")
    return planes(picture)
