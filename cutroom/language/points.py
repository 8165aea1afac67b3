"""What of a talk can be told by itself: a sentence that leans on nothing before it, or one with the sentence that it leans on."""

import re
from dataclasses import dataclass

from cutroom.media.cues import FUNCTION, LEANING, WIND_UP, WORD
from cutroom.media.features import Talk

_POINTING = re.compile(
    r"\b(?:he|she|they|it|him|her|them|his|hers|their|theirs|its|this|that|these|those)\b(?:'(?:d|ll|re|s|ve)\b)?"
)
_ASIDE = re.compile(r"\[[^\]]*\]|\((?:laugh|applau|music|cross)[^)]*\)", re.IGNORECASE)
_FILLER = re.compile(r"(?:^|(?<=\s))(?:(?:um+|uh+|er+),?|(?:you know|i mean),)\s+", re.IGNORECASE)
_DOUBLED = re.compile(r"\b(\w+(?:['\u2019]\w+)?),? \1\b", re.IGNORECASE)
_OPENS = re.compile(rf"{WIND_UP.pattern}[\s,.;:\u2013\u2014-]*", re.IGNORECASE)


@dataclass(frozen=True)
class Point:
    """Lines `first` to `last`, both included, told for the sake of the last."""

    first: int
    last: int

    def shares(self, other: "Point") -> bool:
        return self.first <= other.last and other.first <= self.last


def point_at(talk: Talk, line: int) -> Point | None:
    """The point that a line makes: alone, or after the line before by the same voice; None where both leave something dangling."""
    if stands(talk, line):
        return Point(line, line)
    before = line - 1
    if before >= 0 and talk.lines[before].speaker == talk.lines[line].speaker and stands(talk, before):
        return Point(before, line)
    return None


def stands(talk: Talk, line: int) -> bool:
    """Whether a line can be understood without those before it, as far as cues tell; in languages without cues each one can."""
    if not talk.english:
        return True
    text = talk.low[line]
    core = WIND_UP.sub("", text)
    if LEANING.match(text) or LEANING.match(core) or talk.found["back"][line] or talk.found["unseen"][line]:
        return False
    return all(_meant(core, found) for found in _POINTING.finditer(core))


def _meant(text: str, found: re.Match[str]) -> bool:
    """Whether a pronoun comes after something that it can stand for, or points at a noun that follows."""
    before, after = WORD.findall(text[: found.start()]), WORD.findall(text[found.end() :])
    if any(len(word) > 2 and word not in FUNCTION for word in before):
        return True
    return found.group() in ("this", "that", "these", "those") and bool(after) and after[0] not in FUNCTION


def tidied(text: str) -> str:
    """What was said, to be read: without fillers, doubled words, notes such as [laughter] and words that only wind up to it."""
    spoken = " ".join(_ASIDE.sub(" ", text).split()) or text
    said = _DOUBLED.sub(r"\1", _FILLER.sub("", spoken))
    read = _OPENS.sub("", said) or said
    return read[:1].upper() + read[1:]
