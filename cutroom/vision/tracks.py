"""Faces linked into tracks, one for each person in a shot: by overlap where they are expected, and by appearance.

Tracking by detection as in SORT (Bewley et al. 2016): boxes carried on at their last speed, assigned at the least total cost.
Faint faces go on with tracks but begin none (ByteTrack, Zhang et al. 2022); a speed comes from observations alone (OC-SORT,
Cao et al. 2023); boxes are widened before they are compared, since five pictures a second leave room to move (C-BIoU, Yang
et al. 2023).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cutroom.vision.faces import Face, overlap
from cutroom.vision.looks import Look, Sighting

LOST_S = 2.0  # a face unseen for longer is another track when it comes back elsewhere
HIDDEN_S = 8.0  # ... and one hidden for no longer than this is the same when it comes back alike, where it was

_CERTAIN = 0.4  # the least score of a face that begins a track
_FEWEST_LOOKS = 2  # a face seen only once is likely none, unless there were few looks
_WIDER = 0.5  # of a box's size, added on each side before boxes are compared
_STRANGER = 0.95  # cost of a pair that is not the same face
_BACK_AGAIN = 0.4  # ... after more than LOST_S
_APPEARANCE = 0.4  # its weight in the cost, of 1
_SPEED_S = 1.0  # the longest time over which a speed is told


@dataclass
class Track:
    """One face through a shot, `sightings` at `times` (seconds, ascending), at least one."""

    times: list[float] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)

    def add(self, t_s: float, sighting: Sighting) -> None:
        self.times.append(t_s)
        self.sightings.append(sighting)

    @property
    def faces(self) -> list[Face]:
        return [sighting.face for sighting in self.sightings]

    def seen_at(self, t_s: float, within_s: float) -> bool:
        """Whether it was seen about then: it is thought to be there until it is seen again, or for `within_s`."""
        index = bisect_right(self.times, t_s)
        before = index > 0 and t_s - self.times[index - 1] <= within_s
        after = index < len(self.times) and self.times[index] - t_s <= within_s
        return before or after

    def at(self, t_s: float) -> Face:
        """Where it is, between two sightings on a straight line from one to the other."""
        boxes = np.array([(face.x, face.y, face.w, face.h) for face in self.faces])
        x, y, w, h = (float(np.interp(t_s, self.times, side)) for side in boxes.T)
        return Face(x, y, w, h, 1.0)

    def expected(self, t_s: float) -> Face:
        """Where it would be at its last speed."""
        last = self.sightings[-1].face
        past = [index for index, time in enumerate(self.times[:-1]) if self.times[-1] - time <= _SPEED_S]
        if not past:
            return last
        before, share = self.sightings[past[0]].face, (t_s - self.times[-1]) / (self.times[-1] - self.times[past[0]])
        share = min(share, 1.0)
        return replace(
            last,
            x=last.x + share * (last.centre[0] - before.centre[0]),
            y=last.y + share * (last.centre[1] - before.centre[1]),
        )

    @property
    def colours(self) -> NDArray[np.float32]:
        """The mean histogram of its sightings."""
        mean: NDArray[np.float32] = np.mean([sighting.colours for sighting in self.sightings], axis=0, dtype=np.float32)
        return mean


def link(looks: Sequence[Look]) -> list[Track]:
    """The tracks of the looks into one shot, in order of time; those seen too seldom to be a face are left out."""
    from scipy.optimize import linear_sum_assignment

    tracks: list[Track] = []
    for look in looks:
        alive = [track for track in tracks if look.t_s - track.times[-1] <= HIDDEN_S]
        costs = np.array([[_cost(track, look.t_s, seen) for seen in look.faces] for track in alive]).reshape(
            len(alive), len(look.faces)
        )
        taken = set()
        for row, column in zip(*linear_sum_assignment(costs), strict=True):
            if costs[row, column] < (_STRANGER if look.t_s - alive[row].times[-1] <= LOST_S else _BACK_AGAIN):
                alive[row].add(look.t_s, look.faces[column])
                taken.add(column)
        for index, seen in enumerate(look.faces):
            if index not in taken and seen.face.score >= _CERTAIN:
                tracks.append(Track([look.t_s], [seen]))
    return [track for track in tracks if len(track.times) >= min(_FEWEST_LOOKS, len(looks))]


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How much two histograms have in common, 0 to 1 (Bhattacharyya's coefficient)."""
    return float(np.sqrt(one * other).sum())


def _cost(track: Track, t_s: float, seen: Sighting) -> float:
    """0 for the very same place and looks; 1 and more for a face elsewhere or of another size."""
    expected = track.expected(t_s)
    common = max(overlap(_widened(expected), _widened(seen.face)), overlap(_widened(track.sightings[-1].face), _widened(seen.face)))
    if common <= 0:
        return 1.0
    return (1 - _APPEARANCE) * (1 - common) + _APPEARANCE * (1 - alike(track.sightings[-1].colours, seen.colours))


def _widened(face: Face) -> Face:
    return Face(
        face.x - _WIDER * face.w, face.y - _WIDER * face.h, (1 + 2 * _WIDER) * face.w, (1 + 2 * _WIDER) * face.h, face.score
    )
