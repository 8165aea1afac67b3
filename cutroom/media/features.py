"""What makes a passage of speech worth clipping: named features from 0 to 1, and how much each counts.

Pure text and numbers. The word lists are English; in other languages those features stay at their neutral value and the
choice rests on shape: questions, numbers, pauses, topic and length.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

# Points of a score of 100. Set by hand on labelled talks; tests hold what each feature must prefer.
WEIGHTS: dict[str, float] = {
    "opening": 18,  # the first sentence makes one listen: a question, a number, a claim, a scene
    "standalone": 18,  # it can be followed by who heard nothing before
    "ending": 20,  # the last sentence closes the thought, and the next one does not go on with it
    "substance": 22,  # no welcome, no advertisement, no thanks, no pointing at what cannot be seen
    "story": 4,  # turns, people who speak, contrasts
    "numbers": 4,  # figures, dates, amounts
    "energy": 5,  # louder than the rest of the talk
    "pace": 2,  # words a second, against the talk
    "pauses": 3,  # rest before and after it
    "length": 4,  # inside the wished length, neither at its edge
}
NEUTRAL = 0.5


@dataclass(frozen=True)
class Line:
    """A sentence, or a part of one that is too long. `loudness_db`: RMS against the mean of the talk; None if unknown."""

    text: str
    start_s: float
    end_s: float
    speaker: str | None = None
    loudness_db: float | None = None


def _any(*words: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(words) + r")\b")


_WORDS = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_FIGURE = (
    r"(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety|hundreds?|thousands?|millions?|billions?|half|percent|twice|dozens?)"
)
_NUMBER = re.compile(rf"\b{_FIGURE}(?:[\s-]+{_FIGURE})*\b")
_HOOK = _any(
    "never", "nobody", "no one", "everyone", "everybody", "always", "only", "secret", "truth", "myth", "lie", "mistake", "wrong",
    "best", "worst", "biggest", "greatest", "hardest", "cheapest", "most", "first time", "one thing", "here's", "here is",
    "imagine", "picture", "guess", "tell me", "let me", "i want to", "what if", "nearly", "surpris\\w+", "strange\\w*", "rule",
    "reason", "lesson", "story", "problem", "question", "riddle",
)  # fmt: skip
_SCENE = _any(
    r"in (?:\w+ )?(?:1[5-9]|20)\d\d", "years? ago", "one (?:day|morning|night|evening)", r"last \w+day",
    "last (?:week|month|year|summer|winter|night)", "when i was", "for years", "for a long time",
)  # fmt: skip
_ADDRESS = _any("you", "your", "we", "our", "people", "i")
_LEANING = re.compile(
    r"^(?:and|but|or|nor|so|because|then|also|plus|which|who|that|that's|this|these|those|it|it's|its|he|he's|she|she's|they|"
    r"they're|them|him|her|his|their|there|there's|here|yeah|yes|yep|no|nope|right|okay|ok|well|exactly|sure|oh|ah|um|uh|mm|hmm|"
    r"anyway|now|sorry|thanks|thank|otherwise|instead|either|neither|same|such|second|third|next|again|still|too|see|like)\b"
)
_POINTING_BACK = _any(
    "as i said", "like i said", "i said", "i mentioned", "earlier", "the other one", "the second one", "the last one", "again",
    "the same", "he", "she", "they", "it", "this", "these", "those", "that one", "him", "them", "such", "another", "else",
)  # fmt: skip
_UNSEEN = _any(
    "slide", "slides", "chart", "this column", "over here", "right here", "up here", "on the screen", "appendix", "figure", "axis",
    "equations?", "picture here", "this line", "this one", "that one there",
)  # fmt: skip
_HOUSEKEEPING = _any(
    "welcome", "newsletter", "subscribe", r"sponsor\w*", "this episode", "next week", "next time", "last week", "show notes",
    "notes", "link", "tickets?", "discount", "promo", "code", "sign up", "signed up", "follow us", "rate", "reviews?", "thanks for",
    "thank you", "homework", "assignment", "deadline", "office hours", "hiring", "housekeeping", "microphones?", "mic", "phones?",
    "exits?", "agenda", "minutes of", "motion", "seconded", r"adjourn\w*", "podcast", "tune in", "coming up", "before we",
    "applause", "good (?:morning|evening|afternoon)", "hello", "goodbye", "lunch", "coffee break", "badge", "wi-?fi", "email us",
    "website", "dot com", "competition", "giveaway", "exam", "reading list", "problem set",
)  # fmt: skip
_TURN = _any(
    "but", "until", "suddenly", "instead", "except", "turns? out", "turned out", "then", "because", "even though", "although",
    "actually", "so", "however", "yet", "not",
)  # fmt: skip
_TOLD = _any("said", "says", "asked", "told", "called", "went", "came", "got", "found", "knew", "thought", "was", "were", "had")
_CONCLUSION = re.compile(
    r"^(?:so|and so|and that|that's why|that is why|which is why|because|in the end|it turns? out|it turned out|never|nobody|"
    r"the (?:point|lesson|rule|reason)|you|we|and (?:he|she|they|i) said)\b"
)
_HEDGE = _any("um", "uh", "er", "i mean", "kind of", "sort of", "i think", "i guess", "maybe", "i don't know", "whatever", "anyway")


class Talk:
    """All lines of a talk, and the features of any passage of them. Building costs one pass; a passage costs O(1)."""

    def __init__(self, lines: Sequence[Line], min_s: float, max_s: float) -> None:
        self._lines, self._min_s, self._max_s = lines, min_s, max_s
        low = [line.text.lower().replace("\u2019", "'") for line in lines]
        words = [_WORDS.findall(text) for text in low]
        self.openings = [_opening(text, len(w)) for text, w in zip(low, words, strict=True)]
        self._standing = [_standing(text) for text in low]
        self._endings = [_ending(text, len(w)) for text, w in zip(low, words, strict=True)]
        spans = [max(line.end_s - line.start_s, 1e-3) for line in lines]
        empty = [1.0 if _HOUSEKEEPING.search(t) or _UNSEEN.search(t) else 0.5 * bool(_HEDGE.search(t)) for t in low]
        self._seconds = _sums(spans)
        self._empty = _sums([e * s for e, s in zip(empty, spans, strict=True)])
        self._turns = _sums([min(2, len(_TURN.findall(t))) + min(2, len(_TOLD.findall(t))) for t in low])
        self._figures = _sums([len(_NUMBER.findall(t)) for t in low])
        self._spoken = _sums([len(w) for w in words])
        self._loud = _sums([(line.loudness_db or 0.0) * s for line, s in zip(lines, spans, strict=True)])
        self._has_loudness = any(line.loudness_db is not None for line in lines)
        self._pace = max(1.0, self._spoken[-1]) / self._seconds[-1]

    def features(self, first: int, last: int) -> dict[str, float]:
        """The features of lines `first` to `last`, both included, in the order of WEIGHTS."""
        line, end = self._lines[first], self._lines[last]
        seconds = self._over(self._seconds, first, last)
        minutes = seconds / 60
        values = {
            "opening": self.openings[first],
            "standalone": self._standing[first],
            "ending": 0.65 * self._endings[last] + 0.35 * self._closing(last),
            "substance": 1 - self._over(self._empty, first, last) / seconds,
            "story": _saturate(self._over(self._turns, first, last) / minutes, 24),
            "numbers": _saturate(self._over(self._figures, first, last) / minutes, 9),
            "energy": _sigmoid(self._over(self._loud, first, last) / seconds / 3) if self._has_loudness else NEUTRAL,
            "pace": _sigmoid(4 * (self._over(self._spoken, first, last) / seconds / self._pace - 1)),
            "pauses": (self._rest(first) + self._rest(last + 1)) / 2,
            "length": self._length_fit(end.end_s - line.start_s),
        }
        return {name: min(1.0, max(0.0, value)) for name, value in values.items()}

    def reasons(self, first: int, last: int) -> list[str]:
        """What speaks for a passage, to follow `These seconds`: the three truths that weigh most, in a readable order."""
        values, text = self.features(first, last), self._lines[first].text.lower()
        figures = round(self._over(self._figures, first, last))
        db = self._over(self._loud, first, last) / self._over(self._seconds, first, last)
        opens = (
            "a question" if "?" in text else "a scene" if _SCENE.search(text) else "a figure" if _NUMBER.search(text) else "a claim"
        )
        told = {
            "opening": (values["opening"] >= 0.4, f"open with {opens}"),
            "standalone": (values["standalone"] >= 1, "need nothing that was said before"),
            "story": (values["story"] >= 0.5, "tell a story with turns"),
            "numbers": (figures >= 2, f"name {figures} figures"),
            "energy": (db >= 1, f"are {db:.0f} dB louder than the rest of the talk"),
            "pauses": (values["pauses"] >= 0.75, "stand between two pauses"),
            "ending": (values["ending"] >= 0.8, "end on a conclusion"),
        }
        shares = points(values)
        strongest = sorted((name for name, (holds, _) in told.items() if holds), key=lambda name: -shares[name])[:3]
        return [phrase for name, (_, phrase) in told.items() if name in strongest]

    def _over(self, sums: list[float], first: int, last: int) -> float:
        return sums[last + 1] - sums[first]

    def _closing(self, last: int) -> float:
        """1 where what follows is a new start: a question, another speaker, the end. 0 where it leans on this line."""
        if last + 1 == len(self._lines):
            return 1.0
        after = self._lines[last + 1]
        if "?" in after.text or after.speaker != self._lines[last].speaker:
            return 1.0
        return self._standing[last + 1]

    def _rest(self, index: int) -> float:
        """The pause before a line; 1.2 s and the ends of the talk count as full rest."""
        if index in (0, len(self._lines)):
            return 1.0
        return (self._lines[index].start_s - self._lines[index - 1].end_s) / 1.2

    def _length_fit(self, seconds: float) -> float:
        """Full in the middle of the wished range, half at its ends."""
        middle, half = (self._min_s + self._max_s) / 2, max((self._max_s - self._min_s) / 2, 1.0)
        return 1 - 0.5 * ((seconds - middle) / half) ** 2


def points(features: dict[str, float]) -> dict[str, float]:
    """Each feature's share of a score of 0 to 100."""
    return {name: WEIGHTS[name] * value for name, value in features.items()}


def _opening(text: str, length: int) -> float:
    """Questions, figures, claims and scenes make one listen; a long wind-up loses it."""
    strong = (
        0.45 * ("?" in text) + 0.4 * bool(_HOOK.search(text)) + 0.35 * bool(_SCENE.search(text)) + 0.25 * bool(_NUMBER.search(text))
    )
    return (strong + 0.15 * bool(_ADDRESS.search(text))) * (1.0 if 5 <= length <= 30 else 0.6)


def _standing(text: str) -> float:
    """1 where nothing in the sentence needs what was said before it."""
    if _LEANING.match(text):
        return 0.15
    return 0.6 if _POINTING_BACK.search(text) else 1.0


def _ending(text: str, length: int) -> float:
    """A statement of some weight, best a conclusion; never a question, a hedge or a scrap."""
    if "?" in text or length < 4:
        return 0.0
    return 0.35 + 0.4 * bool(_CONCLUSION.match(text)) + 0.25 * (length >= 12) - 0.35 * bool(_HEDGE.search(text))


def _sums(values: Sequence[float]) -> list[float]:
    return list(accumulate(values, initial=0.0))


def _saturate(value: float, full: float) -> float:
    return min(1.0, value / full)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))
