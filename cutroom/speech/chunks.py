"""How speech is cut into pieces of work: around captions, and at pauses where there are none. Pure plans over times."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from cutroom.contracts.documents import Cue, Cues
from cutroom.contracts.media import Span, SpeechChunk
from cutroom.speech.vad import STEP_S, Probabilities, spans_of

CUES_CHUNK_S = 60.0
# A stretch without captions that is worth hearing, and the least speech in it.
UNTOLD_S = 5.0
UNTOLD_SPEECH_S = 2.0
# A gap between captions that ends a chunk though nothing is said in it.
APART_S = 20.0
# Each piece is an activity of the workflow, which may have 2,000 at once: no more pieces are heard, and no more gaps.
MOST_PIECES = 1000
MOST_UNTOLD = 500
LONGEST_S = 30.0
# Room kept around speech: the first consonant of a word is faint.
LEAD_S = 0.3
# As long as a silence must be for the sound in it to be left out.
GAP_S = 3.0
# A piece is at least so much of the longest one.
SHORTEST = 1 / 3
# Where nobody pauses, both pieces hear the moment of the cut.
OVERLAP_S = 2.0


def chunks_around_cues(cues: Cues, heard: Sequence[SpeechChunk] = ()) -> list[SpeechChunk]:
    """Neighbouring captions, a minute at a time. Every caption is in exactly one chunk, and none reaches over what is heard."""
    begins = sorted(chunk.start_s for chunk in heard)
    chunks: list[SpeechChunk] = []
    for index, cue in enumerate(cues.cues):
        end_s = max(cue.end_s, chunks[-1].end_s) if chunks else cue.end_s
        near = chunks and cue.start_s - chunks[-1].end_s < APART_S
        silent = near and bisect_left(begins, chunks[-1].end_s) == bisect_left(begins, cue.start_s)
        if silent and end_s - chunks[-1].start_s <= CUES_CHUNK_S:
            chunks[-1] = chunks[-1].model_copy(update={"end_s": end_s, "last_cue": index + 1})
        else:
            end_s = cue.end_s
            chunks.append(SpeechChunk(index=len(chunks), start_s=cue.start_s, end_s=end_s, first_cue=index, last_cue=index + 1))
    return chunks


def untold(cues: Cues, duration_s: float) -> list[Span]:
    """Stretches of the recording without captions that are worth hearing, in order; of very many the longest."""
    reached_s, spans = 0.0, []
    for cue in [*cues.cues, Cue(start_s=duration_s, end_s=duration_s, text="")]:
        if cue.start_s - reached_s >= UNTOLD_S:
            spans.append(Span(start_s=reached_s, end_s=cue.start_s))
        reached_s = max(reached_s, cue.end_s)
    longest = sorted(spans, key=lambda span: span.start_s - span.end_s)[:MOST_UNTOLD]
    return sorted(longest, key=lambda span: span.start_s)


def chunks_untold(speech: Probabilities, stretch: Span, longest_s: float = LONGEST_S) -> list[SpeechChunk]:
    """Pieces of a stretch without captions; none where little is said. `speech` begins with the stretch."""
    if sum(span.end_s - span.start_s for span in spans_of(speech)) < UNTOLD_SPEECH_S:
        return []
    return [
        chunk.model_copy(update={"start_s": stretch.start_s + chunk.start_s, "end_s": stretch.start_s + chunk.end_s})
        for chunk in chunks_of_speech(speech, longest_s)
    ]


def chunks_of_speech(speech: Probabilities, longest_s: float = LONGEST_S) -> list[SpeechChunk]:
    """Pieces of at most `longest_s` that cover all speech, cut inside pauses where there are any.

    Long silences, music and noise are left out, and they alone give no piece. Two pieces overlap only where nobody pauses.
    Where that would be too many pieces, only longer silences are left out.
    """
    spans, gap_s = spans_of(speech), GAP_S
    found = stretches_cut(spans, speech, longest_s, gap_s)
    while len(found) > MOST_PIECES and gap_s < longest_s:
        gap_s *= 2
        found = stretches_cut(spans, speech, longest_s, gap_s)
    return [SpeechChunk(index=i, start_s=round(a.start_s, 3), end_s=round(a.end_s, 3)) for i, a in enumerate(found)]


def stretches_cut(spans: list[Span], speech: Probabilities, longest_s: float, gap_s: float) -> list[Span]:
    """The stretches of speech between silences of `gap_s`, in pieces of at most `longest_s`."""
    starts = [0, *(i for i, (one, other) in enumerate(pairwise(spans), 1) if other.start_s - one.end_s >= gap_s), len(spans)]
    found: list[Span] = []
    for said in (spans[first:last] for first, last in pairwise(starts) if last > first):
        stretch = Span(start_s=max(0.0, said[0].start_s - LEAD_S), end_s=min(speech.size * STEP_S, said[-1].end_s + LEAD_S))
        pauses = [Span(start_s=one.end_s, end_s=other.start_s) for one, other in pairwise(said)]
        found += pieces(stretch, pauses, speech, longest_s)
    return found


def pieces(stretch: Span, pauses: list[Span], speech: Probabilities, longest_s: float) -> list[Span]:
    """A stretch in pieces of at most `longest_s`."""
    start_s, found = stretch.start_s, []
    while stretch.end_s - start_s > longest_s:
        earliest_s, latest_s = start_s + SHORTEST * longest_s, start_s + longest_s - OVERLAP_S / 2
        usable = [pause for pause in pauses if earliest_s <= (pause.start_s + pause.end_s) / 2 < latest_s]
        if usable:
            longest = max(usable, key=lambda pause: (pause.end_s - pause.start_s, pause.start_s))
            cut_s, shared_s = (longest.start_s + longest.end_s) / 2, 0.0
        else:
            first = round(earliest_s / STEP_S)
            cut_s = (first + int(np.argmin(speech[first : round(latest_s / STEP_S)]))) * STEP_S
            shared_s = OVERLAP_S / 2
        found.append(Span(start_s=start_s, end_s=cut_s + shared_s))
        start_s = cut_s - shared_s
    return [*found, Span(start_s=start_s, end_s=stretch.end_s)]


def in_order_of_time(chunks: list[SpeechChunk]) -> list[SpeechChunk]:
    """The same chunks, numbered as they follow one another."""
    ordered = sorted(chunks, key=lambda chunk: (chunk.start_s, chunk.end_s))
    return [chunk.model_copy(update={"index": index}) for index, chunk in enumerate(ordered)]
