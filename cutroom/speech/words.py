"""Written text to words, and words to sentences. Pure functions over text and times."""

import re
from collections.abc import Sequence
from itertools import pairwise

from cutroom.contracts.documents import Sentence, Word

LONG_PAUSE_S = 2.5
SHORT_PAUSE_S = 0.45
# Longer than this without a full stop, the text has no punctuation to go by.
MOST_WORDS = 40

# Quotation marks and brackets that may follow a full stop; full stops of Latin and of East Asian writing.
CLOSERS = "\"'\u201d\u2019\u00bb)\\]"
STOPS = ".!?\u2026\u3002\uff01\uff1f"
ENDING = re.compile(f"[{STOPS}]+[{CLOSERS}]*$")
TRAILING_OFF = re.compile(f"(?:\\.{{2,}}|\u2026)[{CLOSERS}]*$")
INITIALS = re.compile(r"^(?:[^\W\d_]\.)+$")
NEVER_LAST = (
    "mr. mrs. ms. dr. prof. st. vs. e.g. i.e. approx. dept. est. gen. gov. sen. rep. lt. col. sgt. capt. rev. hon. "
    "jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. nov. dec. ca. bzw. z.b. mme. mlle. sra. dra. ud. uds."
)
# Abbreviations that may well be a sentence's last word: the next word's capital decides.
SOMETIMES_LAST = "etc. jr. sr. inc. ltd. co. corp. a.m. p.m. usw. u.s. u.k."
BEFORE_NUMBERS = "no. nr. vol. fig. p. pp."
ABBREVIATIONS = frozenset(NEVER_LAST.split())
CLOSING = frozenset(SOMETIMES_LAST.split())
NUMBERED = frozenset(BEFORE_NUMBERS.split())
QUOTES = "\"'\u201c\u201d\u2018\u2019\u00ab\u00bb()[]"
OUTER = re.compile(r"^[^\w$€£¥]+|[^\w%]+$")


def written_words(text: str) -> list[str]:
    """The words of a text as they are written, each with the punctuation that touches it or stands alone after it."""
    words: list[str] = []
    for token in text.split():
        if any(letter.isalnum() for letter in token):
            words.append(token)
        elif words:
            words[-1] += f" {token}" if token[0] in "-\u2013\u2014&+" else token
    return words


def spoken_form(word: str) -> str:
    """A written word without the punctuation around it, in lower case, with one kind of apostrophe."""
    return OUTER.sub("", word).replace("\u2019", "'").lower()


def ends_sentence(word: str, following: str) -> bool:
    """Whether a sentence ends after `word`, judged by its punctuation and by how the following word is written."""
    if not ENDING.search(word):
        return False
    opens = OUTER.sub("", following)
    lower = opens[:1].islower()
    bare = word.strip(QUOTES).lower()
    if TRAILING_OFF.search(word):
        return not lower
    if bare in NUMBERED:
        return not opens[:1].isdigit()
    if bare in CLOSING:
        return opens[:1].isupper()
    return not (bare in ABBREVIATIONS or (INITIALS.match(bare) and bare not in {"i."}) or (bare.endswith(".") and lower))


def sentences_of(words: Sequence[Word]) -> list[Sentence]:
    """Sentences over all words, in order, none left out.

    A sentence ends at punctuation, at a change of speaker or at a pause of 2.5 s; where there is hardly any punctuation,
    at any pause of 0.45 s. What is still longer than 40 words is cut at its pauses, and failing those at the longest one.
    """
    endings = sum(bool(ENDING.search(word.text)) for word in words)
    pause_s = LONG_PAUSE_S if endings * MOST_WORDS >= len(words) else SHORT_PAUSE_S
    sentences = []
    first = 0
    for last in range(1, len(words) + 1):
        if last == len(words) or closes(words[last - 1], words[last], pause_s):
            sentences += [sentence(words, a, b) for a, b in pieces(words, first, last)]
            first = last
    return sentences


def closes(word: Word, following: Word, pause_s: float) -> bool:
    """Whether a sentence ends between two neighbours. Captions often name who speaks only once a turn, so no name says nothing."""
    another = None not in (word.speaker, following.speaker) and word.speaker != following.speaker
    return another or following.start_s - word.end_s >= pause_s or ends_sentence(word.text, following.text)


def pieces(words: Sequence[Word], first: int, last: int) -> list[tuple[int, int]]:
    """`first:last` as it is, or where it is too long for a sentence, cut at its pauses."""
    if last - first <= MOST_WORDS:
        return [(first, last)]
    pauses = {i: words[i].start_s - words[i - 1].end_s for i in range(first + 1, last)}
    cuts = [i for i, pause in pauses.items() if pause >= SHORT_PAUSE_S]
    if not cuts:
        middle = (first + last) / 2
        cuts = [max(pauses, key=lambda i: (round(pauses[i], 2), -abs(i - middle)))]
    marks = [first, *cuts, last]
    return [piece for a, b in pairwise(marks) for piece in pieces(words, a, b)]


def sentence(words: Sequence[Word], first: int, last: int) -> Sentence:
    """Words `first:last` as one sentence."""
    said = words[first:last]
    text = " ".join(word.text for word in said)
    speaker = next((word.speaker for word in said if word.speaker), None)
    return Sentence(text=text, start_s=said[0].start_s, end_s=said[-1].end_s, first_word=first, last_word=last, speaker=speaker)
