"""Who tells a chunk's words, and when another one is asked."""

from pathlib import Path

import pytest

from cutroom.contracts.documents import Cues, TranscriptPart
from cutroom.contracts.media import SpeechChunk
from cutroom.speech.chunks import chunks_around_cues
from cutroom.speech.transcribe import KEPT, SPELLED, Hearing, transcribe
from tests.speech.conftest import Talk
from tests.speech.test_captions import OTHER_TEXT
from tests.speech.tiny import convert_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(convert_tiny(tmp_path_factory.mktemp("tiny")))


def wrong(talk: Talk) -> Cues:
    return Cues(cues=[cue.model_copy(update={"text": OTHER_TEXT[i % 4]}) for i, cue in enumerate(talk.cues.cues)])


def told(sound: Path, chunk: SpeechChunk, hearing: Hearing) -> TranscriptPart:
    return transcribe(sound, chunk, hearing, lambda share: None)


def test_captions_that_do_not_fit_give_way_to_a_recogniser(talk: Talk, tiny: str) -> None:
    cues = wrong(talk)
    part = told(talk.sound, chunks_around_cues(cues)[0], Hearing("captions", "", "faster_whisper", tiny, cues, "en"))
    assert part.engine == "faster_whisper"
    assert "faster_whisper was used for those passages" in part.warnings[0]


def test_captions_that_do_not_fit_are_kept_where_the_recogniser_is_worse(talk: Talk) -> None:
    cues = wrong(talk)
    part = told(talk.sound, chunks_around_cues(cues)[0], Hearing("captions", "", "pocketsphinx", "en-us", cues, "en"))
    assert part.engine == "captions"
    assert part.warnings == [KEPT]


def test_a_chunk_without_captions_is_heard(talk: Talk) -> None:
    chunk = SpeechChunk(index=1, start_s=20.0, end_s=26.0)
    part = told(talk.sound, chunk, Hearing("captions", "", "pocketsphinx", "en-us", talk.cues, "en"))
    assert part.engine == "pocketsphinx"
    assert all(20.0 <= word.start_s < word.end_s <= 26.1 for word in part.words)


def test_near_misses_in_captions_are_spelled_as_the_customer_does(talk: Talk) -> None:
    first = talk.cues.cues[0]
    cues = Cues(cues=[first.model_copy(update={"text": first.text.replace("Welcome", "Wellcomme")}), *talk.cues.cues[1:]])
    hearing = Hearing("captions", "", cues=cues, language="en", vocabulary=("Welcome",))
    part = told(talk.sound, chunks_around_cues(cues)[0], hearing)
    assert part.words[0].text == "Welcome"
    assert SPELLED in part.warnings
