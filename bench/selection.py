"""How good the choice of passages is, on transcripts with labels, beside chance and two simple pickers.

    python -m bench.selection [TRANSCRIPT.json ...] [--min-s 15] [--max-s 60] [--count 5] [--curve] [--json]
    python -m bench.selection --fit TRANSCRIPT.json ... --out cutroom/media/weights.toml

A pick counts for a label where their sentences overlap with F1 >= .5. For a transcript that the shipped weights were fitted on,
weights are fitted anew on the others of them (given, beside it, or in ../shared/transcripts); any other gets those that ship.
Without transcripts it measures ../shared/transcripts, or else bench/talks.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from bench.fit_selection import fit, passages, written
from bench.held_out import NEARBY, OWN, held_out_weights
from bench.labelled import Labelled, Passage, read_labelled
from bench.pickers import by_chance, loudest, textrank
from bench.report import Figure, Part, at_least, at_most, show
from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import Shots
from cutroom.media.cues import Numbers
from cutroom.media.selection import select
from cutroom.media.weights import WEIGHTS, Weights

WISHES = ClipWishes(count=5, min_s=15, max_s=60)  # as the API has them where nothing is wished
OTHER_LENGTHS = ((20.0, 60.0), (30.0, 90.0))
DRAWS, PERMUTATIONS = 1000, 20_000
LIMIT_P, LEAST_PICKS = 0.05, 10
AROUND_S = 0.8  # of silence that a clip has beside its sentences, at most

Picks = list[list[Passage]]  # of each transcript


@dataclass(frozen=True)
class Marks:
    """What picks are worth: the mean of their grades, and the shares that begin and end badly."""

    grade: float
    bad_starts: float
    bad_ends: float


def measure(paths: Sequence[Path], wishes: ClipWishes = WISHES, curve: bool = False) -> Part:
    """Raises KeyError where a file is not in the format of `labelled.py`."""
    paths = paths or sorted(NEARBY.glob("*.json"))
    alone = [] if paths else ["Labelled transcripts were neither given nor found in ../shared: this is the one that ships."]
    paths = paths or sorted(OWN.glob("*.json"))
    read = [read_labelled(path) for path in paths]
    given = [
        one for one in read if all(_every(one, wishes.model_copy(update={"min_s": s, "max_s": t})) for s, t in _lengths(wishes))
    ]
    if not given:
        raise ValueError("No transcript has passages of all the lengths asked for.")
    weights = held_out_weights(given, paths)
    ours = _ours(given, wishes, weights)
    every = [_every(one, wishes) for one in given]
    longer = [_every(one, wishes.model_copy(update={"min_s": (wishes.min_s + wishes.max_s) / 2})) for one in given]
    chance = [[by_chance(all_, wishes.count, seed) for all_ in every] for seed in range(DRAWS)]
    others = {
        "loudest": [loudest(one, all_, wishes.count) for one, all_ in zip(given, longer, strict=True)],
        "textrank": [textrank(one, all_, wishes.count) for one, all_ in zip(given, longer, strict=True)],
    }
    drawn = [_marks(given, picks) for picks in chance]
    marks = {name: _marks(given, picks) for name, picks in others.items()}
    marks["random"] = Marks(*(mean(getattr(one, name) for one in drawn) for name in ("grade", "bad_starts", "bad_ends")))
    figures = [
        *_figures(_marks(given, ours), marks),
        _chance("random", _share(drawn, _marks(given, ours).grade), ours),
        *(_chance(name, _permuted(given, ours, picks), ours) for name, picks in others.items()),
        *_other_lengths(given, wishes, weights),
        *(Figure(f"mean grade, {one.name}", _marks([one], [picks]).grade) for one, picks in zip(given, ours, strict=True)),
        *(_curve(given, wishes) if curve else []),
    ]
    short = [f"Left out, for want of passages of every length: {one.name}." for one in read if one not in given]
    return Part("selection", [one.name for one in given], figures, [*_notes(given, wishes, weights), *short, *alone])


def _lengths(wishes: ClipWishes) -> list[tuple[float, float]]:
    return [((wishes.min_s + wishes.max_s) / 2, wishes.max_s), *OTHER_LENGTHS]


def _figures(ours: Marks, others: Mapping[str, Marks]) -> list[Figure]:
    best = max(other.grade for other in others.values())
    return [
        at_least("mean grade of the picks", ours.grade, best, peers={name: other.grade for name, other in others.items()}),
        *(
            at_most(
                f"picks that {verb} badly",
                100 * getattr(ours, name),
                100 * getattr(others["random"], name),
                "%",
                {peer: 100 * getattr(other, name) for peer, other in others.items()},
            )
            for name, verb in (("bad_starts", "begin"), ("bad_ends", "end"))
        ),
    ]


def _chance(name: str, p: float, ours: Picks) -> Figure:
    """Of a few picks, no difference could be sure: the figure is then only shown."""
    title = f"chance of {name} as good"
    return at_most(title, p, LIMIT_P, "p") if sum(map(len, ours)) >= LEAST_PICKS else Figure(title, p, "p")


def _other_lengths(given: Sequence[Labelled], wishes: ClipWishes, weights: Sequence[Weights]) -> list[Figure]:
    figures = []
    for min_s, max_s in OTHER_LENGTHS:
        asked = wishes.model_copy(update={"min_s": min_s, "max_s": max_s})
        chance = [_marks(given, [by_chance(_every(one, asked), asked.count, seed) for one in given]).grade for seed in range(100)]
        grade = _marks(given, _ours(given, asked, weights)).grade
        figures.append(at_least(f"mean grade, {min_s:.0f} to {max_s:.0f} s", grade, mean(chance), peers={"random": mean(chance)}))
    return figures


def _curve(given: Sequence[Labelled], wishes: ClipWishes) -> list[Figure]:
    """Leaving one file out: the mean grade with weights fitted on the next one, two, ... of the others."""
    figures = []
    for size in range(1, len(given)):
        weights = [fit([given[(i + step) % len(given)] for step in range(1, size + 1)]) for i in range(len(given))]
        figures.append(Figure(f"mean grade, fitted on {size} other", _marks(given, _ours(given, wishes, weights)).grade))
    return figures


def _ours(given: Sequence[Labelled], wishes: ClipWishes, weights: Sequence[Weights]) -> Picks:
    return [_chosen(one, wishes, used) for one, used in zip(given, weights, strict=True)]


def _chosen(one: Labelled, wishes: ClipWishes, weights: Weights) -> list[Passage]:
    unseen = Shots(fps=25, frame_count=0, cuts=[])
    clips = select(one.transcript, unseen, wishes, one.transcript.duration_s, weights=weights).clips
    return [Passage(clip.first_sentence, clip.last_sentence - 1) for clip in clips]


def _every(one: Labelled, wishes: ClipWishes) -> list[Passage]:
    first, last = passages(one, wishes.min_s - AROUND_S, wishes.max_s - AROUND_S)
    return [Passage(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _grades(given: Sequence[Labelled], picks: Picks) -> list[Numbers]:
    return [np.array(one.grades(some), float) for one, some in zip(given, picks, strict=True)]


def _marks(given: Sequence[Labelled], picks: Picks) -> Marks:
    """Every pick counts the same."""
    pairs = [(one, pick) for one, some in zip(given, picks, strict=True) for pick in some]
    return Marks(
        float(np.concatenate(_grades(given, picks)).mean()),
        mean(pick.first in one.bad_starts for one, pick in pairs),
        mean(pick.last in one.bad_ends for one, pick in pairs),
    )


def _share(drawn: Sequence[Marks], grade: float) -> float:
    return (1 + sum(one.grade >= grade for one in drawn)) / (1 + len(drawn))


def _permuted(given: Sequence[Labelled], ours: Picks, theirs: Picks) -> float:
    """One-sided permutation test: how often grades, dealt anew to the two pickers within each transcript, differ as much."""
    rng, total = np.random.default_rng(1), np.zeros(PERMUTATIONS)
    difference = 0.0
    for our, their in zip(_grades(given, ours), _grades(given, theirs), strict=True):
        pool = np.concatenate([our, their])
        dealt = rng.permuted(np.tile(pool, (PERMUTATIONS, 1)), axis=1)
        total += dealt[:, : len(our)].sum(axis=1)
        difference += our.sum()
    return float((1 + (total >= difference - 1e-9).sum()) / (1 + PERMUTATIONS))


def _notes(given: Sequence[Labelled], wishes: ClipWishes, weights: Sequence[Weights]) -> list[str]:
    left_out = [one.name for one, used in zip(given, weights, strict=True) if used is not WEIGHTS]
    learned = [
        one.name for one, used in zip(given, weights, strict=True) if used is WEIGHTS and one.fingerprint in WEIGHTS.fitted_on
    ]
    unseen = [one.name for one in given if one.fingerprint not in WEIGHTS.fitted_on]
    return [
        f"{wishes.count} clips of {wishes.min_s:g} to {wishes.max_s:g} s; grades: 3 excellent, 2 good, 0 neither, -2 a trap.",
        "Random: 1000 draws among all passages of that length. Loudest and TextRank: among those of the upper half of it.",
        "Word lists and settings were chosen with all known transcripts in view: leaving one out covers fitted weights only.",
        "The transcripts have no sound: espeak-ng speaks them for the loudest; ours hears and sees nothing and is neutral there.",
        *([f"Chosen by weights fitted on the others alone: {', '.join(left_out)}."] if left_out else []),
        *([f"Never seen as the weights were fitted: {', '.join(unseen)}."] if unseen else []),
        *([f"The weights were fitted on these, whose figures say nothing of others: {', '.join(learned)}."] if learned else []),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("transcripts", nargs="*", type=Path)
    parser.add_argument("--min-s", type=float, default=WISHES.min_s)
    parser.add_argument("--max-s", type=float, default=WISHES.max_s)
    parser.add_argument("--count", type=int, default=WISHES.count)
    parser.add_argument("--curve", action="store_true", help="also how the grade grows with transcripts to learn from")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fit", action="store_true", help="write weights instead of measuring")
    parser.add_argument("--out", type=Path, help="where to write them")
    asked = parser.parse_args()
    if asked.fit:
        asked.out.write_text(written(fit([read_labelled(path) for path in asked.transcripts])), encoding="utf-8")
        return 0
    wishes = ClipWishes(count=asked.count, min_s=asked.min_s, max_s=asked.max_s)
    try:
        part = measure(asked.transcripts, wishes, asked.curve)
    except ValueError as error:
        parser.error(str(error))
    return show(part, asked.json)


if __name__ == "__main__":
    sys.exit(main())
