"""What English words give away of a sentence: that it leans on another, points at a slide, hedges, tells, counts, concludes.

Lists, not a model: a cue is how often its words or turns of phrase (those of `english.toml`, and a few patterns) are in a
sentence. Other languages have no cues here.
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"  # Thai to Lao, kana and Chinese characters: written without spaces
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+(?:['\u2019][^\W_{UNSPACED}]+)*")
LEAST_ENGLISH = 0.3  # of all words are function words; other languages stay below .1

# Before a sentence's first word of substance; what is left without it is its core.
WIND_UP = re.compile(
    r"^(?:(?:so|okay|ok|right|well|now|um+|uh+|er+|oh|ah|hm+|mm+|yeah|yes|yep|no|nope|exactly|sure|look|listen|anyway|anyhow|"
    r"alright|all right|i mean|you know|like|sorry|and|but|great|true|absolutely|of course|indeed|see|hey|hang on|wait)\b[\s,.]*)+"
)
LEANING = re.compile(
    r"^(?:and|but|or|nor|because|cause|then|also|plus|which|who|whose|otherwise|instead|either|neither|too|still|again|besides|"
    r"except|even so|so that|therefore|hence|meanwhile|likewise|afterwards?|yet|although|though|unless|until|thus|similarly|"
    r"accordingly|moreover|furthermore|in addition|as a result|for (?:example|instance)|in other words)\b"
)
RESTARTING = re.compile(
    r"^(?:okay|ok|right|alright|all right|now|anyway|anyhow|so|well|um+|uh+|next|moving on|let's|let me|thank you|thanks|yeah|"
    r"great|good|second|third|secondly|thirdly|finally|lastly|first|firstly|any questions)\b"
)
CONCLUDING = re.compile(
    r"^(?:so|and so|and that|that's|that is|which is|because|in the end|at the end of the day|it turns? out|it turned out|never|"
    r"nobody|no one|the (?:point|lesson|rule|reason|trick|moral|answer|truth|result)|you|we|people|everyone|everybody|if you|"
    r"(?:and )?(?:he|she|they|i|we) (?:said|says)|it's not|it wasn't|it isn't|ever since|to this day|from then on|"
    r"the \w+ (?:wasn't|isn't|was never))\b"
)
# Turns that are sure to quote and to conclude, for what is told of a clip.
_PEOPLE = (
    r"(?:i|he|she|they|we|who|people|nobody|everyone|everybody|someone|somebody|(?:the|a|an|my|our|his|her|their) (?!one\b)\w+)"
)
_QUOTING = (
    rf"(?<!\bas )(?<!\blike )(?<!\bthat )\b{_PEOPLE} (?:just |then |never |always )?"
    r"(?:sa(?:id|ys)|asked|thought|answered|replied|shouted|whispered|told (?:me|you|him|her|us|them|the|my|our|his|their)\b)\b"
)
SURE_TO_CONCLUDE = re.compile(
    r"^(?:so that's|so that is|so the|(?:and )?that's (?:why|how)|(?:and )?that is (?:why|how)|which is why|in the end|"
    r"at the end of the day|it turns out|it turned out|"
    r"(?:and |so )?the (?:point|lesson|rule|reason|trick|moral|answer|truth|result) (?:is|was|of))\b"
)
_FIGURE = (
    r"(?:[\u00a3$\u20ac]?\d[\d,.]*%?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|"
    r"millions?|billions?|trillions?|half|percent|per cent|twice|dozens?)"
)
_LISTS = tomllib.loads(Path(__file__).with_name("english.toml").read_text(encoding="utf-8"))
FUNCTION = frozenset(_LISTS.pop("function").split())


def _any(turns: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(re.split(r",\s+", " ".join(turns.split()))) + r")(?!\w)")


_PATTERNS = {cue: _any(turns) for cue, turns in _LISTS.items()} | {
    "demonstrative": re.compile(
        r"\b(?:this|that|that's|that'd|these|those)\b"
        r"(?!\s+(?:year|month|week|morning|evening|afternoon|i|you|we|he|she|they|it|the|a|an|my|our|people|there)\b)"
    ),
    "chatter": re.compile(
        r"\[[^\]]*\]|\((?:laugh|applau|music|cross)[^)]*\)|"
        r"\b(?:ha(?:ha)+|oh my (?:god|word|goodness)|oh god|oh no|oh dear|wow|blimey|stop it|no way|crosstalk|lol)\b"
    ),
    "past": re.compile(
        r"\b(?:was|were|had|said|asked|told|went|came|got|found|knew|thought|took|gave|made|saw|left|began|became|brought|"
        r"bought|built|caught|cut|drove|fell|felt|flew|forgot|fought|froze|grew|heard|held|hid|hit|kept|laid|led|lent|lost|"
        r"meant|met|paid|put|ran|rang|rode|rose|sat|sent|shook|shot|slept|sold|spent|spoke|stood|stuck|swam|swore|taught|"
        r"threw|tore|understood|woke|won|wore|wrote|[a-z]{2,}[^aeiou\W]ed)\b"
    ),
    "figure": re.compile(rf"(?<!\w){_FIGURE}(?:[\s-]+(?:and[\s-]+)?(?:a[\s-]+)?{_FIGURE})*(?!\w)"),
    "quoting": re.compile(_QUOTING),
    "stumble": re.compile(r"\b(\w+(?:'\w+)?),? \1\b"),
}


def plain(text: str) -> str:
    """Lower case, with straight apostrophes."""
    return text.lower().replace("\u2019", "'")


def is_english(texts: Sequence[str]) -> bool:
    words = [word for text in texts for word in WORD.findall(text)]
    return sum(word in FUNCTION for word in words) >= LEAST_ENGLISH * max(len(words), 1)


def count(cue: str, texts: Sequence[str]) -> Numbers:
    """How often each of the plain texts gives a cue."""
    return np.array([sum(1 for _ in _PATTERNS[cue].finditer(text)) for text in texts], float)


def counts(texts: Sequence[str]) -> dict[str, Numbers]:
    return {cue: count(cue, texts) for cue in _PATTERNS}
