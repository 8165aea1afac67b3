"""Sentences as clips may use them: where a clip may begin before one and end after it, and pieces of those too long."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cutroom.contracts.documents import Transcript, Word
from cutroom.media.features import Line
from cutroom.speech.prosody import SentenceSound

LEAD_S = 0.35  # silence kept before the first word, at most
TAIL_S = 0.45  # and after the last
ASIDE_S = 0.001  # from a cut, so that rounding leaves no frame of the other shot
CLEAR_S = 0.08  # least distance from a word outside; a shorter silence is halved


@dataclass(frozen=True)
class Unit:
    """A sentence, a piece of one, or several short ones: `sentence` to `last_sentence`, both included.

    A clip that opens with it begins at `cut_in_s`, one that closes with it ends at `cut_out_s`: inside the silences around
    it, each shared fairly with the neighbour. `earliest_s` and `latest_s` are as far out as a clip could go.
    """

    sentence: int
    last_sentence: int
    line: Line
    cut_in_s: float
    cut_out_s: float
    earliest_s: float
    latest_s: float


def units_of(transcript: Transcript, duration_s: float, longest_s: float, sounds: Sequence[SentenceSound] | None) -> list[Unit]:
    """Units in order, none overlapping. Words must be in order; what lies past `duration_s` is left out."""
    units = []
    for index, sentence in enumerate(transcript.sentences):
        whole = sentence.first_word, sentence.last_word
        for first, last in _pieces(transcript.words, *whole, longest_s):
            text = sentence.text if (first, last) == whole else " ".join(w.text for w in transcript.words[first:last])
            sound = None if sounds is None else sounds[index]
            start_s, end_s = transcript.words[first].start_s, min(transcript.words[last - 1].end_s, duration_s)
            if start_s < end_s:
                units.append(
                    _unit(index, Line(text, start_s, end_s, sentence.speaker, sound), transcript.words, first, last, duration_s)
                )
    return units


def clear_of_cuts(units: Sequence[Unit], cuts_s: Sequence[float]) -> list[Unit]:
    """Units that keep no silence beyond a change of shot beside them: a sliver of another shot would flash in the clip."""
    found = []
    for unit in units:
        before = bisect_right(cuts_s, unit.line.start_s - 2 * ASIDE_S) - 1
        after = bisect_left(cuts_s, unit.line.end_s + 2 * ASIDE_S)
        cut_in_s = max(unit.cut_in_s, cuts_s[before] + ASIDE_S) if before >= 0 else unit.cut_in_s
        cut_out_s = min(unit.cut_out_s, cuts_s[after] - ASIDE_S) if after < len(cuts_s) else unit.cut_out_s
        found.append(replace(unit, cut_in_s=cut_in_s, cut_out_s=cut_out_s))
    return found


def joined(units: Sequence[Unit], least_s: float) -> list[Unit]:
    """Units that go on, as one, with those after them until they last `least_s`; voice and sound are those of the longest."""
    found: list[Unit] = []
    for unit in units:
        if found and found[-1].line.end_s - found[-1].line.start_s < least_s:
            before = found.pop()
            longer = max(before.line, unit.line, key=lambda line: line.end_s - line.start_s)
            text = f"{before.line.text} {unit.line.text}"
            line = replace(longer, text=text, start_s=before.line.start_s, end_s=unit.line.end_s)
            unit = replace(unit, sentence=before.sentence, line=line, cut_in_s=before.cut_in_s, earliest_s=before.earliest_s)
        found.append(unit)
    return found


def _unit(sentence: int, line: Line, words: Sequence[Word], first: int, last: int, duration_s: float) -> Unit:
    cut_in, earliest = max(0.0, line.start_s - LEAD_S), 0.0
    cut_out, latest = min(duration_s, line.end_s + TAIL_S), duration_s
    if first > 0:
        before = words[first - 1].end_s
        middle = (before + line.start_s) / 2
        cut_in, earliest = max(cut_in, middle), min(before + CLEAR_S, middle)
    if last < len(words):
        after = words[last].start_s
        middle = (line.end_s + after) / 2
        cut_out, latest = min(cut_out, middle), max(after - CLEAR_S, middle)
    return Unit(sentence, sentence, line, cut_in, cut_out, earliest, min(latest, duration_s))


def _pieces(words: Sequence[Word], first: int, last: int, longest_s: float) -> Iterator[tuple[int, int]]:
    """Words `first:last`, parted at the longest pause of their middle half until no piece is longer than `longest_s`."""
    begin, end = words[first].start_s, words[last - 1].end_s
    if last - first == 1 or end - begin + LEAD_S + TAIL_S <= longest_s:
        yield first, last
        return
    quarter, middle = (end - begin) / 4, (first + last) / 2
    inner = [i for i in range(first + 1, last) if begin + quarter <= words[i].start_s <= end - quarter]
    cut = max(inner or range(first + 1, last), key=lambda i: (words[i].start_s - words[i - 1].end_s, -abs(i - middle)))
    yield from _pieces(words, first, cut, longest_s)
    yield from _pieces(words, cut, last, longest_s)
