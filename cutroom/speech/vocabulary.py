"""Custom vocabulary: names and terms as the customer spells them, put right where they were nearly written.

A few words become a term where they sound almost like it (edit distance between their phones) and are written somewhat like
it. A word that the dictionary knows must sound exactly like the term, for otherwise it was probably meant as it stands.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from rapidfuzz.distance import Indel, Levenshtein

from cutroom.contracts.documents import Word
from cutroom.speech.pronounce import pronunciations
from cutroom.speech.words import OUTER, spoken_form

# Shares of the longer of the two that may differ: of the phones, and of the letters.
MOST_UNLIKE_SOUND = 0.2
MOST_UNLIKE_LETTERS = 0.5
# Shorter terms are too easily found in other words.
LEAST_PHONES = 3
# `Cutroom` may be heard as `cut room`, and `Cut Room` as `cutroom`.
MORE_WORDS = 1
# Far more often themselves than a name that is written or sounds like them.
FUNCTIONS = (
    "a all am an and any are as at be but by can did do for go had has have he her him his how i if in is it may me my no not of "
    "on one or our out she so than that the their them then there they this to too two up us was we were what when where who why "
    "will with you your"
)
FUNCTION_WORDS = frozenset(FUNCTIONS.split())


def spelled_as(
    words: Sequence[Word], vocabulary: Sequence[str], language: str, known: Callable[[str], bool], *, cased: bool = True
) -> tuple[list[Word], int]:
    """The words with near misses of the vocabulary repaired, and how many were.

    `known`: whether the dictionary has a word. `cased`: whether the text has capitals where they belong.
    """
    terms = [(term, phones_of(term.split(), language)) for term in vocabulary]
    spelled: list[Word] = []
    repaired, at = 0, 0
    while at < len(words):
        match = best_match(words, at, terms, language, known, cased)
        if match is None:
            spelled.append(words[at])
            at += 1
            continue
        term, count = match
        replaced = put(term, words[at : at + count])
        repaired += [word.text for word in replaced] != [word.text for word in words[at : at + count]]
        spelled += replaced
        at += count
    return spelled, repaired


def best_match(
    words: Sequence[Word],
    at: int,
    terms: Sequence[tuple[str, list[str]]],
    language: str,
    known: Callable[[str], bool],
    cased: bool,
) -> tuple[str, int] | None:
    """The term that the words from here on nearly are, the nearest first, and how many words it takes the place of."""
    found: list[tuple[float, int, str]] = []
    for term, phones in terms:
        size = len(term.split())
        for count in range(max(1, size - MORE_WORDS), size + MORE_WORDS + 1):
            heard = [spoken_form(word.text) for word in islice(words, at, at + count)]
            if len(heard) < count:
                break
            unlike = difference(term, phones, heard, language, known, cased)
            if unlike is not None:
                found.append((unlike, -count, term))
    if not found:
        return None
    _, count, term = min(found)
    return term, -count


def difference(
    term: str, phones: list[str], heard: list[str], language: str, known: Callable[[str], bool], cased: bool
) -> float | None:
    """How unlike the words heard and a term sound, 0 to 1; None where they are too unlike to be the same.

    In a text with capitals an ordinary word was meant as it stands: `it` is not `IT`, and `meat` not `Meet`.
    """
    written, meant = "".join(heard), "".join(spoken_form(part) for part in term.split())
    ordinary = all(map(known, heard))
    if written == meant:
        return None if len(heard) == 1 and ordinary and (cased or heard[0] in FUNCTION_WORDS) else 0.0
    if ordinary and (cased or heard[0] in FUNCTION_WORDS):
        return None
    if len(phones) < LEAST_PHONES or Indel.normalized_distance(written, meant) > MOST_UNLIKE_LETTERS:
        return None
    unlike = float(Levenshtein.normalized_distance(phones, phones_of(heard, language)))
    return unlike if unlike <= (0.0 if ordinary else MOST_UNLIKE_SOUND) else None


def phones_of(words: Sequence[str], language: str) -> list[str]:
    return [phone for word in words for phone in (pronunciations(spoken_form(word), language) or ("",))[0].split()]


def put(term: str, words: Sequence[Word]) -> list[Word]:
    """The term in the place of these words, in their time and with the punctuation around them."""
    before, after = OUTER.findall(words[0].text)[:1], OUTER.findall(words[-1].text)[-1:]
    texts = term.split()
    texts[0] = (before[0] if before and words[0].text.startswith(before[0]) else "") + texts[0]
    texts[-1] += after[0] if after and words[-1].text.endswith(after[0]) else ""
    if len(texts) == len(words):
        return [word.model_copy(update={"text": text}) for word, text in zip(words, texts, strict=True)]
    start_s, length_s = words[0].start_s, words[-1].end_s - words[0].start_s
    letters = sum(map(len, texts))
    spelled, done = [], 0
    for text in texts:
        begin_s, done = start_s + length_s * done / letters, done + len(text)
        spelled.append(words[0].model_copy(update={"text": text, "start_s": begin_s, "end_s": start_s + length_s * done / letters}))
    return spelled
