"""The parts of a transcript put together."""

from collections.abc import Sequence

from cutroom.contracts.documents import Transcript, TranscriptPart
from cutroom.speech.captions import in_order
from cutroom.speech.words import sentences_of

MANY = 0.2


def join_parts(engine: str, language: str, duration_s: float, parts: Sequence[TranscriptPart]) -> Transcript:
    """One transcript of parts in the order of time. No parts, or parts without words, give a transcript without words.

    `language`: as asked for; empty takes the one that most parts heard.
    """
    words = in_order([word for part in parts for word in part.words])
    heard = [part.language for part in parts if part.language and part.words]
    guessed = sum(not word.aligned for word in words)
    warnings = list(dict.fromkeys(warning for part in parts for warning in part.warnings))
    if guessed:
        warnings.append(f"The times of {guessed} of {len(words)} words are estimated: they were not found in the sound.")
    if guessed > MANY * len(words):
        warnings.append("The captions fit the sound badly: check that they belong to this recording, and their timing.")
    return Transcript(
        engine=engine,
        language=language or max(dict.fromkeys(heard), key=heard.count, default=""),
        duration_s=duration_s,
        words=words,
        sentences=sentences_of(words),
        warnings=warnings,
    )
