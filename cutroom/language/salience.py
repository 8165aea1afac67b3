"""How much each sentence of a talk says of it: what others are like, what tells something, what closes a passage worth hearing.

The features are standardised over the talk, and but for the first one of equal weight: with a handful of labelled talks to
learn from, equal weights do as well as fitted ones (Dawes 1979). What passages are worth comes from the picker of clips.
"""

import re
from dataclasses import dataclass

import numpy as np

from cutroom.media.cues import SURE_TO_CONCLUDE, Numbers
from cutroom.media.features import Places, Talk

SHORTEST_S, LONGEST_S, MOST_LINES = 15.0, 60.0, 40  # of passages
LEAST_WORDS = 4
BREVITY = 0.25  # the power of its words by which a sentence is worth less
SURENESS = 2.0
MOST_PHRASES = 2
_TO_THE_ROOM = re.compile(r"^(?:(?:i'm |i am )?(?:so |very )?sorry|excuse me|pardon me|stop it|noted)\b|\b(?:ma'am|madam|sir),")


@dataclass(frozen=True)
class Scores:
    """Of each line, above 0: how much it tells of the talk for its length, and how well it is quoted."""

    worth: Numbers
    quotable: Numbers


def scores(talk: Talk, central: Numbers) -> Scores:
    """`central`: how like the others each line is."""
    every = np.arange(len(talk.lines))
    alone = talk.features(every, every)
    around, closing = _passages(talk)
    telling_of = _together(central, central, talk.found["content"].clip(0, 12), alone["numbers"], alone["payoff"], closing)
    return Scores(
        worth=telling_of / talk.found["words"] ** BREVITY,
        quotable=_together(alone["opening"], alone["standalone"], alone["payoff"], alone["precision"], around, closing),
    )


def telling(talk: Talk) -> list[bool]:
    """Which lines may stand for the talk: no question, chatter, notice, apology, pointing at a screen. All where none is left."""
    found = talk.found
    aside = found["asking"] + found["chatter"] + found["unseen"] + (found["housekeeping"] >= 2)
    aside += [talk.english and bool(_TO_THE_ROOM.search(text)) for text in talk.low]
    kept = (aside == 0) & (found["words"] >= LEAST_WORDS)
    return [bool(keep) or not kept.any() for keep in kept]


def reason(talk: Talk, line: int) -> str:
    """What speaks for quoting a line: what is counted in it."""
    figures = round(talk.found["figure"][line])
    told = [
        ("draws a conclusion", talk.english and bool(SURE_TO_CONCLUDE.match(talk.low[line]))),
        (f"names {figures} figure{'s' * (figures > 1)}", figures > 0),
        ("turns on a contrast", talk.found["contrast"][line] > 0),
        ("tells what somebody said", talk.found["quoting"][line] > 0),
        ("gives a reason", talk.found["cause"][line] > 0),
    ]
    phrases = [phrase for phrase, holds in told if holds][:MOST_PHRASES]
    return f"It {' and '.join(phrases)}." if phrases else "It stands by itself and closes one of the best passages."


def _passages(talk: Talk) -> tuple[Numbers, Numbers]:
    """For each line, the points of the best passage that holds it and of the best that it ends; else the least of all."""
    first, last = _runs(talk)
    points = np.sum(list(talk.points(first, last).values()), axis=0)
    around, closing = np.full((2, len(talk.lines)), points.min())
    np.maximum.at(closing, last, points)
    for begin, end, value in zip(first.tolist(), last.tolist(), points.tolist(), strict=True):
        np.maximum(around[begin : end + 1], value, out=around[begin : end + 1])
    return around, closing


def _runs(talk: Talk) -> tuple[Places, Places]:
    """First and last line of every run of the wanted length; of the whole talk where it has none."""
    lines = talk.lines
    found = [
        (first, last)
        for first in range(len(lines))
        for last in range(first, min(first + MOST_LINES, len(lines)))
        if SHORTEST_S <= lines[last].end_s - lines[first].start_s <= LONGEST_S
    ]
    first, last = np.array(found or [(0, len(lines) - 1)]).T
    return first, last


def _together(*features: Numbers) -> Numbers:
    """0 to 1, by the mean of features, each standardised; one that is the same everywhere says nothing."""
    spreads = [(feature - feature.mean()) / (feature.std() or 1.0) for feature in features]
    return np.asarray(1 / (1 + np.exp(-SURENESS * np.mean(spreads, axis=0))))
