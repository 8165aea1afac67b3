"""Other ways to pick passages: by chance, the loudest, and those whose sentences are most alike all others (TextRank)."""

import math
import random
from collections.abc import Sequence

import numpy as np

from bench.labelled import Labelled, Passage
from cutroom.local.sample_script import Line
from cutroom.local.sample_speech import speak_lines
from cutroom.media.cues import Numbers, plain
from cutroom.media.subjects import terms

DAMPING, ROUNDS = 0.85, 60


def by_chance(all_: Sequence[Passage], count: int, seed: int) -> list[Passage]:
    """Passages that do not overlap, each drawn from all that are left."""
    draw, left, picks = random.Random(seed), list(all_), list[Passage]()
    while left and len(picks) < count:
        picks.append(draw.choice(left))
        left = [passage for passage in left if passage.last < picks[-1].first or passage.first > picks[-1].last]
    return picks


def loudest(labelled: Labelled, all_: Sequence[Passage], count: int) -> list[Passage]:
    """Of the loudest sound, which espeak-ng's voices make: they stress words, but they do not laugh or shout."""
    said = labelled.transcript.sentences
    voices = sorted({s.speaker or "" for s in said})
    lines = [Line("A" if voices.index(s.speaker or "") % 2 == 0 else "B", s.text) for s in said]
    power = [float(np.mean(samples.astype(float) ** 2)) for samples in speak_lines(lines)]
    return _highest(labelled, np.array(power), all_, count)


def textrank(labelled: Labelled, all_: Sequence[Passage], count: int) -> list[Passage]:
    """Of the highest mean rank."""
    return _highest(labelled, ranks(labelled), all_, count)


def ranks(labelled: Labelled) -> Numbers:
    """Of each sentence: PageRank over sentences joined by their common words (Mihalcea and Tarau, 2004)."""
    bags = [set(terms(plain(s.text))) for s in labelled.transcript.sentences]
    sizes = [math.log(len(bag) + 1) + 1e-9 for bag in bags]
    alike = np.array([[len(a & b) / (x + y) for b, y in zip(bags, sizes, strict=True)] for a, x in zip(bags, sizes, strict=True)])
    np.fill_diagonal(alike, 0)
    flow = alike / alike.sum(axis=0).clip(1e-9)
    rank = np.ones(len(bags)) / len(bags)
    for _ in range(ROUNDS):
        rank = (1 - DAMPING) / len(bags) + DAMPING * flow @ rank
    return rank


def _highest(labelled: Labelled, worth: Numbers, all_: Sequence[Passage], count: int) -> list[Passage]:
    """By the mean over their time, the best first, none overlapping."""
    seconds = np.array([s.end_s - s.start_s for s in labelled.transcript.sentences])
    sums, times = (np.concatenate([[0.0], np.cumsum(column)]) for column in (worth * seconds, seconds))
    picks: list[Passage] = []
    for passage in sorted(all_, key=lambda p: -(sums[p.last + 1] - sums[p.first]) / (times[p.last + 1] - times[p.first])):
        if len(picks) < count and all(passage.last < pick.first or passage.first > pick.last for pick in picks):
            picks.append(passage)
    return picks
