"""Which language a text is in, offline, by py3langid: small, maintained, deterministic, its model in its wheel.

(langdetect answers differently from run to run and is no longer maintained; lingua is 100 MB.)
"""

from functools import cache
from typing import Any

from cutroom.contracts.documents import Cues

LEAST_WORDS = 12
# Of a few captions among others.
SURE_WORDS = 30
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


def enough_text(text: str, words: int = LEAST_WORDS) -> bool:
    """Whether a text is long enough for a guess; a language that writes no spaces counts by its letters."""
    return len(text.split()) >= words or len(text) >= 5 * words


def guess_language(cues: Cues) -> str:
    """ISO 639-1 code such as `en`, or `` where there is too little text or no clear answer."""
    text = " ".join(cue.text for cue in cues.cues)[:MOST_CHARACTERS]
    if not enough_text(text):
        return ""
    language, probability = identifier().classify(text)
    return base_language(str(language)) if probability >= SURE else ""


def language_of(cues: Cues, first: int, last: int) -> str:
    """The language of captions `first:last`, judged with as many around them as a sure guess needs; else that of them all."""
    most, whole = len(cues.cues), guess_language(cues)
    while not enough_text(" ".join(cue.text for cue in cues.cues[first:last]), SURE_WORDS) and last - first < most:
        first, last = max(0, first - 1), min(most, last + 1)
    here = guess_language(Cues(cues=cues.cues[first:last]))
    return whole if not here or same_language(here, whole) else here


# Other codes of languages that are named by two letters here: ISO 639-2 and -3, withdrawn ones, and one written form for all.
CODES = {
    "nb": "no", "nob": "no", "nor": "no", "nno": "nn", "fil": "tl", "tgl": "tl", "iw": "he", "heb": "he", "cmn": "zh", "chi": "zh",
    "zho": "zh", "eng": "en", "ger": "de", "deu": "de", "fre": "fr", "fra": "fr", "spa": "es", "ita": "it", "por": "pt",
    "dut": "nl", "nld": "nl", "swe": "sv", "dan": "da", "fin": "fi", "pol": "pl", "cze": "cs", "ces": "cs", "gre": "el",
    "ell": "el", "tur": "tr", "rus": "ru", "ukr": "uk", "jpn": "ja", "kor": "ko", "ara": "ar", "hin": "hi", "hun": "hu",
    "ron": "ro",
    "rum": "ro", "vie": "vi", "tha": "th", "ind": "id", "msa": "ms", "may": "ms", "und": "",
}  # fmt: skip


def base_language(tag: str) -> str:
    """`pt-BR` -> `pt`, `deu` -> `de`, `nb` -> `no`: ISO 639-1 where the language has such a code, else as it is."""
    code = tag.replace("_", "-").split("-")[0].lower()
    return CODES.get(code, code)


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
