"""Which passages of a talk become clips. Pure: transcript, shots, sound and wishes in, a `Selection` out.

Every run of whole sentences within the wished length is a passage, scored by the features of `features.py`. Of all sets of
passages that do not overlap, the one with the highest sum of scores less sameness is found: exactly, unless the talk repeats
itself throughout. Where sentences are so short that there would be too many passages, the shortest go with their neighbours.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import ClipChoice, Selection, Shots, Transcript
from cutroom.language.titles import title
from cutroom.media.best_set import best_set
from cutroom.media.cues import Numbers, plain
from cutroom.media.features import Talk
from cutroom.media.reasons import why
from cutroom.media.subjects import Sameness, Subjects
from cutroom.media.units import Unit, clear_of_cuts, joined, units_of
from cutroom.media.weights import WEIGHTS, Weights
from cutroom.speech.prosody import SentenceSound

VERSION = 4

ROUNDED_S = 0.0015  # what a clip may lack because both its ends are told in milliseconds
FRAME_S = 0.04  # rendering moves an end by up to a frame
LEAST_PIECE_S = 5.0
CANDIDATES = 20
MOST_PASSAGES = 50_000  # four hours of sentences of four seconds have 45,000 of a minute at most
MOST_SHARED = 0.5  # of the shorter of two candidates
SAME_FROM, SAME_POINTS = 0.5, 40.0  # passages of a higher cosine say the same: so many points at a cosine of 1


@dataclass(frozen=True)
class Span:
    """Units `first` to `last`, both included, cut out from `start_s` to `end_s`."""

    first: int
    last: int
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


def select(
    transcript: Transcript,
    shots: Shots,
    wishes: ClipWishes,
    duration_s: float,
    sounds: Sequence[SentenceSound] | None = None,
    topic: str = "",
    weights: Weights = WEIGHTS,
    on_step: Callable[[int], None] = lambda _: None,
) -> Selection:
    """At most `wishes.count` clips, best first; fewer, with a warning, where the talk has no more.

    `sounds`: of each sentence. `topic`: only passages that have a word of it are taken, if any has. A source shorter than
    `wishes.min_s` gives one clip of all of it; a source without words gives parts of it, begun at cuts of the picture.
    `on_step` hears of each step of long work.
    """
    cuts_s = [cut / shots.fps for cut in shots.cuts] if shots.fps else []
    units, spans = _spans(transcript, wishes, duration_s, sounds, cuts_s)
    if not spans:
        return _without_words(cuts_s, wishes, duration_s)
    talk = Talk([unit.line for unit in units], wishes.min_s, wishes.max_s, cuts_s, topic, weights)
    spans = _on_topic(spans, talk)
    scored = _Scored(spans, units, talk)
    best = sorted(scored.best(wishes.count, on_step), key=lambda place: (-scored.scores[place], spans[place].start_s))
    clips = [scored.choice(ordinal, place) for ordinal, place in enumerate(best, 1)]
    warnings = [_fewer(wishes.count, len(clips), talk.on_topic)] if len(clips) < wishes.count else []
    if duration_s >= wishes.min_s > min(clip.end_s - clip.start_s for clip in clips) + ROUNDED_S:
        warnings.append("Some clips are shorter than you asked for: whole sentences of that length are not there.")
    if topic.strip() and not talk.on_topic:
        warnings.append("No word of the topic is said in the recording, so it was left out of account; try words that are said.")
    return Selection(clips=clips, candidates=scored.candidates(best), warnings=warnings)


def chosen_again(candidates: Sequence[ClipChoice], count: int) -> list[ClipChoice]:
    """At most `count` clips, best first, of candidates whose scores have changed: those that do not overlap and have the
    highest sum of scores less sameness.
    """
    begin, end = np.array([c.start_s for c in candidates]), np.array([c.end_s for c in candidates])
    places = np.arange(len(candidates))
    same = Sameness(Subjects([plain(c.text) for c in candidates]), places, places)
    found = best_set(begin, end, np.array([c.score for c in candidates]), count, lambda place: _cost(same.of(place)))
    best = sorted((candidates[place] for place in found), key=lambda c: (-c.score, c.start_s))
    return [choice.model_copy(update={"ordinal": ordinal}) for ordinal, choice in enumerate(best, 1)]


class _Scored:
    """Passages and their points."""

    def __init__(self, spans: Sequence[Span], units: Sequence[Unit], talk: Talk) -> None:
        self._spans, self._units, self._talk = spans, units, talk
        self._first, self._last = np.array([s.first for s in spans]), np.array([s.last for s in spans])
        self._begin, self._end = np.array([s.start_s for s in spans]), np.array([s.end_s for s in spans])
        self._points = talk.points(self._first, self._last)
        self.scores: Numbers = np.sum(list(self._points.values()), axis=0)

    def best(self, count: int, on_step: Callable[[int], None]) -> list[int]:
        same = Sameness(self._talk.subjects, self._first, self._last)
        return best_set(self._begin, self._end, self.scores, count, lambda place: _cost(same.of(place)), on_step)

    def candidates(self, best: Sequence[int]) -> list[ClipChoice]:
        """The chosen passages and the best others that share little with those before them, by score."""
        kept = list(best)
        for place in np.argsort(-self.scores, kind="stable").tolist():
            if len(kept) >= CANDIDATES:
                break
            shared = np.minimum(self._end[kept], self._end[place]) - np.maximum(self._begin[kept], self._begin[place])
            shorter = np.minimum(self._end[kept] - self._begin[kept], self._end[place] - self._begin[place])
            if (shared <= MOST_SHARED * shorter).all():
                kept.append(place)
        kept.sort(key=lambda place: (-self.scores[place], self._begin[place]))
        return [self.choice(ordinal, place) for ordinal, place in enumerate(kept, 1)]

    def choice(self, ordinal: int, place: int) -> ClipChoice:
        span, shown = self._spans[place], self._units[self._spans[place].first : self._spans[place].last + 1]
        parts = {name: float(points[place]) for name, points in self._points.items()}
        sentences = [unit.line.text for unit in shown]
        return ClipChoice(
            ordinal=ordinal,
            start_s=round(span.start_s, 3),
            end_s=round(span.end_s, 3),
            first_sentence=shown[0].sentence,
            last_sentence=shown[-1].last_sentence + 1,
            title=title(sentences, self._talk.openings[span.first : span.last + 1].tolist()),
            text=" ".join(sentences),
            score=round(sum(parts.values()), 1),
            score_parts={name: round(share, 1) for name, share in parts.items()},
            why=why(self._talk, span.first, span.last, span.length_s, parts),
        )


def _cost(likeness: Numbers) -> Numbers:
    return SAME_POINTS * ((likeness - SAME_FROM) / (1 - SAME_FROM)).clip(0, 1)


def _on_topic(spans: Sequence[Span], talk: Talk) -> Sequence[Span]:
    """Those that have a word of the topic; all of them where none has."""
    if not talk.on_topic:
        return spans
    fit = talk.fit(np.array([s.first for s in spans]), np.array([s.last for s in spans]))
    return [span for span, has in zip(spans, fit > 0, strict=True) if has] or spans


def _spans(
    transcript: Transcript,
    wishes: ClipWishes,
    duration_s: float,
    sounds: Sequence[SentenceSound] | None,
    cuts_s: Sequence[float],
) -> tuple[list[Unit], Sequence[Span]]:
    """Runs of whole sentences of the wished length; else of pieces of sentences; else the nearest below it.

    Single words that are too long, a fault of captions, are cut off.
    """
    whole = _bounded(units_of(transcript, duration_s, wishes.max_s, sounds), wishes.max_s)
    if not whole or duration_s < wishes.min_s:
        return whole, [Span(0, len(whole) - 1, 0.0, duration_s)] if whole else []
    margin = FRAME_S if wishes.max_s - wishes.min_s > 1 else 0.0
    pieces = units_of(transcript, duration_s, max(LEAST_PIECE_S, (wishes.max_s - wishes.min_s) / 2), sounds)
    for units in (clear_of_cuts(whole, cuts_s), clear_of_cuts(_bounded(pieces, wishes.max_s), cuts_s)):
        spans = [s for s in _runs(units, wishes.max_s - margin) if s.length_s >= wishes.min_s + margin]
        if spans:
            return units, spans
    longest = [list(runs)[-1] for _, runs in groupby(_runs(whole, wishes.max_s), key=lambda span: span.first)]
    if longest:
        return whole, [_widened(span, whole, wishes.min_s) for span in longest]
    ends = [min(unit.line.end_s, unit.line.start_s + wishes.max_s) for unit in whole]
    return whole, [Span(i, i, unit.line.start_s, end) for i, (unit, end) in enumerate(zip(whole, ends, strict=True))]


def _bounded(units: list[Unit], max_s: float) -> list[Unit]:
    """Units with MOST_PASSAGES runs no longer than `max_s` at most: the shortest are joined to those that follow until it is so."""
    least_s = 0.5
    while least_s < max_s and _count(units, max_s) > MOST_PASSAGES:
        least_s *= 2
        units = joined(units, least_s)
    return units


def _count(units: Sequence[Unit], max_s: float) -> int:
    """How many runs `_runs` gives."""
    ends = [unit.cut_out_s for unit in units]
    return sum(max(0, bisect_right(ends, unit.cut_in_s + max_s) - first) for first, unit in enumerate(units))


def _runs(units: Sequence[Unit], max_s: float) -> Iterator[Span]:
    """Every run of units no longer than `max_s`, by its first unit and then its length."""
    for first, unit in enumerate(units):
        for last in range(first, len(units)):
            span = Span(first, last, unit.cut_in_s, units[last].cut_out_s)
            if span.length_s > max_s:
                break
            yield span


def _widened(span: Span, units: Sequence[Unit], min_s: float) -> Span:
    """As much more of the silence around as `min_s` asks for, from both sides where both have some."""
    before = span.start_s - units[span.first].earliest_s
    after = units[span.last].latest_s - span.end_s
    need = max(0.0, min_s - span.length_s)
    back = min(before, max(need / 2, need - after))
    return Span(span.first, span.last, span.start_s - back, span.end_s + min(after, need - back))


def _fewer(asked: int, found: int, on_topic: bool = False) -> str:
    those = "speaking of the topic" if on_topic else "of the wished length"
    return f"You asked for {asked} clips; {found} {those} {'was' if found == 1 else 'were'} found."


def _without_words(cuts_s: Sequence[float], wishes: ClipWishes, duration_s: float) -> Selection:
    """Even parts of the recording, each begun at a cut of the picture where one leaves it room."""
    count = max(1, min(wishes.count, int(duration_s // wishes.min_s)))
    slot = duration_s / count
    length = min(slot, wishes.max_s)
    clips = []
    for index in range(count):
        opens = index * slot
        start = next((cut for cut in cuts_s if opens <= cut <= opens + slot - length), opens)
        clips.append(
            ClipChoice(
                ordinal=index + 1,
                start_s=round(start, 3),
                end_s=round(min(start + length, duration_s), 3),
                first_sentence=0,
                last_sentence=0,
                title=f"Part {index + 1}",
                text="",
                score=0.0,
                score_parts={},
                why=f"Nothing was heard to choose by: this is part {index + 1} of {count} even parts of the recording.",
            )
        )
    warnings = ["No speech was found: the clips are even parts of the recording."]
    return Selection(clips=clips, warnings=warnings + ([_fewer(wishes.count, count)] if count < wishes.count else []))
