"""Which passages of a talk become clips. Pure: transcript, shots and wishes in, a `Selection` out.

Every run of whole sentences within the wished length is a candidate, scored by the features of `features.py`. Of all sets
of candidates that do not overlap, the one with the highest sum of scores is found exactly.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import ClipChoice, Selection, Shots, Transcript
from cutroom.language.titles import title
from cutroom.media.features import Talk, points
from cutroom.media.units import Unit, units_of

VERSION = 1

FRAME_S = 0.04  # rendering moves an end by up to a frame
LEAST_PIECE_S = 5.0


@dataclass(frozen=True)
class Span:
    """Units `first` to `last`, both included, cut out from `start_s` to `end_s`."""

    first: int
    last: int
    start_s: float
    end_s: float
    score: float = 0.0

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


def select(
    transcript: Transcript, shots: Shots, wishes: ClipWishes, duration_s: float, loudness_db: Sequence[float] | None = None
) -> Selection:
    """At most `wishes.count` clips, best first; fewer, with a warning, where the talk has no more.

    `loudness_db`: of each sentence, against the mean of the talk. A source shorter than `wishes.min_s` gives one clip of
    all of it; a source without words gives parts of it, begun at cuts of the picture.
    """
    units, spans = _candidates(transcript, wishes, duration_s, loudness_db)
    if not spans:
        return _without_words(shots, wishes, duration_s)
    talk = Talk([unit.line for unit in units], wishes.min_s, wishes.max_s)
    scored = [Span(s.first, s.last, s.start_s, s.end_s, sum(points(talk.features(s.first, s.last)).values())) for s in spans]
    best = sorted(best_set(scored, wishes.count), key=lambda span: (-span.score, span.start_s))
    clips = [_choice(ordinal, span, units, talk) for ordinal, span in enumerate(best, 1)]
    warnings = [_fewer(wishes.count, len(clips))] if len(clips) < wishes.count else []
    if duration_s >= wishes.min_s > min(span.length_s for span in best) + 1e-6:
        warnings.append("Some clips are shorter than you asked for: whole sentences of that length are not there.")
    return Selection(clips=clips, warnings=warnings)


def best_set(spans: Sequence[Span], count: int) -> list[Span]:
    """At most `count` spans that do not overlap, with the highest sum of (positive) scores.

    Weighted interval scheduling by dynamic programming over the ends of spans, once for each number of clips: exact, in
    O(spans * count). The same spans in the same order give the same set.
    """
    ends = sorted({span.end_s for span in spans})
    closing: dict[float, list[tuple[Span, int]]] = defaultdict(list)
    for span in spans:
        closing[span.end_s].append((span, bisect_right(ends, span.start_s)))
    sums = [0.0] * (len(ends) + 1)  # the best that the clips so far can reach within the first e ends
    picks: list[list[tuple[Span, int] | None]] = []  # for each number of clips and each e, the last clip of that best
    for _ in range(count):
        reached: list[float] = [0.0]
        picked: list[tuple[Span, int] | None] = [None]
        for end in ends:
            best, pick = reached[-1], picked[-1]
            for span, before in closing[end]:
                if sums[before] + span.score > best:
                    best, pick = sums[before] + span.score, (span, before)
            reached.append(best)
            picked.append(pick)
        sums = reached
        picks.append(picked)
    found: list[Span] = []
    place = len(ends)
    for picked in reversed(picks):
        if (last := picked[place]) is None:
            break
        found.append(last[0])
        place = last[1]
    return found[::-1]


def _candidates(
    transcript: Transcript, wishes: ClipWishes, duration_s: float, loudness_db: Sequence[float] | None
) -> tuple[list[Unit], list[Span]]:
    """Runs of whole sentences of the wished length; else of pieces of sentences; else the nearest below it.

    Single words that are too long, a fault of captions, are cut off.
    """
    whole = units_of(transcript, duration_s, wishes.max_s, loudness_db)
    if not whole or duration_s < wishes.min_s:
        return whole, [Span(0, len(whole) - 1, 0.0, duration_s)] if whole else []
    margin = FRAME_S if wishes.max_s - wishes.min_s > 1 else 0.0
    for units in (whole, units_of(transcript, duration_s, max(LEAST_PIECE_S, (wishes.max_s - wishes.min_s) / 2), loudness_db)):
        spans = [s for s in _runs(units, wishes.max_s - margin) if s.length_s >= wishes.min_s + margin]
        if spans:
            return units, spans
    longest = [list(runs)[-1] for _, runs in groupby(_runs(whole, wishes.max_s), key=lambda span: span.first)]
    if longest:
        return whole, [_widened(span, whole, wishes.min_s) for span in longest]
    ends = [min(unit.line.end_s, unit.line.start_s + wishes.max_s) for unit in whole]
    return whole, [Span(i, i, unit.line.start_s, end) for i, (unit, end) in enumerate(zip(whole, ends, strict=True))]


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


def _choice(ordinal: int, span: Span, units: Sequence[Unit], talk: Talk) -> ClipChoice:
    shown = units[span.first : span.last + 1]
    parts = points(talk.features(span.first, span.last))
    sentences = [unit.line.text for unit in shown]
    return ClipChoice(
        ordinal=ordinal,
        start_s=round(span.start_s, 3),
        end_s=round(span.end_s, 3),
        first_sentence=shown[0].sentence,
        last_sentence=shown[-1].sentence + 1,
        title=title(sentences, talk.openings[span.first : span.last + 1]),
        text=" ".join(sentences),
        score=round(sum(parts.values()), 1),
        score_parts={name: round(share, 1) for name, share in parts.items()},
        why=_why(span.length_s, talk.reasons(span.first, span.last)),
    )


def _why(length_s: float, reasons: Sequence[str]) -> str:
    if not reasons:
        return f"These {length_s:.0f} seconds are the best of what the wished length allows."
    *most, last = reasons
    return f"These {length_s:.0f} seconds {', '.join(most)}{' and ' if most else ''}{last}."


def _fewer(asked: int, found: int) -> str:
    return f"You asked for {asked} clips; {found} of the wished length {'was' if found == 1 else 'were'} found."


def _without_words(shots: Shots, wishes: ClipWishes, duration_s: float) -> Selection:
    """Even parts of the recording, each begun at a cut of the picture where one leaves it room."""
    count = max(1, min(wishes.count, int(duration_s // wishes.min_s)))
    slot = duration_s / count
    length = min(slot, wishes.max_s)
    cuts = [cut / shots.fps for cut in shots.cuts] if shots.fps else []
    clips = []
    for index in range(count):
        opens = index * slot
        start = next((cut for cut in cuts if opens <= cut <= opens + slot - length), opens)
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
