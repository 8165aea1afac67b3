"""Recognition by faster-whisper: whisper's network in CTranslate2, four times as fast on a CPU, and in batches on a GPU."""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from cutroom.contracts.documents import TranscriptPart, Word
from cutroom.contracts.media import SpeechChunk
from cutroom.speech import converted
from cutroom.speech.chunks import chunks_of_speech
from cutroom.speech.recogniser import Told, askable, hint
from cutroom.speech.sound import RATE, read_samples
from cutroom.speech.vad import speech_in

# Windows of 30 s at a time on a GPU.
BATCH = 8


class FasterWhisperRecogniser:
    """One model, loaded once per process."""

    def __init__(self, model: str, vocabulary: tuple[str, ...] = ()) -> None:
        """`model`: a published name, or the path of a folder with a converted model."""
        self._model = model
        self._vocabulary = vocabulary

    def transcribe(self, sound: Path, chunk: SpeechChunk, language: str, told: Told) -> TranscriptPart:
        """Words with whisper's own times and punctuation; told after each passage of up to half a minute.

        Raises SetupError where the weights are neither cached nor to be had.
        """
        folder = converted.fetch(self._model, lambda _: told(0.0))
        model, pipeline, lock = loaded(folder)
        samples = read_samples(sound, chunk.start_s, chunk.end_s)
        length_s = samples.size / RATE
        asked, warnings = askable(language, model.supported_languages)
        ways: dict[str, Any] = {"multilingual": not asked}
        if pipeline is not None:
            windows = chunks_of_speech(speech_in(samples))
            if not windows:
                return TranscriptPart(engine="faster_whisper", language=language, words=[])
            clips = [{"start": window.start_s, "end": window.end_s} for window in windows]
            ways |= {"clip_timestamps": clips, "batch_size": BATCH, "without_timestamps": True}
        words: list[Word] = []
        with lock:
            segments, info = (pipeline or model).transcribe(
                samples.astype(np.float32) / 32768,
                language=asked,
                word_timestamps=True,
                # A chunk stands alone: no text of another is a hint, and a loop cannot spread.
                condition_on_previous_text=False,
                hotwords=hint(self._vocabulary) or None,
                **ways,
            )
            for segment in segments:
                words += [
                    Word(
                        text=word.word.strip(),
                        start_s=chunk.start_s + min(length_s, float(word.start)),
                        end_s=chunk.start_s + min(length_s, float(word.end)),
                        confidence=round(float(word.probability), 3),
                    )
                    for word in segment.words or []
                    if word.word.strip()
                ]
                told(min(1.0, segment.end / length_s))
        told(1.0)
        return TranscriptPart(engine="faster_whisper", language=str(info.language), words=words, warnings=warnings)


@cache
def loaded(folder: Path) -> tuple[Any, Any, Lock]:
    """The model, its batched pipeline where there is a GPU, and the lock of their use."""
    import ctranslate2
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    if ctranslate2.get_cuda_device_count():
        model = WhisperModel(str(folder), device="cuda", compute_type="float16")
        return model, BatchedInferencePipeline(model), Lock()
    return WhisperModel(str(folder), device="cpu", compute_type="int8"), None, Lock()
