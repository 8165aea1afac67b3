"""A short title from spoken sentences, taken from their own words."""

import re
from collections.abc import Sequence

MOST_CHARS = 60
_LEAST_CHARS = 16
_WIND_UP = re.compile(
    r"^(?:(?:so|and|but|well|okay|ok|yeah|yes|right|now|um+|uh+|you know|i mean|look|anyway)\b[\s,]*)+", re.IGNORECASE
)


def title(sentences: Sequence[str], strengths: Sequence[float]) -> str:
    """The strongest of the first sentences without its wind-up, at most 60 characters, cut between words.

    `strengths`: how well each sentence opens. Empty where there is nothing to take.
    """
    if not sentences:
        return ""
    near = min(3, len(sentences))
    best = max(range(near), key=lambda i: (strengths[i] * (len(sentences[i]) >= _LEAST_CHARS), -i))
    said = " ".join(sentences[best].split())
    said = _WIND_UP.sub("", said) or said
    asks = said.endswith("?")
    said = said.strip(" .,;:!?-\u2013\u2014\u2026\"'\u201c\u201d")
    if len(said) + asks > MOST_CHARS:
        said, asks = _shortened(said), False
    return said[:1].upper() + said[1:] + "?" * asks


def _shortened(said: str) -> str:
    """Up to the last comma that leaves enough, else to the last word that fits, with an ellipsis; a single endless word is cut."""
    room = said[: MOST_CHARS - 1]
    clause = max(room.rfind(mark) for mark in (", ", "; ", ": "))
    if clause >= MOST_CHARS // 2:
        return room[:clause]
    cut = room.rfind(" ")
    return (room[:cut] if cut > 0 else room).rstrip(" .,;:!?-\u2013\u2014") + "\u2026"
