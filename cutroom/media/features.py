"""What makes a passage of speech worth clipping: named features from 0 to 1, the better the higher, and their points.

A passage is a run of lines. How well a line opens and ends one is a weighed sum of cues of that line and its neighbours; the
rest are shares and densities over the passage. The cues of `cues.py` are English; elsewhere those features are the same for
every passage, and the choice rests on shape: questions, figures, names, subject, voices, pauses, length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutroom.media import cues
from cutroom.media.boundaries import Texts, ending_cues, opening_cues, weighed
from cutroom.media.cues import WORD, Numbers
from cutroom.media.subjects import Subjects, depths, rarity, times_said, topic_terms
from cutroom.media.weights import WEIGHTS, Weights
from cutroom.speech.prosody import SentenceSound

NEUTRAL = 0.5
BEST_S = 60.0  # the length of passages that editors take, where the wishes allow it
EDGE = 0.04  # of the talk, where it greets and says farewell
REST_S = 1.2  # a full pause
AT_CUT_S = 0.5
TOPIC_POINTS = 40.0  # of 100, where a topic is asked for
_ASKS = re.compile("[?\uff1f\u061f]")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z](?!['\u2019]|\b)[\w'\u2019-]*")

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Line:
    """A sentence, or a part of one that is too long. `sound`: of its sentence; None if unknown."""

    text: str
    start_s: float
    end_s: float
    speaker: str | None = None
    sound: SentenceSound | None = None


class Talk:
    """All lines of a talk, at least one, and the features of any passages of them. Building costs one pass.

    `cuts_s`: where the picture changes. `topic`: what clips should be about, in words; empty for anything. `opens` and `ends`:
    for each cue, how much of it each line gives as the first and as the last of a passage, 0 to 1.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        min_s: float,
        max_s: float,
        cuts_s: Sequence[float] = (),
        topic: str = "",
        weights: Weights = WEIGHTS,
    ) -> None:
        self.lines, self.weights = lines, weights
        self.low = [cues.plain(line.text) for line in lines]
        self.subjects = Subjects(self.low)
        self.topic = topic_terms(cues.plain(topic))
        self._best_s, self._cuts_s = min(max(BEST_S, min_s), max_s), np.array(sorted(cuts_s))
        self._start_s = np.array([line.start_s for line in lines])
        self._end_s = np.array([line.end_s for line in lines])
        self.has_sound = any(line.sound for line in lines)
        self.english = cues.is_english(self.low)
        told = self.low if self.english else [""] * len(lines)
        likeness = self.subjects.likeness()
        self.found = self._found(told, likeness)
        texts = Texts([line.speaker for line in lines], told, self.found, self.subjects, depths(likeness))
        self.opens, self.ends = opening_cues(texts), ending_cues(texts)
        self.openings = weighed(self.opens, weights.opening)
        self._standing = weighed(self.opens, weights.standalone)
        self._payoffs, self._closures = weighed(self.ends, weights.payoff), weighed(self.ends, weights.closure)
        self._sums = {name: np.concatenate([[0.0], np.cumsum(values)]) for name, values in self.found.items()}
        said = np.array([times_said(self.topic, text) for text in self.low]).reshape(len(lines), len(self.topic)).T
        self._rarity = np.array([rarity(count, len(lines)) if count else 0.0 for count in (said > 0).sum(axis=1)])
        self._about = np.cumsum(np.pad(said, ((0, 0), (1, 0))), axis=1)

    def features(self, first: Places, last: Places) -> dict[str, Numbers]:
        """Of passages from lines `first` to `last`, both included: for each feature, one value a passage."""
        words, lines, over = self.over("words", first, last), last - first + 1, self.over
        content, vague = over("content", first, last), over("vague", first, last)
        story = [
            over("past", first, last) / words / 0.12,
            _saturated(over("told", first, last), 2),
            _saturated(over("scene", first, last), 1.5),
        ]
        seconds = self._end_s[last] - self._start_s[first]
        values = {
            "opening": self.openings[first],
            "standalone": self._standing[first],
            "payoff": self._payoffs[last],
            "closure": self._closures[last],
            "substance": 1 - over("empty", first, last) / words,
            "audible": 1 - over("pointing", first, last) / words,
            "certainty": 1 - over("hedging", first, last) / words,
            "references": 1 - over("backward", first, last) / words,
            "precision": content / (content + vague).clip(1),
            "story": np.mean([part.clip(0, 1) for part in story], axis=0),
            "numbers": _saturated(over("figure", first, last), 3),
            "question": over("asking", first, last - 1).clip(0, 1),
            "contrast": over("contrast", first, last) / words / 0.06,
            "cohesion": over("tied", first + 1, last) / (lines - 1).clip(1) / 0.3,
            "callback": self._callback(first, last),
            "voice": self.voice(first, last),
            "fullness": words / lines / 20,
            "position": 1.0
            * ((self._start_s[first] >= EDGE * self._end_s[-1]) & (self._end_s[last] <= (1 - EDGE) * self._end_s[-1])),
            "length": 1 - ((seconds - self._best_s) / self._best_s) ** 2,
        }
        values |= self._heard(first, last) | {"shots": self._at_cuts(first, last)}
        return {name: np.clip(value, 0, 1) for name, value in values.items()}

    def points(self, first: Places, last: Places) -> dict[str, Numbers]:
        """Each feature's share of a score of 0 to 100; `topic` among them where one is asked for and the talk has it."""
        parts = {name: self.weights.points[name] * value for name, value in self.features(first, last).items()}
        if self.on_topic:
            parts = {name: (1 - TOPIC_POINTS / 100) * part for name, part in parts.items()}
            parts["topic"] = TOPIC_POINTS * self.fit(first, last)
        return parts

    @property
    def on_topic(self) -> bool:
        """Whether anything in the talk has a word of the topic."""
        return bool(self.topic) and bool(self._about[:, -1].any())

    def fit(self, first: Places, last: Places) -> Numbers:
        """How much of the topic's words, stemmed and weighed by their rarity, a passage has: 1 where each is said twice or more."""
        said = self._about[:, last + 1] - self._about[:, first]
        return np.asarray(self._rarity @ (said / 2).clip(0, 1) / self._rarity.sum())

    def over(self, cue: str, first: Places, last: Places) -> Numbers:
        """A cue summed over passages; 0 where `last` lies before `first`."""
        return np.where(last < first, 0.0, self._sums[cue][last + 1] - self._sums[cue][np.minimum(first, last + 1)])

    def voice(self, first: Places, last: Places) -> Numbers:
        """The share of words that the main voice of a passage has; 1 where nothing tells voices apart."""
        words = self.over("words", first, last)
        return np.asarray(np.max([self.over(f"said by {voice}", first, last) / words for voice in self.voices], axis=0))

    @cached_property
    def voices(self) -> list[str]:
        return sorted({str(line.speaker) for line in self.lines})

    @cached_property
    def rests(self) -> Numbers:
        """The pause at each boundary: 1 for 1.2 s or more, and at the ends of the talk. By the times of the lines, not the
        pauses of their sounds: a line may be a part of a sentence, or several.
        """
        return np.concatenate([[1.0], ((self._start_s[1:] - self._end_s[:-1]) / REST_S).clip(0, 1), [1.0]])

    @cached_property
    def reactions(self) -> Numbers:
        """Laughter or applause in each line or the pause after it, 0 to 1."""
        return np.array([max(line.sound.laughter, line.sound.applause) if line.sound else 0.0 for line in self.lines])

    def loudness_db(self, first: Places, last: Places) -> Numbers:
        """Of passages, against the talk."""
        return self.over("loudness", first, last) / self.over("seconds", first, last)

    def _found(self, told: Sequence[str], likeness: Numbers) -> dict[str, Numbers]:
        """What each line gives to the passages that it is in. `told`: its text where its language has cues."""
        found = cues.counts(told) | {"figure": cues.count("figure", self.low)}
        words = np.array([max(len(WORD.findall(text)), 1) for text in self.low], float)
        found |= {
            "words": words,
            "content": np.array([len(line) for line in self.subjects.lines], float),
            "asking": np.array([1.0 * bool(_ASKS.search(line.text)) for line in self.lines]),
            "name": np.array([len(_NAME.findall(line.text)) for line in self.lines], float),
            "empty": words * np.maximum((found["housekeeping"] / 2).clip(0, 1), 0.5 * (found["chatter"] > 0)),
            "pointing": words * (found["unseen"] > 0),
            "hedging": words * (found["hedge"] / 2).clip(0, 1),
            "backward": words * (found["back"] > 0),
            "tied": likeness[:-1],
        } | self._sounding(words)
        for voice in self.voices:
            found[f"said by {voice}"] = words * np.array([str(line.speaker) == voice for line in self.lines])
        return found

    def _sounding(self, words: Numbers) -> dict[str, Numbers]:
        """Over seconds: loudness; its rise and the range of the pitch, against the usual of the talk; words a second, which are
        counted where the sound is not known.
        """
        seconds = (self._end_s - self._start_s).clip(1e-3)
        sounds = [line.sound for line in self.lines]
        usual = float(np.median([sound.pitch_range_st for sound in sounds if sound] or [0.0]))
        fall = float(np.median([sound.loudness_change_db for sound in sounds if sound] or [0.0]))
        return {
            "seconds": seconds,
            "loudness": seconds * np.array([sound.loudness_db if sound else 0.0 for sound in sounds]),
            "rise": seconds * np.array([sound.loudness_change_db - fall if sound else 0.0 for sound in sounds]),
            "spoken": seconds * np.array([s.words_per_s if s else w / t for s, w, t in zip(sounds, words, seconds, strict=True)]),
            "pitch": seconds * np.array([sound.pitch_range_st - usual if sound else 0.0 for sound in sounds]),
            "laughing": seconds * np.array([sound.laughter if sound else 0.0 for sound in sounds]),
        }

    def _callback(self, first: Places, last: Places) -> Numbers:
        """How much the end returns to the beginning: 1 where their common terms weigh 1 or more."""
        shared = (self.subjects.returning(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True))
        return np.array([self.subjects.weight(common) for common in shared])

    def _heard(self, first: Places, last: Places) -> dict[str, Numbers]:
        """Of the sound; neutral where it is not known. Pauses and pace are known by the clock."""
        seconds = self.over("seconds", first, last)
        usual = max(self.found["spoken"].sum() / self.found["seconds"].sum(), 1e-3)
        values = {
            "pace": _sigmoid(4 * (self.over("spoken", first, last) / seconds / usual - 1)),
            "pauses": (self.rests[first] + self.rests[last + 1]) / 2,
        }
        if not self.has_sound:
            return values | {name: np.full(len(first), NEUTRAL) for name in ("energy", "pitch", "reaction")}
        quiet = 1 - self.over("laughing", first, last - 1) / seconds
        return values | {
            "energy": _sigmoid(self.loudness_db(first, last) / 3 + self.over("rise", first, last) / seconds / 6),
            "pitch": _sigmoid(self.over("pitch", first, last) / seconds / 2),
            "reaction": NEUTRAL * quiet + NEUTRAL * self.reactions[last],
        }

    def _at_cuts(self, first: Places, last: Places) -> Numbers:
        """Better where the picture changes as the passage begins or ends; neutral where it never changes."""
        if not len(self._cuts_s):
            return np.full(len(first), NEUTRAL)
        return NEUTRAL + NEUTRAL * (self._near_cut(self._start_s)[first] + self._near_cut(self._end_s)[last]) / 2

    def _near_cut(self, times: Numbers) -> Numbers:
        after = np.searchsorted(self._cuts_s, times).clip(0, len(self._cuts_s) - 1)
        nearest = np.minimum(abs(self._cuts_s[after] - times), abs(self._cuts_s[(after - 1).clip(0)] - times))
        return np.asarray(nearest <= AT_CUT_S, float)


def _saturated(count: Numbers, enough: float) -> Numbers:
    return 1 - np.exp(-count / enough)


def _sigmoid(value: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-value))
