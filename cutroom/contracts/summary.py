"""The summary engine: a recording becomes a summary, key points, chapters and highlights."""

from typing import Literal

from cutroom.contracts.base import Frozen

Length = Literal["short", "medium", "long"]


class SummaryWishes(Frozen):
    """`language`: of the summary, as a base code (`en`); empty: that of the recording."""

    length: Length = "medium"
    key_points: int = 8
    highlights: int = 5
    language: str = ""
