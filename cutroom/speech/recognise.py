"""Which recogniser does the work: chosen once per job, on the machine that has the models, and then kept to."""

from pathlib import Path
from typing import NamedTuple

from cutroom.contracts.documents import Cues
from cutroom.contracts.media import SpeechEngine
from cutroom.errors import SetupError
from cutroom.settings import Settings
from cutroom.speech import weights
from cutroom.speech.captions import CaptionsRecogniser
from cutroom.speech.pocketsphinx_engine import PocketsphinxRecogniser
from cutroom.speech.recogniser import Recogniser


class EngineFacts(NamedTuple):
    """A recogniser as people see it. `how`: what to do where it is not ready."""

    engine: SpeechEngine
    model: str
    ready: bool
    where: str
    size_bytes: int
    how: str


def choose_engine(has_captions: bool, has_audio: bool, settings: Settings) -> tuple[SpeechEngine, str]:
    """Engine and model: captions, else whisper where its weights are here or can be fetched, else pocketsphinx.

    Without sound nothing is said. Asks the network for 10 s at most. Raises SetupError where the settings name no model.
    """
    if not has_audio:
        return "none", ""
    if has_captions:
        return "captions", "pocketsphinx-en-us"
    model = settings.whisper_model
    if weights.cached(model) or weights.fetchable(model):
        return "whisper", model
    return "pocketsphinx", "en-us"


def available_engines(settings: Settings) -> list[EngineFacts]:
    """Every recogniser and model, best first, without asking the network."""
    import pocketsphinx

    bundled = Path(pocketsphinx.get_model_path("en-us"))
    size = sum(file.stat().st_size for file in bundled.rglob("*") if file.is_file())
    facts = [whisper_facts(settings.whisper_model)] if settings.whisper_model.endswith(".pt") else []
    facts += [whisper_facts(name) for name in weights.PUBLISHED]
    return [*facts, EngineFacts("pocketsphinx", "en-us", True, str(bundled), size, "")]


def whisper_facts(model: str) -> EngineFacts:
    """What there is of one whisper model."""
    path = weights.cached(model)
    if path:
        return EngineFacts("whisper", model, True, str(path), path.stat().st_size, "")
    name = weights.published_name(model)
    where, size = weights.cache_dir() / f"{name}.pt", weights.PUBLISHED[name].mib * weights.MIB
    return EngineFacts("whisper", model, False, str(where), size, f"fetched on first use; or put {weights.address(model)} there")


def recogniser_for(engine: SpeechEngine, model: str, cues: Cues | None) -> Recogniser:
    """The recogniser of a plan. `cues`: the known text, for `captions`."""
    if engine == "captions" and cues is not None:
        return CaptionsRecogniser(cues)
    if engine == "whisper":
        from cutroom.speech.whisper_engine import WhisperRecogniser

        return WhisperRecogniser(model)
    if engine == "pocketsphinx":
        return PocketsphinxRecogniser()
    raise SetupError("No recogniser was planned for this recording.", code="speech_engine_missing")
