"""Which language a text is in, offline, by py3langid: small, maintained, deterministic, its model in its wheel.

(langdetect answers differently from run to run and is no longer maintained; lingua is 100 MB.)
"""

from functools import cache
from typing import Any

from cutroom.contracts.documents import Cues

LEAST_WORDS = 12
SURE = 0.9
MOST_CHARACTERS = 20_000
# Rare languages would win over short or informal text of a common one.
COMMON = (
    "ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ms nl no pa pl pt ro ru sk sl sq sr sv "
    "sw ta te th tl tr uk ur vi zh"
)
# Too near each other to refuse one for the other.
SIBLINGS = (frozenset({"da", "nb", "nn", "no"}), frozenset({"bs", "hr", "sr"}), frozenset({"id", "ms"}), frozenset({"zh", "yue"}))


@cache
def identifier() -> Any:
    """py3langid's bundled model, giving probabilities."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(COMMON.split())
    return model


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


def same_language(one: str, other: str) -> bool:
    """Whether two tags name one language, or two that cannot be told apart by a few sentences."""
    pair = {base_language(one), base_language(other)}
    return len(pair) == 1 or any(pair <= siblings for siblings in SIBLINGS)


NAMES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "it": "Italian", "ja": "Japanese", "ko": "Korean",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish",
    "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def language_name(tag: str) -> str:
    """`de` -> `German`; a rarer language by its code."""
    return NAMES.get(base_language(tag), tag)
