"""A short title from spoken sentences, in their own words.

Each sentence near the beginning offers itself, and its clauses where it is too long. The best is a whole thought that is
told strongly, holds the words that the passage keeps coming back to, and needs nothing that was said before.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

MOST_CHARS = 60
_LEAST_CHARS = 16
_NEAR = 6  # sentences
_ELLIPSIS = "\u2026"
_EDGES = " .,;:!?-\u2013\u2014\u2026\"'\u201c\u201d"
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_WIND_UP = re.compile(
    r"^(?:(?:so|and|but|well|okay|ok|yeah|yes|no|right|now|um+|uh+|er+|oh|you know|i mean|look|listen|anyway|because|then|also)\b"
    r"[\s,.]*)+",
    re.IGNORECASE,
)
# It points at what was said before.
_LEANS = re.compile(
    r"^(?:he|she|it|they|this|that|these|those|there|his|her|their|its|which|who|whose|couldn't|didn't|wasn't|isn't|not|or|nor|"
    r"him|them|behind that|after that|then)\b",
    re.IGNORECASE,
)
# A clause that only leads to the next one.
_LEADS = re.compile(
    r"^(?:if|when|whenever|while|although|though|since|as|after|before|until|once|unless|because|"
    r"on|at|in|with|for|by|from|during|without|instead of|in order to)\b",
    re.IGNORECASE,
)
_HANGS = re.compile(
    r"(?:\b(?:an?|the|and|or|but|of|to|in|on|at|for|with|by|from|about|into|that|which|who|what|when|where|if|as|than|so|is|are|was|"
    r"were|be|been|has|have|had|do|does|did|can|could|will|would|should|my|your|our|his|her|its|their|this|these|those|not|no|"
    r"very|he|she|they|we|you|i|it|said|says|say|thinking|think|mean)|,)$",
    re.IGNORECASE,
)
# What it means was said before, or comes after.
_VAGUE = re.compile(r"\b(?:it|that|him|them|this|these|those|there|one|thing|something|someone)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"^(?:who|whom|whose|what|which|when|where|why|how|do|does|did|is|are|was|were|can|could|will|would|should|have|has)\b",
    re.IGNORECASE,
)
_BREAK = re.compile(r"[,;:] | [\u2013\u2014-] ")


def title(sentences: Sequence[str], strengths: Sequence[float]) -> str:
    """At most 60 characters, cut between words; empty where there is nothing to take.

    `strengths`: how well each sentence opens, in any unit.
    """
    near = [" ".join(sentence.split()) for sentence in sentences[:_NEAR]]
    told = Counter(word for sentence in sentences for word in _content(sentence))
    low, high = min(strengths[:_NEAR], default=0.0), max(strengths[:_NEAR], default=0.0)
    best, most = "", float("-inf")
    for place, (sentence, strength) in enumerate(zip(near, strengths, strict=False)):
        for piece in _pieces(_WIND_UP.sub("", sentence) or sentence):
            points = (strength - low) / ((high - low) or 1.0) + _fitness(piece, told) - 0.15 * place
            if points > most:
                best, most = piece, points
    return best[:1].upper() + best[1:]


def _pieces(said: str) -> Iterator[str]:
    """A sentence that fits; else its beginnings that end with a clause, and what fits of it."""
    asks = "?" * said.endswith("?")
    said = said.strip(_EDGES)
    if len(said) + len(asks) <= MOST_CHARS:
        yield said + asks
        return
    for found in _BREAK.finditer(said, 0, MOST_CHARS + 2):
        clause = said[: found.start()] + asks * bool(_ASKS.search(said))
        if len(clause) <= MOST_CHARS:
            yield clause
    yield _shortened(said)


def _shortened(said: str) -> str:
    """Up to the last word that fits and leaves nothing hanging, with an ellipsis; a single endless word is cut."""
    room = said[:MOST_CHARS]
    cut = room.rfind(" ")
    kept = room[:cut].rstrip(_EDGES) if cut > 0 else room[:-1]
    while _HANGS.search(kept) and " " in kept:
        kept = kept.rpartition(" ")[0].rstrip(_EDGES)
    return kept + _ELLIPSIS


def _fitness(piece: str, told: Counter[str]) -> float:
    """What speaks for a title by itself: its words come again in the passage; against: it leans, leads, hangs or breaks off."""
    words = _content(piece)
    again = sum(told[word] > 1 for word in words) / max(len(words), 3)
    asks, broken = piece.endswith("?") and bool(_ASKS.search(piece)), piece.endswith(_ELLIPSIS)
    faults = (
        1.0 * (len(piece) < _LEAST_CHARS)
        + 0.5 * bool(_LEANS.search(piece))
        + 0.2 * len(_VAGUE.findall(piece))
        + 0.5 * (not (asks or broken) and bool(_LEADS.search(piece)))
        + 0.6 * bool(_HANGS.search(piece))
        + 0.6 * broken
    )
    return again + 0.3 * asks + 0.3 * len(piece) / MOST_CHARS - faults


def _content(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text) if len(word) > 3]
