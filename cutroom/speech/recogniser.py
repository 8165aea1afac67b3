"""What every recogniser is: sound in, words with times out."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from cutroom.contracts.documents import TranscriptPart
from cutroom.contracts.media import SpeechChunk

# Whisper looks at 224 tokens of a hint at most; a token is rarely under two letters.
LONGEST_HINT = 400
UNKNOWN_LANGUAGE = "The recogniser does not know the language that was asked for; it wrote down what it heard."

# Called with the share that is done, 0 to 1, after real work.
Told = Callable[[float], None]


class Recogniser(Protocol):
    """Writes down one chunk of the prepared sound (16 kHz mono)."""

    def transcribe(self, sound: Path, chunk: SpeechChunk, language: str, told: Told) -> TranscriptPart:
        """Words in order, in seconds of the whole sound. `language` is ISO 639-1, or empty where it is not known.

        Raises SetupError where the engine's model is missing, ArtifactMissing where the sound cannot be read.
        """
        ...


def askable(language: str, known: Collection[str]) -> tuple[str | None, list[str]]:
    """The language as whisper is asked for it, None where it must find out itself, and a warning where that was not wished."""
    if language and language not in known:
        return None, [UNKNOWN_LANGUAGE]
    return language or None, []


def hint(vocabulary: Sequence[str]) -> str:
    """The custom vocabulary as a text that whisper takes for what was said before; what is too much of it is left out."""
    text = ""
    for term in vocabulary:
        if len(text) + len(term) + 2 > LONGEST_HINT:
            break
        text += f", {term}" if text else term
    return text
