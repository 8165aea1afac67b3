"""From scores to shots. Pure.

The network's single-frame head marks one frame of each transition, its many-frame head all frames of it. Measured on
talks with known cuts, a hard cut between frames c-1 and c marks c-1 alone, and a dissolve marks its mixed frames.

Slides are told by their standing still, changes of light by a structure that stays; of the latter none is a cut, and of the
former those that replace a whole picture are.
"""

from bisect import bisect_right
from collections.abc import Container, Sequence
from itertools import groupby
from typing import Literal

from cutroom.contracts.documents import ShotEvent, Shots, ShotScores
from cutroom.errors import ToolFailed

ENGINE = "transnetv2"
VERSION = 2

THRESHOLD = 0.5
SHORTEST_DISSOLVE = 4
SAME_CUT_FRAMES = 2


def join_scores(parts: Sequence[ShotScores], first_frame: int, last_frame: int) -> ShotScores:
    """Parts, in any order, as one. Raises ToolFailed where they do not tile `first_frame:last_frame`."""
    ordered, reached = sorted(parts, key=lambda part: part.first_frame), first_frame
    for part in ordered:
        if part.first_frame != reached:
            break
        reached += len(part.single)
    if reached != last_frame or (ordered and ordered[-1].first_frame >= reached):
        raise ToolFailed("The shot scores do not cover the recording.", code="scores_incomplete")
    return ShotScores(
        first_frame=first_frame,
        single=[score for part in ordered for score in part.single],
        many=[score for part in ordered for score in part.many],
        replaced=[frame for part in ordered for frame in part.replaced],
        added=[frame for part in ordered for frame in part.added],
        lit=[frame for part in ordered for frame in part.lit],
    )


def find_shots(scores: ShotScores, fps: float) -> Shots:
    """Cuts and events of a whole recording.

    A dissolve puts its cut in its middle, where the new picture starts to outweigh the old one and a change of crop shows
    least. What reaches the last frame begins no new shot.
    """
    count = len(scores.single)
    marked = [max(single, many) > THRESHOLD for single, many in zip(scores.single, scores.many, strict=True)]
    runs, replaced = _runs([frame for frame in range(count) if marked[frame]]), frozenset(scores.replaced)
    seen = [event for run in runs if run[-1] + 1 < count and (event := _event(run, scores, replaced))]
    seen += [_at(frame, "slide") for frame in scores.replaced if not _is_covered(frame, seen)]
    seen.sort(key=lambda event: event.start_frame)
    cuts = [(event.start_frame + event.end_frame) // 2 for event in seen]
    others = [_at(frame, "slide") for frame in scores.added if not _is_covered(frame, seen)]
    lights = [ShotEvent(kind="light", start_frame=run[0], end_frame=run[-1] + 1) for run in _runs(scores.lit)]
    others += [light for light in lights if not _meets(light.start_frame, light.end_frame, seen)]
    events = sorted([*seen, *others], key=lambda event: event.start_frame)
    return Shots(fps=fps, frame_count=count, cuts=cuts, events=events)


def _runs(frames: Sequence[int]) -> list[list[int]]:
    """Frames that follow one another."""
    numbered = groupby(enumerate(frames), key=lambda pair: pair[1] - pair[0])
    return [[frame for _, frame in run] for _, run in numbered]


def _event(marked: Sequence[int], scores: ShotScores, replaced: Container[int]) -> ShotEvent | None:
    """A long run is a dissolve; a short one is a cut after its likeliest frame, if the single-frame head agrees."""
    if len(marked) >= SHORTEST_DISSOLVE:
        return ShotEvent(kind="dissolve", start_frame=marked[0], end_frame=marked[-1] + 1)
    peak = max(marked, key=scores.single.__getitem__)
    if scores.single[peak] <= THRESHOLD:
        return None
    return _at(peak + 1, "slide" if peak + 1 in replaced else "cut")


def _at(frame: int, kind: Literal["cut", "slide"]) -> ShotEvent:
    return ShotEvent(kind=kind, start_frame=frame, end_frame=frame)


def _is_covered(frame: int, events: Sequence[ShotEvent]) -> bool:
    return _meets(frame - SAME_CUT_FRAMES, frame + SAME_CUT_FRAMES, events)


def _meets(first: int, last: int, events: Sequence[ShotEvent]) -> bool:
    """Whether one of the events reaches into `first` to `last`, both included. The events are apart, and in order."""
    begun = bisect_right(events, last, key=lambda event: event.start_frame)
    return begun > 0 and events[begun - 1].end_frame >= first
