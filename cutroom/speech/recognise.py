"""Which recogniser does the work: chosen once per job, on the machine that has the models, and then kept to."""

from pathlib import Path
from typing import NamedTuple, Protocol

from cutroom.contracts.documents import Cues
from cutroom.contracts.media import SpeechEngine
from cutroom.errors import SetupError
from cutroom.settings import Settings
from cutroom.speech import converted, weights
from cutroom.speech.captions import CaptionsRecogniser
from cutroom.speech.download import MIB
from cutroom.speech.pocketsphinx_engine import PocketsphinxRecogniser
from cutroom.speech.recogniser import Recogniser, Told


class Store(Protocol):
    """Where the weights of an engine come from: the modules `converted` and `weights`."""

    def cached(self, model: str) -> Path | None: ...

    def fetchable(self, model: str) -> bool: ...

    def fetch(self, model: str, told: Told) -> Path: ...


STORES: dict[SpeechEngine, Store] = {"faster_whisper": converted, "whisper": weights}


class EngineFacts(NamedTuple):
    """A recogniser as people see it. `how`: what to do where it is not ready."""

    engine: SpeechEngine
    model: str
    ready: bool
    where: str
    size_bytes: int
    how: str


def choose_engine(has_captions: bool, has_audio: bool, settings: Settings) -> tuple[SpeechEngine, str]:
    """Engine and model that tell the words: captions where there are some, else a recogniser.

    Without sound nothing is said. Raises SetupError where the settings name no model.
    """
    if not has_audio:
        return "none", ""
    return ("captions", "pocketsphinx-en-us") if has_captions else choose_recogniser(settings)


def choose_recogniser(settings: Settings) -> tuple[SpeechEngine, str]:
    """Engine and model that hear: faster-whisper or whisper where their weights are here or can be fetched, else pocketsphinx.

    Asks the network for 10 s at most. Raises SetupError where the settings name no model.
    """
    model = settings.whisper_model
    if converted.cached(model):
        return "faster_whisper", model
    if weights.cached(model):
        return "whisper", model
    if converted.fetchable(model):
        return "faster_whisper", model
    return ("whisper", model) if weights.fetchable(model) else ("pocketsphinx", "en-us")


def choose_second(settings: Settings) -> tuple[SpeechEngine, str]:
    """Engine and model that take over where captions fail, without asking the network: weights are fetched at first need.

    Few captions fail, so settings that name no model do no harm: then it is pocketsphinx.
    """
    model = settings.whisper_model
    try:
        if converted.cached(model) is None and (weights.cached(model) is not None or converted.published(model) is None):
            return "whisper", model
    except SetupError:
        return "pocketsphinx", "en-us"
    return "faster_whisper", model


def at_hand(engine: SpeechEngine, model: str) -> bool:
    """Whether a recogniser's weights are on this machine."""
    try:
        return engine not in STORES or STORES[engine].cached(model) is not None
    except SetupError:
        return False


def made_ready(engine: SpeechEngine, model: str, told: Told) -> bool:
    """Whether a recogniser can be used; its weights are fetched where they are not here and their publisher answers."""
    if at_hand(engine, model):
        return True
    try:
        return STORES[engine].fetchable(model) and STORES[engine].fetch(model, told).exists()
    except SetupError:
        return False


def available_engines(settings: Settings) -> list[EngineFacts]:
    """Every recogniser and model, best first, without asking the network."""
    import pocketsphinx

    bundled = Path(pocketsphinx.get_model_path("en-us"))
    size = sum(file.stat().st_size for file in bundled.rglob("*") if file.is_file())
    facts = [whisper_facts(settings.whisper_model)] if settings.whisper_model.endswith(".pt") else []
    facts += [converted_facts(name) for name in converted.PUBLISHED]
    facts += [whisper_facts(name) for name in weights.PUBLISHED]
    return [*facts, EngineFacts("pocketsphinx", "en-us", True, str(bundled), size, "")]


def whisper_facts(model: str) -> EngineFacts:
    """What there is of one whisper model, a `.pt` file named by its path among them. Raises SetupError for an unknown model."""
    if model.endswith(".pt") and not Path(model).is_file():
        return EngineFacts("whisper", model, False, model, 0, "put the file there, or name another by CUTROOM_WHISPER_MODEL")
    path = weights.cached(model)
    if path:
        return EngineFacts("whisper", model, True, str(path), path.stat().st_size, "")
    name = weights.published_name(model)
    where, size = weights.cache_dir() / f"{name}.pt", weights.PUBLISHED[name].mib * MIB
    return EngineFacts("whisper", model, False, str(where), size, f"fetched on first use; or put {weights.address(model)} there")


def converted_facts(model: str) -> EngineFacts:
    """What there is of one model for faster-whisper."""
    path, known = converted.cached(model), converted.PUBLISHED[model]
    where = path or converted.folder_of(model)
    how = f"fetched on first use; or put the files of {converted.HOST}/{known.repository}/tree/{known.revision} there"
    return EngineFacts("faster_whisper", model, path is not None, str(where), known.size, "" if path else how)


def recogniser_for(engine: SpeechEngine, model: str, cues: Cues | None, vocabulary: tuple[str, ...] = ()) -> Recogniser:
    """The recogniser of a plan. `cues`: the known text, for `captions`; `vocabulary`: words that others should expect."""
    if engine == "captions" and cues is not None:
        return CaptionsRecogniser(cues)
    if engine == "faster_whisper":
        from cutroom.speech.faster_whisper_engine import FasterWhisperRecogniser

        return FasterWhisperRecogniser(model, vocabulary)
    if engine == "whisper":
        from cutroom.speech.whisper_engine import WhisperRecogniser

        return WhisperRecogniser(model, vocabulary)
    if engine == "pocketsphinx":
        return PocketsphinxRecogniser(vocabulary)
    raise SetupError("No recogniser was planned for this recording.", code="speech_engine_missing")
