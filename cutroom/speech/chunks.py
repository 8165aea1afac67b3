"""How speech is cut into pieces of work: around captions, or at silences. Pure plans over times."""

import numpy as np

from cutroom.contracts.documents import Cues
from cutroom.contracts.media import SpeechChunk
from cutroom.speech.sound import FRAME_S, Decibels, Silence, loud_frames, silences_of

CUES_CHUNK_S = 60.0
LONGEST_S = 30.0
SHORTEST_S = 10.0
# Room kept around what is loud: the first consonant of a word is faint.
LEAD_S = 0.2
PAUSE_S = 0.2
# As long as a silence must be for the sound in it to be left out.
GAP_S = 3.0


def chunks_around_cues(cues: Cues) -> list[SpeechChunk]:
    """Neighbouring captions, a minute at a time. Every caption is in exactly one chunk."""
    chunks: list[SpeechChunk] = []
    for index, cue in enumerate(cues.cues):
        end_s = max(cue.end_s, chunks[-1].end_s) if chunks else cue.end_s
        if chunks and end_s - chunks[-1].start_s <= CUES_CHUNK_S:
            chunks[-1] = chunks[-1].model_copy(update={"end_s": end_s, "last_cue": index + 1})
        else:
            chunk = SpeechChunk(index=len(chunks), start_s=cue.start_s, end_s=cue.end_s, first_cue=index, last_cue=index + 1)
            chunks.append(chunk)
    return chunks


def chunks_at_silences(loudness: Decibels) -> list[SpeechChunk]:
    """Pieces of at most 30 s that cover all that is loud, cut inside pauses where there are any.

    Long silences are left out; silence alone gives no piece. Pieces do not overlap.
    """
    loud = loud_frames(loudness)
    spans: list[tuple[int, int]] = []
    for first, last in stretches(loud.size, silences_of(loud, GAP_S)):
        spans += pieces(first, last, silences_of(loud, PAUSE_S), loudness)
    return [SpeechChunk(index=i, start_s=round(a * FRAME_S, 2), end_s=round(b * FRAME_S, 2)) for i, (a, b) in enumerate(spans)]


def stretches(frames: int, silences: list[Silence]) -> list[tuple[int, int]]:
    """What lies between long silences, with a little room on both sides."""
    lead = round(LEAD_S / FRAME_S)
    marks = [0, *(mark for silence in silences for mark in silence), frames]
    spans = zip(marks[::2], marks[1::2], strict=True)
    return [(max(0, first - lead), min(frames, last + lead)) for first, last in spans if last > first]


def pieces(first: int, last: int, pauses: list[Silence], loudness: Decibels) -> list[tuple[int, int]]:
    """Frames `first:last` in pieces of at most 30 s."""
    longest, shortest = round(LONGEST_S / FRAME_S), round(SHORTEST_S / FRAME_S)
    spans = []
    while last - first > longest:
        cut = cut_between(first + shortest, first + longest, pauses, loudness)
        spans.append((first, cut))
        first = cut
    return [*spans, (first, last)]


def cut_between(earliest: int, latest: int, pauses: list[Silence], loudness: Decibels) -> int:
    """The middle of the longest pause, or the quietest moment where nobody pauses."""
    middles = [(pause.last - pause.first, (pause.first + pause.last) // 2) for pause in pauses]
    usable = [(length, middle) for length, middle in middles if earliest <= middle < latest]
    if usable:
        return max(usable)[1]
    return earliest + int(np.convolve(loudness[earliest:latest], np.ones(10) / 10, mode="same")[5:-5].argmin()) + 5
