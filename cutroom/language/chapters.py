"""Where the subject of a talk changes: the division of its lines that makes its words most probable.

The model of Utiyama and Isahara (2001): each chapter draws its terms from a distribution of its own, smoothed by Laplace, and
each more of them costs. A chapter rather begins after a pause, at a word that restarts, or where another voice asks; it lasts a
minute, where the talk does.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from cutroom.media.cues import RESTARTING, Numbers
from cutroom.media.features import Talk

FEWEST, MOST = 6, 200  # lines of a chapter
LEAST_S = 60.0
SHORT = 1000.0  # of log-probability, for no time at all: more than any other reason, and no division is impossible
COST = 2.25  # of a chapter, times the logarithm of the number of terms
PAUSE, RESTART, ASKED = 6.0, 3.0, 4.0  # of log-probability


def openings(talk: Talk, bags: Sequence[Sequence[str]]) -> list[int]:
    """The first line of each chapter, 0 among them. `bags`: the terms of each line."""
    count = len(bags)
    hints = _hints(talk)
    share = min(1.0, MOST / count)  # of a long talk as many lines as a chapter has count, so that its chapters are no longer
    known, said = len({term for bag in bags for term in bag}) * math.sqrt(share), sum(map(len, bags)) * share  # Heaps' law
    cost = COST * math.log(said + 1)
    best, came = np.full(count + 1, math.inf), [0] * (count + 1)
    best[0] = 0.0
    for first in range(count):
        if not math.isfinite(best[first]):
            continue
        before, rate, terms, seen = best[first] + cost - hints[first], 0.0, 0, Counter[str]()
        for last in range(first, min(first + MOST, count)):
            for term in bags[last]:
                had = seen[term]
                rate += (had + 1) * math.log(had + 2) - (had * math.log(had + 1))
                seen[term] = had + 1
            terms += len(bags[last])
            lacking = max(0.0, 1 - (talk.lines[last].end_s - talk.lines[first].start_s) / LEAST_S)
            value = before + terms * math.log(terms + known + 1) - rate + SHORT * lacking
            if value < best[last + 1] and (last - first + 1 >= FEWEST or (first == 0 and last == count - 1)):
                best[last + 1], came[last + 1] = value, first
    found = [came[count]]
    while found[-1] > 0:
        found.append(came[found[-1]])
    return found[::-1]


def _hints(talk: Talk) -> Numbers:
    """For each line, how much speaks for a chapter that begins with it, beside its words; 0 on the average and for the first."""
    speakers = [line.speaker for line in talk.lines]
    asks = talk.found["asking"] + np.append(talk.found["asking"][1:], 0.0)
    other = np.array([False, *(one != before for before, one in pairwise(speakers))])
    restarts = np.array([talk.english and bool(RESTARTING.match(text)) for text in talk.low])
    hints = PAUSE * talk.rests[:-1] + RESTART * restarts + ASKED * (other & (asks > 0))
    hints[0] = 0.0
    hints[1:] -= hints[1:].mean() if len(hints) > 1 else 0.0
    return np.asarray(hints)
