"""Recognition by openai-whisper, on a GPU where there is one."""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from cutroom.contracts.documents import TranscriptPart, Word
from cutroom.contracts.media import SpeechChunk
from cutroom.speech import weights
from cutroom.speech.recogniser import Told, askable, hint
from cutroom.speech.sound import read_samples


class WhisperRecogniser:
    """One model, loaded once per process."""

    def __init__(self, model: str, vocabulary: tuple[str, ...] = ()) -> None:
        """`model`: a published name, or the path of a `.pt` file."""
        self._model = model
        self._vocabulary = vocabulary

    def transcribe(self, sound: Path, chunk: SpeechChunk, language: str, told: Told) -> TranscriptPart:
        """Words with whisper's own times (cross-attention, within about 0.2 s) and punctuation.

        Raises SetupError where the weights are neither cached nor to be had.
        """
        weights.fetch(self._model, lambda _: told(0.0))
        model, lock = loaded(self._model)
        from whisper.tokenizer import LANGUAGES

        asked, warnings = askable(language, LANGUAGES)
        samples = read_samples(sound, chunk.start_s, chunk.end_s).astype(np.float32) / 32768
        with lock:
            heard = model.transcribe(
                samples,
                language=asked,
                word_timestamps=True,
                # A chunk stands alone: no text of another is a hint, and a loop cannot spread.
                condition_on_previous_text=False,
                initial_prompt=hint(self._vocabulary) or None,
                fp16=model.device.type == "cuda",
                verbose=None,
            )
        told(1.0)
        length_s = chunk.end_s - chunk.start_s
        words = [
            Word(
                text=word["word"].strip(),
                start_s=chunk.start_s + min(length_s, float(word["start"])),
                end_s=chunk.start_s + min(length_s, float(word["end"])),
                confidence=round(float(word["probability"]), 3),
            )
            for segment in heard["segments"]
            for word in segment["words"]
            if word["word"].strip()
        ]
        return TranscriptPart(engine="whisper", language=str(heard["language"]), words=words, warnings=warnings)


@cache
def loaded(model: str) -> tuple[Any, Lock]:
    """The model, on the best device at hand, and the lock of its use."""
    import whisper

    return whisper.load_model(model, download_root=str(weights.cache_dir())), Lock()
