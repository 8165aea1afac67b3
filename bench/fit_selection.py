"""Fits the weights by which passages are chosen to labelled transcripts.

    python -m bench.selection --fit TRANSCRIPT.json ... --out cutroom/media/weights.toml

Three logistic regressions, each pulled towards equal weights of its standardised features and held to the sign that a
feature's name implies: how well a sentence opens a passage, how well one ends it, and how much a passage is worth. What these
transcripts cannot teach, for want of sound and picture, keeps points set by hand.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import minimize

from bench.labelled import Labelled, Passage
from cutroom.media.cues import Numbers
from cutroom.media.features import Line, Places, Talk
from cutroom.media.weights import WEIGHTS, Weights

PRIOR = {"energy": 3.0, "pitch": 2.0, "reaction": 2.0, "pace": 1.0, "pauses": 2.0, "shots": 1.0}
SHORTEST_S, LONGEST_S = 15.0, 75.0  # of the passages that are learned from
EDGE_PULL, PULL = 100.0, 300.0  # towards equal weights
EQUAL = 0.2  # of a standardised feature
BAD_EDGE = 0.7  # a passage that begins or ends badly is worth so much of another
EDGES_COUNT = 2.0  # times what overlap teaches, which hardly sees where a passage begins and ends
TRAPPED, GOOD = 4.0, 2.0  # how much more such a passage counts than one of no label
FLOOR = 0.1  # of a spread: what hardly varies teaches little
SCALE = 2000.0  # passages, however many there are

_HEAD = "# How much each feature of a passage counts, see features.py. Written by `python -m bench.selection --fit`."
_FITTED = "# Points of a score of 100, fitted to labelled transcripts (above). Every feature is 0 to 1, the better the higher."
_PRIOR = "# Points set by hand: text cannot teach them. Where sound or picture is not known, each such feature is one half."
MEANING = {
    "opening": "how well its first sentence makes one listen",
    "standalone": "how little its first sentence needs what was said before",
    "payoff": "how well its last sentence closes a thought",
    "closure": "how little what follows goes on with it",
    "substance": "words outside greetings, notices, advertisements, procedure and chatter",
    "audible": "words in sentences that point at nothing one has to see",
    "certainty": "words in sentences that do not hedge",
    "references": "words in sentences that do not point back in the talk",
    "precision": "words that carry a subject, against words that name nothing",
    "story": "past tense, people who speak, times and scenes",
    "numbers": "figures: the third reaches two thirds",
    "question": "a question is asked before its end",
    "contrast": "turns: but, until, instead, not",
    "cohesion": "how alike neighbouring sentences are in their words",
    "callback": "its end returns to words of its beginning",
    "voice": "share of its main voice",
    "fullness": "words to a sentence, full at twenty",
    "position": "not in the first or last 25th of the talk",
    "length": "nearness to a minute, or to what the wishes allow",
    "energy": "loudness against the talk",
    "pitch": "range of the pitch against the talk",
    "reaction": "laughter or applause at its end, and not inside it",
    "pace": "words a second against the talk",
    "pauses": "rest before and after it",
    "shots": "the picture changes as it begins and as it ends",
}
EDGE_MEANING = {
    "opening": "Shares of cues in the first sentence that make up `opening`.",
    "standalone": "The same for `standalone`; a cue with a minus counts by its absence.",
    "payoff": "Cues in the last sentence that make up `payoff`.",
    "closure": "Cues in the sentence after it that make up `closure`.",
}

# Cues for and against a sentence as the first and as the last of a passage.
EDGES: Mapping[str, tuple[str, str]] = {
    "opening": ("content onward hook figure scene asking", ""),
    "standalone": ("", "leaning early_reference wind_up short back"),
    "payoff": ("content concluding general contrast", "asking"),
    "closure": ("other_voice remark_next break_next", "leaning_next"),
}


def fit(labelled: Sequence[Labelled]) -> Weights:
    """The weights that these transcripts teach. The same transcripts in the same order give the same weights."""
    talks = [talk_of(one, SHORTEST_S, LONGEST_S) for one in labelled]
    first = [_edge_worth(one, one.bad_starts, {label.first for label in one.labels if label.grade > 0}) for one in labelled]
    last = [_edge_worth(one, one.bad_ends, {label.last for label in one.labels if label.grade > 0}) for one in labelled]
    cues = _edges([talk.opens for talk in talks], first, ("opening", "standalone"))
    cues |= _edges([talk.ends for talk in talks], last, ("payoff", "closure"))
    marks = tuple(one.fingerprint for one in labelled)
    weights = Weights(points=WEIGHTS.points, fitted_on=marks, **cues)
    return Weights(points=_points(labelled, weights) | PRIOR, fitted_on=marks, **cues)


def written(weights: Weights) -> str:
    """The weights as the text of their file."""
    fitted = {name: points for name, points in weights.points.items() if name not in PRIOR}
    lines = [_HEAD, f"fitted_on = [{', '.join(map(json.dumps, weights.fitted_on))}]", "", _FITTED, "[fitted]"]
    lines += [f"{name} = {points:.2f}  # {MEANING[name]}" for name, points in fitted.items()]
    lines += ["", _PRIOR, "[prior]", *(f"{name} = {points:.2f}  # {MEANING[name]}" for name, points in PRIOR.items())]
    for kind in EDGES:
        lines += ["", f"# {EDGE_MEANING[kind]}", f"[{kind}]"]
        lines += [f"{name} = {share:.3f}" for name, share in getattr(weights, kind).items()]
    return "\n".join(lines) + "\n"


def talk_of(labelled: Labelled, min_s: float, max_s: float, weights: Weights = WEIGHTS) -> Talk:
    lines = [Line(s.text, s.start_s, s.end_s, s.speaker) for s in labelled.transcript.sentences]
    return Talk(lines, min_s, max_s, weights=weights)


def passages(labelled: Labelled, min_s: float, max_s: float) -> tuple[Places, Places]:
    """First and last sentence of every passage of a length."""
    said = labelled.transcript.sentences
    found = [
        (first, last)
        for first in range(len(said))
        for last in range(first, len(said))
        if min_s <= said[last].end_s - said[first].start_s <= max_s
    ]
    first, last = np.array(found, int).reshape(-1, 2).T
    return first, last


def _edge_worth(labelled: Labelled, bad: frozenset[int], edges: set[int]) -> Numbers:
    """1 where a labelled clip begins (or ends), half where one might, 0 where none may."""
    return np.array([1.0 if i in edges else 0.5 * (i not in bad) for i in range(len(labelled.transcript.sentences))])


def _edges(cues: Sequence[Mapping[str, Numbers]], worth: Sequence[Numbers], kinds: Sequence[str]) -> dict[str, dict[str, float]]:
    signs = {
        (kind, name): sign for kind in kinds for sign, names in zip((1, -1), EDGES[kind], strict=True) for name in names.split()
    }
    table = np.vstack([np.column_stack([one[name] for _, name in signs]) for one in cues])
    target = np.concatenate(worth)
    found = _regressed(table, target, np.ones(len(target)), np.array(list(signs.values())), EDGE_PULL)
    return {kind: _shares({name: w for (of, name), w in zip(signs, found, strict=True) if of == kind}) for kind in kinds}


def _points(labelled: Sequence[Labelled], weights: Weights) -> dict[str, float]:
    tables, target, counts = list[Numbers](), list[float](), list[float]()
    names = [name for name in weights.points if name not in PRIOR]
    for one in labelled:
        first, last = passages(one, SHORTEST_S, LONGEST_S)
        features = talk_of(one, SHORTEST_S, LONGEST_S, weights).features(first, last)
        tables.append(np.column_stack([features[name] for name in names]))
        for passage in (Passage(int(a), int(b)) for a, b in zip(first, last, strict=True)):
            worth = one.worth(passage)
            target.append(worth * BAD_EDGE ** ((passage.first in one.bad_starts) + (passage.last in one.bad_ends)))
            counts.append(1 + TRAPPED * one.trapped(passage) + GOOD * (worth > 0))
    table, weight = np.vstack(tables), np.array(counts)
    found = _regressed(table, np.array(target), weight / weight.mean() * SCALE / len(weight), np.ones(len(names)), PULL)
    found *= [EDGES_COUNT if name in EDGES else 1.0 for name in names]
    total = 100 - sum(PRIOR.values())
    return {name: float(total * w / found.sum()) for name, w in zip(names, found, strict=True)}


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """With absolute values that add up to 1."""
    total = sum(map(abs, weights.values()))
    return {name: float(w / total) for name, w in weights.items()}


def _regressed(table: Numbers, target: Numbers, counts: Numbers, signs: Numbers, pull: float) -> Numbers:
    """Logistic regression: a weight for each column. Standardised, each is pulled towards the same one in its own sign."""
    spread = table.std(axis=0).clip(FLOOR)
    standard = (table - table.mean(axis=0)) / spread * signs

    def loss(w: Numbers) -> tuple[float, Numbers]:
        z = standard @ w[:-1] + w[-1]
        value = float(counts @ (np.logaddexp(0, z) - target * z) + pull * ((w[:-1] - EQUAL) ** 2).sum() / 2)
        slope = counts * (1 / (1 + np.exp(-z)) - target)
        return value, np.append(standard.T @ slope + pull * (w[:-1] - EQUAL), slope.sum())

    bounds = [(0, None)] * table.shape[1] + [(None, None)]
    found = minimize(loss, np.zeros(table.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(found[:-1] / spread * signs)
