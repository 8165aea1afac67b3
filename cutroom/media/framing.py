"""Where the crop of each shot stands, from the faces seen in it. Pure.

A shot's faces are linked into tracks, and one is followed: the larger, the longer seen, the more central, the heavier its
track. The crop stands still while the face stays in its middle half; a face that goes further is followed in steps, each
held for a second at least. Without a face the crop is the centre.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import dist, inf, sqrt
from statistics import median
from typing import Literal

from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing, Shots
from cutroom.contracts.media import Aspect, MediaFacts, Span
from cutroom.errors import BadInput
from cutroom.media.timeline import exact
from cutroom.vision.faces import Face

VERSION = 1

LOST_S = 2.0  # a face unseen for longer is another track when it comes back
ABSENT_S = 1.0  # the followed face is waited for this long before another one is shown
HOLD_S = 1.0  # between two steps of the crop
LAST_STEP_S = 0.5  # a step this close to the end of its shot would only flicker
SAME_WITHIN = 2.0  # a face moves less than this many of its sizes between two looks
FEWEST_LOOKS = 2  # a face seen only once is likely none, unless there were few looks
HEADROOM = 0.4  # a face's centre stands this far down a crop that can move up and down
FIT_OVER = 1.25  # a face this many times larger than the crop is shown with all of the picture around it
_ROUNDING_S = 1e-6

Track = dict[float, Face]


@dataclass(frozen=True)
class Look:
    """The faces at one moment, in source pixels."""

    t_s: float
    faces: Sequence[Face]


def plan_framing(media: MediaFacts, shots: Shots, span: Span, looks: Sequence[Look], aspect: Aspect = "9:16") -> Framing:
    """The crops of a clip. Its shots tile `span` and change exactly at cuts, at frame / fps.

    `looks` are in order of time; one outside the span serves a shot that has none inside. Raises BadInput
    (picture_too_small) where no crop fits.
    """
    crop = crop_size(media.width, media.height, aspect)
    looks = _clear(looks, shots)
    edges = [-inf, *(float(frame / exact(shots.fps)) for frame in shots.cuts), inf]
    framed = []
    for first_s, past_s in pairwise(edges):
        part = Span(start_s=max(first_s, span.start_s), end_s=min(past_s, span.end_s))
        if part.start_s < part.end_s:
            of_shot = [look for look in looks if _within(look, first_s, past_s)]
            framed.append(_frame_shot(media, crop, part, _looks_into(part, of_shot)))
    return Framing(source_width=media.width, source_height=media.height, aspect=aspect, shots=framed)


def crop_size(width: int, height: int, aspect: Aspect) -> tuple[int, int]:
    """The largest box of the aspect inside the picture, both sides even."""
    across, down = map(int, aspect.split(":"))
    most_w, most_h = _even(width), _even(height)
    if not (most_w and most_h):
        raise BadInput("The picture is too small to be cropped.", code="picture_too_small")
    if width * down >= height * across:
        return min(most_w, max(2, round(most_h * across / down / 2) * 2)), most_h
    return most_w, min(most_h, max(2, round(most_w * down / across / 2) * 2))


def _even(pixels: float) -> int:
    return int(pixels) // 2 * 2


def _within(look: Look, first_s: float, past_s: float) -> bool:
    """A proxy picture is the frame shown at its time; a look at a cut's very moment sees the new shot."""
    return first_s <= look.t_s + _ROUNDING_S < past_s


def _clear(looks: Sequence[Look], shots: Shots) -> list[Look]:
    """Looks outside dissolves, where two shots' faces lie over each other."""
    fps = exact(shots.fps)
    mixed = [(float(event.start_frame / fps), float(event.end_frame / fps)) for event in shots.events if event.kind == "dissolve"]
    return [look for look in looks if not any(_within(look, *span) for span in mixed)]


def _looks_into(part: Span, of_shot: Sequence[Look]) -> Sequence[Look]:
    inside = [look for look in of_shot if _within(look, part.start_s, part.end_s)]
    return inside or sorted(of_shot, key=lambda look: abs(look.t_s - part.start_s))[:1]


def _frame_shot(media: MediaFacts, crop: tuple[int, int], part: Span, looks: Sequence[Look]) -> FramedShot:
    rail = _Rail.of(media, crop)
    path = _followed(_tracks(looks), media)
    if not path:
        centre = rail.box(part.start_s, (rail.limit - rail.side) / 2)
        return _shot(part, "crop", "No face was seen: the centre of the picture.", [centre])
    if median(max(face.w / crop[0], face.h / crop[1]) for face in path.values()) > FIT_OVER:
        whole = CropKeyframe(t_s=part.start_s, x=0, y=0, w=_even(media.width), h=_even(media.height))
        return _shot(part, "fit", "The face is larger than any crop: the whole picture.", [whole])
    holds = _holds(path, rail, part.end_s - LAST_STEP_S)
    times = [part.start_s, *(min(hold) for hold in holds[1:])]
    boxes = [rail.box(t_s, rail.place(list(hold.values()))) for t_s, hold in zip(times, holds, strict=True)]
    manner = "stands still" if len(boxes) == 1 else f"is moved {len(boxes) - 1} times to keep it"
    return _shot(part, "crop", f"The main face, seen in {len(path)} of {len(looks)} looks; the crop {manner}.", boxes)


def _shot(part: Span, layout: Literal["crop", "fit"], why: str, keyframes: list[CropKeyframe]) -> FramedShot:
    return FramedShot(start_s=part.start_s, end_s=part.end_s, layout=layout, why=why, keyframes=keyframes)


def _tracks(looks: Sequence[Look]) -> list[Track]:
    """Faces that are the same one: of like size and close to where it was last seen, nearest first."""
    tracks: list[Track] = []
    for look in looks:
        alive = [track for track in tracks if look.t_s - max(track) <= LOST_S]
        pairs = [(_apart(track[max(track)], face), i, j) for i, track in enumerate(alive) for j, face in enumerate(look.faces)]
        taken: set[int] = set()
        for distance, i, j in sorted(pairs):
            if distance < SAME_WITHIN and j not in taken and look.t_s not in alive[i]:
                alive[i][look.t_s] = look.faces[j]
                taken.add(j)
        tracks += [{look.t_s: face} for j, face in enumerate(look.faces) if j not in taken]
    return [track for track in tracks if len(track) >= min(FEWEST_LOOKS, len(looks))]


def _apart(one: Face, other: Face) -> float:
    """Distance of two faces' centres in sizes of the larger one; infinite where the other is less than half of it."""
    small, large = sorted((max(one.w, one.h), max(other.w, other.h)))
    return dist(one.centre, other.centre) / large if large < 2 * small else inf


def _followed(tracks: Sequence[Track], media: MediaFacts) -> Track:
    """The heaviest track; where it is absent, the next heavy one that shows there for long enough."""

    def weight(track: Track) -> float:
        return sum(sqrt(face.w * face.h) * (1 - abs(face.centre[0] / media.width - 0.5)) for face in track.values())

    path: Track = {}
    for track in sorted(tracks, key=weight, reverse=True):
        alone = {t_s: face for t_s, face in track.items() if all(abs(t_s - other) > ABSENT_S for other in path)}
        if not path or (alone and max(alone) - min(alone) >= ABSENT_S):
            path |= alone
    return dict(sorted(path.items()))


@dataclass(frozen=True)
class _Rail:
    """The one way in which the crop can move: it is `side` long on a picture `limit` long, and fills it the other way."""

    axis: Literal[0, 1]
    crop: tuple[int, int]
    limit: int

    @classmethod
    def of(cls, media: MediaFacts, crop: tuple[int, int]) -> "_Rail":
        axis: Literal[0, 1] = 0 if crop[0] < _even(media.width) else 1
        return cls(axis, crop, (media.width, media.height)[axis])

    @property
    def side(self) -> int:
        return self.crop[self.axis]

    def extent(self, face: Face) -> tuple[float, float]:
        """Where the face begins and ends on the rail."""
        start, length = ((face.x, face.w), (face.y, face.h))[self.axis]
        return start, start + length

    def holds(self, faces: Sequence[Face]) -> bool:
        """Whether one place keeps all of these faces whole and in its middle half; a face too large for that may sway."""
        extents = [self.extent(face) for face in faces]
        centres = [(start + end) / 2 for start, end in extents]
        longest = max(end - start for start, end in extents)
        return max(centres) - min(centres) <= max(min(self.side / 2, self.side - longest), self.side / 4)

    def place(self, faces: Sequence[Face]) -> float:
        """Where the crop begins: with the faces in the middle, or with headroom; none of them cut, where they fit."""
        extents = [self.extent(face) for face in faces]
        centres = [(start + end) / 2 for start, end in extents]
        centre = (min(centres) + max(centres)) / 2 if self.holds(faces) else median(centres)
        begin = centre - (0.5, HEADROOM)[self.axis] * self.side
        first, last = min(start for start, _ in extents), max(end for _, end in extents)
        return min(max(begin, last - self.side), first) if last - first <= self.side else begin

    def box(self, t_s: float, begin: float) -> CropKeyframe:
        """The crop from here on, pushed inside the picture, on even pixels."""
        corner = [0, 0]
        corner[self.axis] = _even(min(max(begin, 0), self.limit - self.side))
        return CropKeyframe(t_s=t_s, x=corner[0], y=corner[1], w=self.crop[0], h=self.crop[1])


def _holds(path: Track, rail: _Rail, last_step_s: float) -> list[Track]:
    """The path cut into few stretches, each shown by one crop that stands still; none begins after `last_step_s`."""
    holds: list[Track] = []
    for t_s, face in path.items():
        if holds and (t_s - min(holds[-1]) < HOLD_S or t_s > last_step_s or rail.holds([*holds[-1].values(), face])):
            holds[-1][t_s] = face
        else:
            holds.append({t_s: face})
    return holds
