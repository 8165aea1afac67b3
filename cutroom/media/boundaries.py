"""How well each line opens a passage and how well it ends one, cue by cue: of its own words and of its neighbours."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cutroom.media import cues
from cutroom.media.cues import CONCLUDING, LEANING, RESTARTING, WIND_UP, WORD, Numbers
from cutroom.media.subjects import Subjects


@dataclass(frozen=True)
class Texts:
    """Lines as their boundaries see them. `low`: plain texts, empty where the language has no cues. `found`: counts of each
    cue. `breaks`: how much the subject changes at each boundary, one more than lines.
    """

    speakers: Sequence[str | None]
    low: Sequence[str]
    found: Mapping[str, Numbers]
    subjects: Subjects
    breaks: Numbers

    def matching(self, pattern: re.Pattern[str]) -> Numbers:
        return np.array([1.0 * bool(pattern.match(text)) for text in self.low])


def weighed(of: Mapping[str, Numbers], weights: Mapping[str, float]) -> Numbers:
    """0 to 1: cues by the absolute values of their weights; a negative weight counts how little there is of a cue."""
    parts = [weight * of[name] if weight > 0 else -weight * (1 - of[name]) for name, weight in weights.items()]
    return np.asarray(np.sum(parts, axis=0))


def opening_cues(texts: Texts) -> dict[str, Numbers]:
    """For each cue, how much of it each line gives as the first of a passage, 0 to 1."""
    found = texts.found
    cores = [WIND_UP.sub("", text) for text in texts.low]
    heads = cues.counts([" ".join(WORD.findall(core)[:4]) for core in cores])
    leaning = [bool(LEANING.match(core) or LEANING.match(text)) for core, text in zip(cores, texts.low, strict=True)]
    values = {
        "content": found["content"] / 10,
        "onward": texts.subjects.onward(),
        "hook": found["hook"] / 2,
        "figure": found["figure"] / 2,
        "name": found["name"] / 2,
        "scene": found["scene"],
        "asking": found["asking"] * (found["words"] >= 8),
        "self": heads["self"],
        "break": texts.breaks[:-1],
        "leaning": np.array(leaning, float),
        "early_reference": heads["pronoun"] + heads["demonstrative"],
        "reference": (found["pronoun"] + found["demonstrative"]) / 3,
        "back": found["back"],
        "wind_up": np.array([core != text for core, text in zip(cores, texts.low, strict=True)], float),
        "short": np.array([len(WORD.findall(core)) < 8 for core in cores], float),
        "vague": found["vague"] / 4,
        "hedge": found["hedge"] / 2,
        "housekeeping": found["housekeeping"] / 2,
        "unseen": found["unseen"],
        "chatter": found["chatter"],
    }
    return {name: value.clip(0, 1) for name, value in values.items()}


def ending_cues(texts: Texts) -> dict[str, Numbers]:
    """For each cue, how much of it each line gives as the last of a passage, 0 to 1; `_next` tells of the line after it."""
    found, speakers = texts.found, texts.speakers
    other = np.array([one != next_ for one, next_ in zip(speakers, [*speakers[1:], object()], strict=True)])
    after = {name: np.append(found[name][1:], 0.0) for name in ("words", "asking", "chatter", "housekeeping")}
    echo = texts.subjects.echo()
    values = {
        "content": found["content"] / 10,
        "fullness": 1 - np.exp(-found["words"] / 12),
        "concluding": texts.matching(CONCLUDING),
        "general": found["general"] / 2,
        "contrast": found["contrast"] / 2,
        "cause": found["cause"],
        "figure": found["figure"] / 2,
        "past": found["past"] / 3,
        "echo": echo,
        "asking": found["asking"],
        "short": 1.0 * (found["words"] <= 6),
        "hedge": found["hedge"] / 2,
        "housekeeping": found["housekeeping"] / 2,
        "chatter": found["chatter"],
        "unseen": found["unseen"],
        "back": found["back"],
        "stumble": found["stumble"],
        "other_voice": 1.0 * other,
        "asked_next": other * after["asking"],
        "remark_next": 1.0 * (after["words"] <= 8),
        "restart_next": np.append(texts.matching(RESTARTING)[1:], 1.0),
        "house_next": after["housekeeping"] + after["chatter"],
        "break_next": texts.breaks[1:],
        "leaning_next": np.append(texts.matching(LEANING)[1:], 0.0) * ~other,
        "echo_next": np.append(echo[1:], 0.0),
    }
    return {name: value.clip(0, 1) for name, value in values.items()}
