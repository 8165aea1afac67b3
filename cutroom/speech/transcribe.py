"""One chunk of speech to words: told by its captions, or heard by a recogniser, then checked, spelled and timed."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cutroom.contracts.documents import Cues, TranscriptPart, Word
from cutroom.contracts.media import SpeechChunk, SpeechEngine
from cutroom.speech.aligners import aligners
from cutroom.speech.captions import LEAST_SCORE, NARROW_S, WINDOW_S, CaptionsRecogniser, in_order
from cutroom.speech.guards import guarded
from cutroom.speech.language import base_language, language_name
from cutroom.speech.pronounce import speaks
from cutroom.speech.recognise import made_ready, recogniser_for
from cutroom.speech.recogniser import Told
from cutroom.speech.sound import RATE, read_samples
from cutroom.speech.vad import spans_of, speech_in
from cutroom.speech.vocabulary import spelled_as

# Of a chunk's captions so many words may be missing from its sound.
MOST_WRONG = 1 / 3
# What is heard in place of captions, or beside them, begins and ends a little outside.
ROOM_S = 0.5

TAKEN_OVER = "Some captions do not fit what is said: {engine} was used for those passages."
KEPT = (
    "Some captions do not fit what is said; they were kept, since the recogniser at hand is worse than most captions. Check them, "
    "or set whisper up."
)
NO_ALIGNER = "There is no aligner for {language}: the times of its words are those of the captions or of the recogniser."
MOVED = "The captions came {seconds:.1f} s {when} what is said; they were moved."
SPELLED = "Near misses of the custom vocabulary were spelled as given."


class Hearing(NamedTuple):
    """Who tells a recording's words. `second` hears what captions do not tell; `cues` are the captions, where there are some."""

    engine: SpeechEngine
    model: str
    second: SpeechEngine = "none"
    second_model: str = ""
    cues: Cues | None = None
    language: str = ""
    vocabulary: tuple[str, ...] = ()


def transcribe(sound: Path, chunk: SpeechChunk, hearing: Hearing, told: Told) -> TranscriptPart:
    """The chunk's words. One with captions is told by them, unless too many of their words are not in the sound.

    Raises SetupError where a recogniser is needed and none was planned or its model is missing, ArtifactMissing where the sound
    cannot be read.
    """
    if chunk.last_cue <= chunk.first_cue or hearing.cues is None:
        engine, model = second_of(hearing, told) if hearing.engine == "captions" else (hearing.engine, hearing.model)
        return spelled(heard(sound, chunk, engine, model, hearing, told), hearing)
    part = CaptionsRecogniser(hearing.cues).transcribe(sound, chunk, hearing.language, told)
    warnings = [] if speaks(base_language(part.language)) else [NO_ALIGNER.format(language=language_name(part.language))]
    wrong = sum(not word.aligned for word in part.words)
    if wrong > MOST_WRONG * len(part.words) and not warnings and hearing.second != "none":
        engine, model = second_of(hearing, told)
        if engine != "pocketsphinx":
            return spelled(instead(sound, chunk, engine, model, hearing, told), hearing)
        warnings = [KEPT]
    if hearing.cues.late_s:
        when = "after" if hearing.cues.late_s > 0 else "before"
        warnings = [MOVED.format(seconds=abs(hearing.cues.late_s), when=when), *warnings]
    return spelled(part.model_copy(update={"warnings": [*part.warnings, *warnings]}), hearing)


def second_of(hearing: Hearing, told: Told) -> tuple[SpeechEngine, str]:
    """Who hears what captions do not tell: pocketsphinx where the weights of the planned one cannot be had."""
    planned = (hearing.second, hearing.second_model)
    return planned if made_ready(*planned, told) else ("pocketsphinx", "en-us")


def instead(sound: Path, chunk: SpeechChunk, engine: SpeechEngine, model: str, hearing: Hearing, told: Told) -> TranscriptPart:
    """What is heard where the captions are wrong."""
    wider = chunk.model_copy(update={"start_s": max(0.0, chunk.start_s - ROOM_S), "end_s": chunk.end_s + ROOM_S})
    part = heard(sound, wider, engine, model, hearing, told)
    return part.model_copy(update={"warnings": [TAKEN_OVER.format(engine=engine), *part.warnings]})


def heard(sound: Path, chunk: SpeechChunk, engine: SpeechEngine, model: str, hearing: Hearing, told: Told) -> TranscriptPart:
    """What a recogniser hears, without what nobody said, at the times that the aligner finds."""
    part = recogniser_for(engine, model, None, hearing.vocabulary).transcribe(sound, chunk, base_language(hearing.language), told)
    samples = read_samples(sound, chunk.start_s, chunk.end_s)
    speech = [
        span.model_copy(update={"start_s": chunk.start_s + span.start_s, "end_s": chunk.start_s + span.end_s})
        for span in spans_of(speech_in(samples))
    ]
    words, warnings = guarded(in_order(part.words), speech)
    if not speaks(base_language(part.language)):
        warnings.append(NO_ALIGNER.format(language=language_name(part.language)))
    elif engine != "pocketsphinx":  # whose times are the aligner's own
        words = refined(sound, words, base_language(part.language))
    return part.model_copy(update={"words": in_order(words), "warnings": [*part.warnings, *warnings]})


def refined(sound: Path, words: Sequence[Word], language: str) -> list[Word]:
    """The words at the times that forced alignment finds; where it does not fit, at the recogniser's."""
    found: list[Word] = []
    for window in windows_of(words):
        start_s = round(max(0.0, window[0].start_s - NARROW_S) * RATE) / RATE
        samples = read_samples(sound, start_s, window[-1].end_s + NARROW_S)
        times = aligners().align(samples, [word.text for word in window], language)
        known = [time for time in times if time]
        if known and float(np.mean([time.score for time in known])) >= LEAST_SCORE:
            found += [
                word.model_copy(update={"start_s": start_s + time.start_s, "end_s": start_s + time.end_s}) if time else word
                for word, time in zip(window, times, strict=True)
            ]
        else:
            found += window
    return found


def windows_of(words: Sequence[Word]) -> list[list[Word]]:
    """Neighbouring words, a quarter of a minute at a time."""
    windows: list[list[Word]] = []
    for word in words:
        if windows and word.end_s - windows[-1][0].start_s <= WINDOW_S:
            windows[-1].append(word)
        else:
            windows.append([word])
    return windows


def spelled(part: TranscriptPart, hearing: Hearing) -> TranscriptPart:
    """The part with near misses of the custom vocabulary repaired, in captions too: of those nothing else is ever changed."""
    if not hearing.vocabulary or not part.words:
        return part
    cased = part.engine != "pocketsphinx"
    words, repaired = spelled_as(part.words, hearing.vocabulary, base_language(part.language), aligners().knows, cased=cased)
    return part.model_copy(update={"words": words, "warnings": [*part.warnings, *([SPELLED] if repaired else [])]})
