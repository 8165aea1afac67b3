"""How a written word sounds, in the phones of the acoustic model.

English words come from the dictionary. Everything else (names, numbers, sums of money, other languages) is spelled in
sounds by espeak-ng, and each of its sounds becomes the nearest of the 39 English phones (CMU's ARPABET). For aligning a
known text that is near enough.
"""

import ctypes
import re
from functools import cache, lru_cache
from importlib.resources import files
from threading import Lock

# Sounds of the international phonetic alphabet, and the CMU phones that stand for them.
PHONES = dict(line.split("\t") for line in files(__package__).joinpath("phones.tsv").read_text("utf-8").splitlines())
# The longest match first.
SOUND = re.compile("|".join(sorted(map(re.escape, PHONES), key=len, reverse=True)))
MONEY = re.compile(r"([$€£¥])(\d[\d,.]*)")
CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}
# Languages whose voice has another name. No Nynorsk voice is there, and its spelling is near enough.
VOICES = {"": "en-us", "en": "en-us", "no": "nb", "nn": "nb", "zh": "cmn"}
YEAR = re.compile(r"(1[1-9]|20)([1-9]\d)")
LONGEST = 60
SYNCHRONOUS, STAY_ALIVE, UTF8, IPA = 2, 0x8000, 1, 2

_lock = Lock()


@cache
def speller() -> ctypes.CDLL:
    """espeak-ng's library, which keeps its state to itself: only one thread may be in it."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), STAY_ALIVE)
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    return library


@lru_cache(maxsize=50_000)
def pronunciations(word: str, language: str) -> tuple[str, ...]:
    """Ways to say a written word, likely one first, as CMU phones with spaces between; empty where it has no sound.

    So is a word of a language that espeak-ng has no voice for; the empty language is English.
    """
    said = [to_phones(spelled(text[:LONGEST], language)) for text in readings(word)]
    return tuple(dict.fromkeys(phones for phones in said if phones))


@lru_cache(maxsize=200)
def speaks(language: str) -> bool:
    """Whether espeak-ng has a voice for a language, so that its words can be aligned."""
    with _lock:
        return bool(speller().espeak_SetVoiceByName(voice_of(language)) == 0)


def voice_of(language: str) -> bytes:
    return VOICES.get(language, language).encode()


def readings(word: str) -> list[str]:
    """A year is said in halves or as a number, a currency after its sum."""
    if year := YEAR.fullmatch(word):
        return [f"{year[1]} {year[2]}", word]
    if money := MONEY.fullmatch(word):
        return [f"{money[2]} {CURRENCIES[money[1]]}"]
    return [word]


def spelled(text: str, language: str) -> str:
    """The text in the international phonetic alphabet; nothing where there is no voice for the language."""
    with _lock:
        library = speller()
        if library.espeak_SetVoiceByName(voice_of(language)) != 0:
            return ""
        rest, heard = ctypes.c_char_p(text.encode()), []
        while rest.value:
            heard.append((library.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, IPA) or b"").decode(errors="ignore"))
        return " ".join(heard)


def to_phones(spelling: str) -> str:
    """Phonetic alphabet to CMU phones. What has no phone (stress, length, tones) is left out."""
    return " ".join(PHONES[sound] for sound in SOUND.findall(spelling))
