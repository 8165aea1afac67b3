"""Which spans of a recording its highlight reel shows: the sentences of the highlights, in order, cut as clips are. Pure."""

from collections.abc import Sequence
from math import inf

from cutroom.contracts.documents import Highlight, Shots, Transcript
from cutroom.contracts.media import Span
from cutroom.media.units import Unit, clear_of_cuts, units_of

LEAST_S = 1.0  # what is shorter is over before it is understood


def reel_spans(highlights: Sequence[Highlight], transcript: Transcript, shots: Shots, duration_s: float) -> list[Span]:
    """Spans that do not overlap, each of whole sentences and at least `LEAST_S` long where the recording has that.

    Highlights that share a sentence, or follow each other, are one span; a shorter one takes in the sentence after it, or
    before it at the end. Sentences past `duration_s` are left out.
    """
    cuts_s = [cut / shots.fps for cut in shots.cuts] if shots.fps else []
    units = clear_of_cuts(units_of(transcript, duration_s, inf, None), cuts_s)
    places = {unit.sentence: place for place, unit in enumerate(units)}
    runs: list[tuple[int, int]] = []
    for first, last in sorted(_runs(highlights, units, places)):
        if runs and first <= runs[-1][1] + 1:
            first, last = runs[-1][0], max(last, runs.pop()[1])
        runs.append((first, last))
    return [Span(start_s=units[first].cut_in_s, end_s=units[last].cut_out_s) for first, last in runs]


def _runs(highlights: Sequence[Highlight], units: Sequence[Unit], places: dict[int, int]) -> list[tuple[int, int]]:
    """First and last unit of each highlight that can be shown."""
    found = []
    for highlight in highlights:
        shown = [places[sentence] for sentence in highlight.sentences if sentence in places]
        if shown:
            found.append(_lasting(units, min(shown), max(shown)))
    return found


def _lasting(units: Sequence[Unit], first: int, last: int) -> tuple[int, int]:
    while units[last].cut_out_s - units[first].cut_in_s < LEAST_S and last - first + 1 < len(units):
        first, last = (first, last + 1) if last + 1 < len(units) else (first - 1, last)
    return first, last
