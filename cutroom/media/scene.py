"""How one shot of a clip is shown. Pure.

A slide or a screen is shown so that it can be read. Where one crop holds everybody, it stands still on all of them. Else it
shows who speaks, and cuts to another, never slides, where a turn is long enough to be confirmed; where turns are quick, both
are shown. `why` says what was decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import median

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import CropKeyframe, FramedShot, Layout
from cutroom.contracts.media import Aspect, Span
from cutroom.media import panels
from cutroom.media.camera import PATH_HZ, Rail
from cutroom.media.interest import most_interesting
from cutroom.media.timeline import exact, frame_at
from cutroom.media.turns import Turn, best_turns, snapped
from cutroom.vision.faces import Face
from cutroom.vision.looks import Look
from cutroom.vision.tracks import Track

TURN_S = 2.6  # a turn that is shorter is not cut to
EDGE_TURN_S = 1.2  # ... and of one that goes on from the shot before, or into the next
FIT_OVER = 1.25  # a face this many times larger than the crop is shown with all of the picture around it

_CUT_COST = 0.5  # in seconds times score
_ABSENT_S = 1.0  # a face unseen for longer is not there
_SEEN, _ABSENT = 0.6, -0.6  # score of the heaviest face, whoever speaks; of one that is not there
_MAIN = 0.3  # of the heaviest face's weight: the others are passers-by
_SNAP_S = 0.8  # a cut this near to a sentence's beginning is made there
_EDGE_S = 1.0  # ... if it is this far from where the shot begins and ends
_QUICK_S = 1.0  # turns that count for a dialogue
_QUICK_MEAN_S, _QUICK_TURNS, _QUICK_SHARE = 4.0, 4, 0.25  # mean length, number, and the lesser share of a dialogue
_INSET = 0.3  # of the picture's height: a larger face is not inserted into a slide


@dataclass(frozen=True)
class Actor:
    """A face through a shot, and for each sighting how surely it speaks then: above 0 likely."""

    track: Track
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """The `part` of a shot that is inside the clip, the `looks` into it and the `cast` that they show.

    `starts`: seconds at which sentences begin, where cuts to another person are made.
    """

    rail: Rail
    aspect: Aspect
    fps: float
    part: Span
    looks: Sequence[Look]
    cast: Sequence[Actor]
    starts: Sequence[float]

    def framed(self) -> list[FramedShot]:
        """The scene as one shot, or as one for each turn that is cut to."""
        if self.rail.room == 0:
            return [self._crop("The picture has the clip's shape: all of it.", 0)]
        weights = np.array([self._weight(actor.track) for actor in self.cast])
        order = np.argsort(-weights)
        mains = [self.cast[index] for index in order if weights[index] >= _MAIN * weights[order[0]]]
        return (
            self._written(mains)
            or self._nobody(mains)
            or self._too_large(mains)
            or self._together(mains)
            or self._speakers(mains, weights[order[: len(mains)]])
        )

    def _weight(self, track: Track) -> float:
        """Larger, longer seen and more central faces weigh more."""
        across = self.rail.picture[0]
        return sum(sqrt(face.w * face.h) * (1 - abs(face.centre[0] / across - 0.5)) for face in track.faces)

    def _written(self, mains: Sequence[Actor]) -> list[FramedShot]:
        """A slide or a screen, with a speaker where there is a small one beside it."""
        picture, start_s = self.rail.picture, self.part.start_s
        box = panels.written(self.looks, picture)
        if box is None:
            return []
        if mains:
            box, face = panels.readable(box, picture), panels.middle(mains[0].track.faces)
            speaker = panels.beside(box, face, self.aspect, picture)
            if len(mains) > 1 or face.h > _INSET * picture[1] or speaker is None:
                return []
            why = "A slide or screen with a speaker beside it: the slide above, the speaker below."
            return [self._shot("inset", why, box.keyframe(start_s, picture), speaker.keyframe(start_s, picture))]
        if (box.w, box.h)[self.rail.axis] <= self.rail.side:
            begin = (box.x + box.w / 2, box.y + box.h / 2)[self.rail.axis] - self.rail.side / 2
            return [self._crop("A slide or screen: all that is written on it fits the crop.", begin)]
        why = "A slide or screen without a person: shown as wide as the clip, so that it can be read."
        return [self._shot("screen", why, panels.readable(box, picture).keyframe(start_s, picture))]

    def _nobody(self, mains: Sequence[Actor]) -> list[FramedShot]:
        if mains:
            return []
        begin = most_interesting([look.small for look in self.looks], self.rail)
        what = "the centre of the picture" if begin is None else "where most of what moves and stands out is"
        return [self._crop(f"No face was seen: {what}.", self.rail.room / 2 if begin is None else begin)]

    def _too_large(self, mains: Sequence[Actor]) -> list[FramedShot]:
        width, height = self.rail.crop
        if median(max(face.w / width, face.h / height) for face in mains[0].track.faces) <= FIT_OVER:
            return []
        whole = panels.Box(0, 0, *self.rail.picture).keyframe(self.part.start_s, self.rail.picture)
        return [self._shot("fit", "The face is larger than any crop: the whole picture.", whole)]

    def _together(self, mains: Sequence[Actor]) -> list[FramedShot]:
        """Several people whom one crop shows whole."""
        begin = self.rail.around([actor.track.faces for actor in mains])
        if len(mains) == 1 or begin is None:
            return []
        return [self._crop(f"{len(mains)} people, all of whom fit the crop, which stands still.", begin)]

    def _speakers(self, mains: Sequence[Actor], weights: NDArray[np.float64]) -> list[FramedShot]:
        scores = self._scores(mains, weights / max(weights[0], 1e-9))
        dialogue = self._dialogue(mains, scores)
        if dialogue:
            return dialogue
        turns = self._merged(best_turns(scores, self._count(TURN_S), self._count(EDGE_TURN_S), _CUT_COST * self._hz), mains)
        edges = [self.part.start_s, *(self._cut_at(self.looks[turn.first].t_s) for turn in turns[1:]), self.part.end_s]
        return [
            self._turn(Span(start_s=start_s, end_s=end_s), mains[turn.who], len(mains) > 1)
            for turn, start_s, end_s in zip(turns, edges, edges[1:], strict=False)
        ]

    @property
    def _hz(self) -> float:
        first_s, last_s = self.looks[0].t_s, self.looks[-1].t_s
        return (len(self.looks) - 1) / (last_s - first_s) if last_s > first_s else 1.0

    def _count(self, seconds: float) -> int:
        return max(1, ceil(seconds * self._hz))

    def _scores(self, mains: Sequence[Actor], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (people, looks): what it is worth to show each of them then."""
        times = [look.t_s for look in self.looks]
        rows = []
        for actor, weight in zip(mains, weights, strict=True):
            there = np.array([actor.track.seen_at(t_s, _ABSENT_S) for t_s in times])
            rows.append(np.where(there, _SEEN * weight + np.interp(times, actor.track.times, actor.scores), _ABSENT))
        return np.array(rows)

    def _dialogue(self, mains: Sequence[Actor], scores: NDArray[np.float64]) -> list[FramedShot]:
        """Two people who speak in turns too quick to be cut to, one above the other."""
        if len(mains) != 2 or self.aspect == "16:9":
            return []
        turns = best_turns(scores, self._count(_QUICK_S), self._count(_QUICK_S), _CUT_COST * self._hz)
        shares = [sum(turn.past - turn.first for turn in turns if turn.who == who) / len(self.looks) for who in (0, 1)]
        mean_s = (self.part.end_s - self.part.start_s) / len(turns)
        if len(turns) < _QUICK_TURNS or min(shares) < _QUICK_SHARE or mean_s > _QUICK_MEAN_S:
            return []
        left, right = sorted((panels.middle(actor.track.faces) for actor in mains), key=lambda face: face.x)
        boxes = panels.two_up(left, right, self.aspect, self.rail.picture)
        if boxes is None:
            return []
        above, below = (box.keyframe(self.part.start_s, self.rail.picture) for box in boxes)
        why = f"Two people in quick dialogue, {len(turns)} turns, whom no crop holds: one above the other."
        return [self._shot("two_up", why, above, below)]

    def _merged(self, turns: Sequence[Turn], mains: Sequence[Actor]) -> list[Turn]:
        """Turns without those cuts that would hardly move the crop: one place shows the same on either side."""
        kept = [turns[0]]
        for turn in turns[1:]:
            faces = [face for each in (kept[-1], turn) for face in self._faces(each, mains[each.who])]
            if self.rail.still(faces) is None:
                kept.append(turn)
            else:
                kept[-1] = kept[-1]._replace(past=turn.past)
        return kept

    def _faces(self, turn: Turn, actor: Actor) -> list[Face]:
        return [actor.track.at(look.t_s) for look in self.looks[turn.first : turn.past]]

    def _cut_at(self, t_s: float) -> float:
        """On a frame; where a sentence begins, if one does about then and no edge of the shot is near."""
        first_s, last_s = self.part.start_s + _EDGE_S, self.part.end_s - _EDGE_S
        frame = frame_at(snapped(t_s, [mark for mark in self.starts if first_s <= mark <= last_s], _SNAP_S), self.fps)
        return float(frame / exact(self.fps))

    def _turn(self, span: Span, actor: Actor, one_of_many: bool) -> FramedShot:
        """One person, by a crop that stands still, or else follows."""
        who = "Who speaks" if one_of_many else "The only face"
        seen = f"{who}, seen in {len(actor.track.times)} of {len(self.looks)} looks;"
        count = ceil((span.end_s - span.start_s) * PATH_HZ)
        times = [span.start_s, *(round(span.start_s + number / PATH_HZ, 3) for number in range(1, count))]
        faces = [actor.track.at(t_s) for t_s in times]
        begin = self.rail.still(faces)
        if begin is not None:
            boxes = [self.rail.box(span.start_s, begin)]
        else:
            boxes = [self.rail.box(t_s, at) for t_s, at in zip(times, self.rail.path(faces), strict=True)]
        manner = "stands still" if begin is not None else "follows smoothly"
        return FramedShot(
            start_s=span.start_s,
            end_s=span.end_s,
            layout="crop",
            why=f"{seen} the crop {manner}.",
            keyframes=boxes,
            moving=begin is None,
        )

    def _crop(self, why: str, begin: float) -> FramedShot:
        return self._shot("crop", why, self.rail.box(self.part.start_s, begin))

    def _shot(self, layout: Layout, why: str, box: CropKeyframe, second: CropKeyframe | None = None) -> FramedShot:
        return FramedShot(
            start_s=self.part.start_s,
            end_s=self.part.end_s,
            layout=layout,
            why=why,
            keyframes=[box],
            second=[second] if second else [],
        )
