"""From scores to shots. Pure.

The network's single-frame head marks one frame of each transition, its many-frame head all frames of it. Measured on
talks with known cuts, a hard cut between frames c-1 and c marks c-1 alone, and a dissolve marks its mixed frames.
"""

from collections.abc import Sequence
from itertools import groupby

from cutroom.contracts.documents import ShotEvent, Shots, ShotScores
from cutroom.errors import ArtifactMissing

THRESHOLD = 0.5
SHORTEST_DISSOLVE = 4


def join_scores(parts: Sequence[ShotScores], frame_count: int) -> ShotScores:
    """The parts of a recording, in any order, as one. Raises ArtifactMissing where they do not cover it exactly."""
    single: list[float] = []
    many: list[float] = []
    for part in sorted(parts, key=lambda part: part.first_frame):
        if part.first_frame != len(single):
            break
        single += part.single
        many += part.many
    if len(single) != frame_count:
        raise ArtifactMissing("The shot scores do not cover the whole recording; detect its shots again.", code="scores_incomplete")
    return ShotScores(first_frame=0, single=single, many=many)


def find_shots(scores: ShotScores, fps: float) -> Shots:
    """Cuts and events of a whole recording.

    Events are ranges `start_frame:end_frame` (past the end) of mixed frames: a cut mixes none, so both are the first frame
    of the new shot. A dissolve puts its cut in the middle, where the new picture starts to outweigh the old one and a
    change of crop shows least. What reaches the last frame begins no new shot.
    """
    count = len(scores.single)
    marked = [max(single, many) > THRESHOLD for single, many in zip(scores.single, scores.many, strict=True)]
    events = []
    for is_marked, run in groupby(range(count), key=marked.__getitem__):
        frames = list(run)
        if is_marked and frames[-1] + 1 < count:
            event = _event(frames, scores.single)
            events += [event] if event else []
    cuts = [(event.start_frame + event.end_frame) // 2 for event in events]
    return Shots(fps=fps, frame_count=count, cuts=cuts, events=events)


def _event(marked: list[int], single: Sequence[float]) -> ShotEvent | None:
    """A long run is a dissolve; a short one is a cut after its likeliest frame, if the single-frame head agrees."""
    if len(marked) >= SHORTEST_DISSOLVE:
        return ShotEvent(kind="dissolve", start_frame=marked[0], end_frame=marked[-1] + 1)
    peak = max(marked, key=single.__getitem__)
    if single[peak] <= THRESHOLD:
        return None
    return ShotEvent(kind="cut", start_frame=peak + 1, end_frame=peak + 1)
