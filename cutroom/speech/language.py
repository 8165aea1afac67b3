"""Which language a text is in, offline, by py3langid: small, maintained, deterministic, its model in its wheel.

(langdetect answers differently from run to run and is no longer maintained; lingua is 100 MB.)
"""

from functools import cache
from typing import Any

from cutroom.contracts.documents import Cues
from cutroom.errors import InvalidRequest

LEAST_WORDS = 12
SURE = 0.9
MOST_CHARACTERS = 20_000


@cache
def identifier() -> Any:
    """py3langid's bundled model, giving probabilities."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def guess_language(cues: Cues) -> str:
    """ISO 639-1 code such as `en`, or `` where there is too little text or no clear answer."""
    text = " ".join(cue.text for cue in cues.cues)[:MOST_CHARACTERS]
    if len(text.split()) < LEAST_WORDS and len(text) < 5 * LEAST_WORDS:
        return ""
    language, probability = identifier().classify(text)
    return str(language) if probability >= SURE else ""


def base_language(tag: str) -> str:
    """`pt-BR` -> `pt`."""
    return tag.replace("_", "-").split("-")[0].lower()


def require_language(asked: str, found: str) -> None:
    """Raises InvalidRequest (`captions_language_mismatch`) where both are known and differ."""
    if asked and found and base_language(asked) != base_language(found):
        raise InvalidRequest(
            "The captions are in another language than the one asked for: "
            "leave `captions.language` out, or give captions in that language.",
            code="captions_language_mismatch",
            field="captions.language",
        )
