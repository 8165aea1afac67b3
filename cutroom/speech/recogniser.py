"""What every recogniser is: sound in, words with times out."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cutroom.contracts.documents import TranscriptPart
from cutroom.contracts.media import SpeechChunk

# Called with the share that is done, 0 to 1, after real work.
Told = Callable[[float], None]


class Recogniser(Protocol):
    """Writes down one chunk of the prepared sound (16 kHz mono)."""

    def transcribe(self, sound: Path, chunk: SpeechChunk, language: str, told: Told) -> TranscriptPart:
        """Words in order, in seconds of the whole sound. `language` is ISO 639-1, or empty where it is not known.

        Raises SetupError where the engine's model is missing, ArtifactMissing where the sound cannot be read.
        """
        ...
