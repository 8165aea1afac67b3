"""Recognition by the model in pocketsphinx's wheel: always there, English only, and poor (about four words in ten right)."""

from functools import lru_cache
from math import log
from pathlib import Path
from threading import Lock
from typing import Any

from cutroom.contracts.documents import TranscriptPart, Word
from cutroom.contracts.media import SpeechChunk
from cutroom.speech.align import Timed, to_sound
from cutroom.speech.pronounce import pronunciations
from cutroom.speech.recogniser import Told
from cutroom.speech.sound import FRAME_S, RATE, read_samples

POOR = "Recognised by pocketsphinx, which gets many words wrong: give a captions file, or set whisper up, for a good transcript."
ENGLISH_ONLY = "Recognised as English, the only language of the model at hand."


class PocketsphinxRecogniser:
    """The bundled US English model with its general language model, and the words of the custom vocabulary."""

    def __init__(self, vocabulary: tuple[str, ...] = ()) -> None:
        self._vocabulary = vocabulary

    def transcribe(self, sound: Path, chunk: SpeechChunk, language: str, told: Told) -> TranscriptPart:
        """Words without punctuation. Raises ArtifactMissing where the sound cannot be read."""
        samples = read_samples(sound, chunk.start_s, chunk.end_s)
        decoder, lock = bundled(self._vocabulary)
        with lock:
            # The decoder adapts to the levels that it hears; each chunk starts afresh, so that a retry hears the same.
            decoder.reinit_feat()
            decoder.start_utt()
            # A second at a time: inside the decoder no other thread of the process can run.
            for first in range(0, samples.size, RATE):
                decoder.process_raw(samples[first : first + RATE].tobytes())
                told(min(1.0, (first + RATE) / samples.size))
            decoder.end_utt()
            heard = [segment for segment in decoder.seg() or [] if not segment.word.startswith(("<", "["))]
            texts = [segment.word.split("(")[0] for segment in heard]
            chances = [min(1.0, segment.prob) for segment in heard]
            timed = [Timed(part.start_frame * FRAME_S, (part.end_frame + 1) * FRAME_S, log(max(part.prob, 1e-9))) for part in heard]
        words = [
            Word(
                text="I" + text[1:] if text == "i" or text.startswith("i'") else text,
                start_s=chunk.start_s + time.start_s,
                end_s=chunk.start_s + time.end_s,
                confidence=round(chance, 3),
            )
            for text, chance, time in zip(texts, chances, to_sound(timed, samples), strict=True)
        ]
        warnings = [POOR] if language in ("", "en") else [POOR, ENGLISH_ONLY]
        return TranscriptPart(engine="pocketsphinx", language="en", words=words, warnings=warnings)


@lru_cache(maxsize=2)
def bundled(vocabulary: tuple[str, ...]) -> tuple[Any, Lock]:
    """A decoder that knows these words too, and the lock of its use. Loading takes a second. No two customers share words."""
    import pocketsphinx

    decoder = pocketsphinx.Decoder(pocketsphinx.Config(loglevel="FATAL"))
    for word in dict.fromkeys(part.lower() for term in vocabulary for part in term.split()):
        phones = pronunciations(word, "en")
        if phones and word.isascii() and word.isalnum() and decoder.lookup_word(word) is None:
            decoder.add_word(word, phones[0], True)
    return decoder, Lock()
