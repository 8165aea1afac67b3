"""From scores to shots. Pure.

The network's single-frame head marks one frame of each transition, its many-frame head all frames of it. Measured on
talks with known cuts, a hard cut between frames c-1 and c marks c-1 alone, and a dissolve marks its mixed frames.
"""

from collections.abc import Sequence
from itertools import groupby

from cutroom.contracts.documents import ShotEvent, Shots, ShotScores
from cutroom.errors import ToolFailed

ENGINE = "transnetv2"
VERSION = 1

THRESHOLD = 0.5
SHORTEST_DISSOLVE = 4
SAME_CUT_FRAMES = 2


def join_scores(parts: Sequence[ShotScores], first_frame: int, last_frame: int) -> ShotScores:
    """Parts, in any order, as one. Raises ToolFailed where they do not tile `first_frame:last_frame`."""
    single: list[float] = []
    many: list[float] = []
    replaced: list[int] = []
    for part in sorted(parts, key=lambda part: part.first_frame):
        if part.first_frame != first_frame + len(single):
            break
        single += part.single
        many += part.many
        replaced += part.replaced
    if len(single) != last_frame - first_frame:
        raise ToolFailed("The shot scores do not cover the recording.", code="scores_incomplete")
    return ShotScores(first_frame=first_frame, single=single, many=many, replaced=replaced)


def find_shots(scores: ShotScores, fps: float) -> Shots:
    """Cuts and events of a whole recording.

    A dissolve puts its cut in its middle, where the new picture starts to outweigh the old one and a change of crop shows
    least. What reaches the last frame begins no new shot.
    """
    count = len(scores.single)
    marked = [max(single, many) > THRESHOLD for single, many in zip(scores.single, scores.many, strict=True)]
    runs = [list(frames) for is_marked, frames in groupby(range(count), key=marked.__getitem__) if is_marked]
    events = [event for run in runs if run[-1] + 1 < count and (event := _event(run, scores.single))]
    events += [_cut(frame) for frame in scores.replaced if not any(_covers(event, frame) for event in events)]
    events.sort(key=lambda event: event.start_frame)
    cuts = [(event.start_frame + event.end_frame) // 2 for event in events]
    return Shots(fps=fps, frame_count=count, cuts=cuts, events=events)


def _event(marked: Sequence[int], single: Sequence[float]) -> ShotEvent | None:
    """A long run is a dissolve; a short one is a cut after its likeliest frame, if the single-frame head agrees."""
    if len(marked) >= SHORTEST_DISSOLVE:
        return ShotEvent(kind="dissolve", start_frame=marked[0], end_frame=marked[-1] + 1)
    peak = max(marked, key=single.__getitem__)
    return _cut(peak + 1) if single[peak] > THRESHOLD else None


def _cut(frame: int) -> ShotEvent:
    return ShotEvent(kind="cut", start_frame=frame, end_frame=frame)


def _covers(event: ShotEvent, frame: int) -> bool:
    return event.start_frame - SAME_CUT_FRAMES <= frame <= event.end_frame + SAME_CUT_FRAMES
