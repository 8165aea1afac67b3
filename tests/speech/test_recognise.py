"""Recognisers without captions, and how one is chosen."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from cutroom.contracts.documents import Cues
from cutroom.contracts.media import SpeechChunk, SpeechEngine
from cutroom.errors import SetupError
from cutroom.settings import Settings
from cutroom.speech import converted, download, weights
from cutroom.speech.recognise import available_engines, choose_engine, choose_second, made_ready, recogniser_for
from cutroom.speech.recogniser import LONGEST_HINT, hint
from cutroom.speech.sound import RATE
from tests.speech.conftest import Talk, write_sound
from tests.speech.tiny import convert_tiny

BYTES = b"weights" * 1000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of weights, and nothing known of the publishers."""
    monkeypatch.setattr(download, "_asked", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "whisper"


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answers every address with the same bytes, as the publisher of the model `tiny`."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._begin()

        def do_GET(self) -> None:
            self.wfile.write(BYTES[self._begin() :])

        def _begin(self) -> int:
            first = int((self.headers["range"] or "bytes=0-")[len("bytes=") : -1])
            self.send_response(206 if first else 200)
            self.send_header("content-length", str(len(BYTES) - first))
            self.end_headers()
            return first

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(weights, "HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(converted, "HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setitem(weights.PUBLISHED, "tiny", weights.Weights(hashlib.sha256(BYTES).hexdigest(), 1))
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def silent_publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(weights, "HOST", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(converted, "HOST", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(download, "TIMEOUT_S", 0.5)
        yield


@pytest.fixture(scope="module")
def tiny_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real checkpoint of whisper's own shape, small and never trained."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    dims = ModelDimensions(
        n_mels=80, n_audio_ctx=1500, n_audio_state=32, n_audio_head=2, n_audio_layer=1,
        n_vocab=51865, n_text_ctx=16, n_text_state=32, n_text_head=2, n_text_layer=2,
    )  # fmt: skip
    state = {name: torch.randn_like(value) * 0.02 for name, value in Whisper(dims).state_dict().items()}
    path = tmp_path_factory.mktemp("whisper") / "random.pt"
    torch.save({"dims": asdict(dims), "model_state_dict": state}, path)
    return path


@pytest.fixture(scope="module")
def tiny_converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of whisper's shape in CTranslate2's form, small and never trained, with whisper's own tokens."""
    return convert_tiny(tmp_path_factory.mktemp("converted"))


def test_the_published_weights_are_those_that_whisper_knows() -> None:
    import whisper

    for model in (*weights.PUBLISHED, *weights.ALIASES):
        assert weights.address(model) == whisper._MODELS[model]


def test_captions_come_before_any_recogniser() -> None:
    assert choose_engine(True, True, Settings())[0] == "captions"


@pytest.mark.parametrize("has_captions", [True, False])
def test_without_sound_nothing_is_recognised(has_captions: bool) -> None:
    assert choose_engine(has_captions, False, Settings()) == ("none", "")


def test_cached_weights_choose_whisper_without_asking_the_network(cache: Path, silent_publisher: None) -> None:
    cache.mkdir(parents=True)
    (cache / "base.pt").write_bytes(BYTES)
    started = monotonic()
    assert choose_engine(False, True, Settings(whisper_model="base")) == ("whisper", "base")
    assert monotonic() - started < 0.2


def test_weights_that_can_be_fetched_choose_faster_whisper_and_whisper_for_what_it_lacks(publisher: None) -> None:
    assert choose_engine(False, True, Settings(whisper_model="tiny")) == ("faster_whisper", "tiny")
    assert choose_engine(False, True, Settings(whisper_model="tiny.en")) == ("whisper", "tiny.en")


def test_converted_weights_on_this_machine_come_before_all_others(cache: Path, silent_publisher: None, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.bin").write_bytes(BYTES)
    own = str(tmp_path / "own")
    assert choose_engine(False, True, Settings(whisper_model=own)) == ("faster_whisper", own)


def test_a_silent_publisher_is_not_asked_again_by_the_next_job(silent_publisher: None) -> None:
    choose_engine(False, True, Settings(whisper_model="base"))
    began = monotonic()
    choose_engine(False, True, Settings(whisper_model="base"))
    assert monotonic() - began < 0.2


def test_a_fetch_that_broke_off_goes_on_where_it_stopped(publisher: None, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.pt.part").write_bytes(BYTES[:3000])
    assert weights.fetch("tiny", lambda share: None).read_bytes() == BYTES
    assert [file.name for file in cache.glob("[!.]*")] == ["tiny.pt"]


def test_a_converted_model_is_fetched_file_by_file_and_each_is_checked(
    publisher: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = converted.File(len(BYTES), hashlib.sha256(BYTES).hexdigest())
    files = {"config.json": good, "model.bin": good}
    monkeypatch.setitem(converted.PUBLISHED, "tiny", converted.Converted("someone/tiny", "1", files))
    told: list[float] = []
    folder = converted.fetch("tiny", told.append)
    assert sorted(file.name for file in folder.glob("[!.]*")) == ["config.json", "model.bin"]
    assert told == sorted(told)
    assert told[-1] == 1.0
    (folder / "model.bin").write_bytes(b"cut off")
    assert converted.cached("tiny") is None
    monkeypatch.setitem(
        converted.PUBLISHED, "tiny", converted.Converted("x", "1", files | {"model.bin": good._replace(sha256="0")})
    )
    with pytest.raises(SetupError) as refused:
        converted.fetch("tiny", told.append)
    assert refused.value.code == "whisper_weights_missing"
    assert not (folder / "model.bin").exists()


def test_without_weights_and_network_pocketsphinx_is_chosen_soon(silent_publisher: None) -> None:
    assert choose_engine(False, True, Settings(whisper_model="base")) == ("pocketsphinx", "en-us")


def test_a_model_that_does_not_exist_is_told_to_the_operator() -> None:
    with pytest.raises(SetupError) as told:
        choose_engine(False, True, Settings(whisper_model="gigantic"))
    assert told.value.code == "whisper_model_unknown"
    with pytest.raises(SetupError):
        choose_engine(False, True, Settings(whisper_model="/nowhere/model.pt"))


def test_fetched_weights_are_checked_and_kept(publisher: None, cache: Path) -> None:
    told: list[float] = []
    path = weights.fetch("tiny", told.append)
    assert path == cache / "tiny.pt"
    assert path.read_bytes() == BYTES
    assert told[-1] == 1.0
    assert weights.cached("tiny") == path


def test_weights_with_another_hash_are_thrown_away(publisher: None, cache: Path) -> None:
    with pytest.raises(SetupError) as told:
        weights.fetch("base", lambda share: None)
    assert told.value.code == "whisper_weights_missing"
    assert list(cache.glob("[!.]*")) == []


def test_fetching_from_a_silent_publisher_gives_up(silent_publisher: None, cache: Path) -> None:
    with pytest.raises(SetupError) as told:
        weights.fetch("base", lambda share: None)
    assert told.value.code == "whisper_weights_missing"
    assert list(cache.glob("[!.]*")) == []


def test_every_engine_is_listed_with_where_it_is(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "small.pt").write_bytes(BYTES)
    facts = {one.model: one for one in available_engines(Settings()) if one.engine != "faster_whisper"}
    assert facts["small"].ready
    assert facts["small"].size_bytes == len(BYTES)
    assert not facts["base"].ready
    assert str(cache / "base.pt") == facts["base"].where
    assert facts["en-us"].ready
    assert Path(facts["en-us"].where).is_dir()


def test_a_named_file_that_is_not_there_is_listed_as_missing(tmp_path: Path) -> None:
    first, *others = available_engines(Settings(whisper_model=str(tmp_path / "gone.pt")))
    assert (first.model, first.ready, first.where) == (str(tmp_path / "gone.pt"), False, str(tmp_path / "gone.pt"))
    assert any(one.ready for one in others)


@pytest.mark.parametrize("engine", ["whisper", "faster_whisper"])
def test_a_recogniser_gives_words_inside_their_chunk(talk: Talk, engine: SpeechEngine, request: pytest.FixtureRequest) -> None:
    """The model knows nothing, so its words are noise; their times must still be those of the chunk."""
    model = request.getfixturevalue("tiny_whisper" if engine == "whisper" else "tiny_converted")
    told: list[float] = []
    chunk = SpeechChunk(index=1, start_s=5.0, end_s=6.5)
    part = recogniser_for(engine, str(model), None, ("Cutroom",)).transcribe(talk.sound, chunk, "en", told.append)
    assert part.engine == engine
    assert part.language == "en"
    assert part.words
    for word in part.words:
        assert 5.0 <= word.start_s <= word.end_s <= 6.5
        assert 0.0 <= word.confidence <= 1.0
        assert word.text == word.text.strip()
    assert told[-1] == 1.0


def test_faster_whisper_names_the_language_it_hears(talk: Talk, tiny_converted: Path) -> None:
    recogniser = recogniser_for("faster_whisper", str(tiny_converted), None)
    assert recogniser.transcribe(talk.sound, SpeechChunk(index=0, start_s=0.0, end_s=1.0), "", lambda share: None).language


def test_the_hint_of_a_long_vocabulary_ends_with_a_whole_term() -> None:
    terms = [f"Term{number:03}" for number in range(200)]
    text = hint(terms)
    assert len(text) <= LONGEST_HINT
    assert text.split(", ") == terms[: len(text.split(", "))]


def test_pocketsphinx_knows_the_words_of_one_customer_alone() -> None:
    from cutroom.speech.pocketsphinx_engine import bundled

    decoder, _ = bundled(("Kwyjibo",))
    assert decoder.lookup_word("kwyjibo")
    assert bundled(())[0].lookup_word("kwyjibo") is None


def test_whisper_names_the_language_it_hears(talk: Talk, tiny_whisper: Path) -> None:
    recogniser = recogniser_for("whisper", str(tiny_whisper), None)
    part = recogniser.transcribe(talk.sound, SpeechChunk(index=0, start_s=0.0, end_s=1.0), "", lambda share: None)
    assert part.language


def test_pocketsphinx_hears_something_of_clear_speech(talk: Talk) -> None:
    recogniser = recogniser_for("pocketsphinx", "en-us", None)
    told: list[float] = []
    part = recogniser.transcribe(talk.sound, SpeechChunk(index=0, start_s=0.3, end_s=10.0), "en", told.append)
    truth = {word.text.lower().strip(".,?!") for word in talk.words if word.end_s < 10.0}
    assert len(truth & {word.text.lower() for word in part.words}) >= 4
    assert any("gets many words wrong" in warning for warning in part.warnings)
    assert told[-1] == 1.0
    for word, following in pairwise(part.words):
        assert 0.3 <= word.start_s < word.end_s <= following.start_s


def test_pocketsphinx_hears_the_same_each_time(talk: Talk) -> None:
    recogniser = recogniser_for("pocketsphinx", "en-us", None)
    chunk, other = SpeechChunk(index=0, start_s=0.3, end_s=4.0), SpeechChunk(index=1, start_s=8.0, end_s=11.0)
    first = recogniser.transcribe(talk.sound, chunk, "en", lambda share: None)
    recogniser.transcribe(talk.sound, other, "en", lambda share: None)
    assert recogniser.transcribe(talk.sound, chunk, "en", lambda share: None) == first


def test_pocketsphinx_says_that_it_knows_only_english(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "silence.flac", np.zeros(RATE))
    part = recogniser_for("pocketsphinx", "en-us", None).transcribe(
        sound, SpeechChunk(index=0, start_s=0, end_s=1), "de", lambda share: None
    )
    assert part.language == "en"
    assert any("English" in warning for warning in part.warnings)


def test_captions_without_their_text_have_no_recogniser() -> None:
    with pytest.raises(SetupError):
        recogniser_for("captions", "", None)
    assert recogniser_for("captions", "", Cues(cues=[]))


def test_with_captions_no_publisher_is_asked_and_no_setting_fails(silent_publisher: None) -> None:
    assert choose_second(Settings(whisper_model="base")) == ("faster_whisper", "base")
    assert choose_second(Settings(whisper_model="base.en")) == ("whisper", "base.en")
    assert choose_second(Settings(whisper_model="gigantic")) == ("pocketsphinx", "en-us")
    assert download._asked == {}
    assert not made_ready("faster_whisper", "base", lambda share: None)
    assert made_ready("pocketsphinx", "en-us", lambda share: None)
