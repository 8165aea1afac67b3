"""How found cuts compare with true ones: pairs within two frames; what is found inside a dissolve is neither right nor wrong."""

from collections.abc import Sequence
from typing import NamedTuple

from bench.truth import Frames

NEAR = 2


class Compared(NamedTuple):
    pairs: int
    missed: int
    wrong: int

    @property
    def f1(self) -> float:
        """Nothing found where nothing is to be found is 1."""
        total = 2 * self.pairs + self.missed + self.wrong
        return 2 * self.pairs / total if total else 1.0


def compared(found: Sequence[int], cuts: Sequence[int], dissolves: Sequence[Frames]) -> Compared:
    """All in frames of the same rate."""
    pairs, free = 0, sorted(found)
    for cut in cuts:
        near = min(free, key=lambda frame: abs(frame - cut), default=None)
        if near is not None and abs(near - cut) <= NEAR:
            free.remove(near)
            pairs += 1
    wrong = sum(not any(within(frame, span) for span in dissolves) for frame in free)
    return Compared(pairs, len(cuts) - pairs, wrong)


def within(frame: int, span: Frames) -> bool:
    return span.first - NEAR <= frame <= span.past + NEAR
