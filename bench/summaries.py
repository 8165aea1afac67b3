"""How good summaries are, on transcripts with labels, beside the beginning of the talk, TextRank and chance.

    python -m bench.summaries [TRANSCRIPT.json ...] [--length medium] [--key-points 8] [--json]

The others take whole sentences, as many words as ours cite. The weights of passages are fitted without the transcript that is
measured, as in bench/selection.py. Without transcripts it measures ../shared/transcripts, or else bench/talks.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import get_args

import numpy as np

from bench.agreement import rouge_l, window_diff
from bench.fit_selection import talk_of
from bench.held_out import NEARBY, OWN, held_out_weights
from bench.labelled import Labelled, read_labelled, transcript_of
from bench.pickers import ranks
from bench.report import Figure, Part, at_least, at_most, show
from cutroom.contracts.documents import CitedText, Highlight, KeyPoint, Summary
from cutroom.contracts.summary import Length, SummaryWishes
from cutroom.language.citations import check, text_of
from cutroom.language.quotes import is_about
from cutroom.language.summary import summarise
from cutroom.media.subjects import depths
from cutroom.media.weights import WEIGHTS, Weights

DRAWS = 200
LONG_WORDS, LIMIT_S = 30_000, 20.0  # three hours of talk
APART = 4  # sentences between two borders that TextTiling draws, at least

Score = Callable[[Labelled, Sequence[int]], float]
"""What sentences are worth, 0 to 1."""


@dataclass(frozen=True)
class Made:
    """A transcript, what became of it, and the orders in which others take its sentences: for each, one or many draws."""

    labelled: Labelled
    summary: Summary
    orders: dict[str, list[list[int]]]

    def others(self, score: Score, taken: Sequence[int]) -> dict[str, float]:
        """What the sentences of the others are worth, when they take as many words."""
        words = _words(self.labelled, taken)
        return {
            name: mean(score(self.labelled, _filled(self.labelled, order, words)) for order in orders)
            for name, orders in self.orders.items()
        }


def measure(paths: Sequence[Path], wishes: SummaryWishes | None = None) -> Part:
    """Raises KeyError where a file is not in the format of `labelled.py`."""
    wishes = wishes or SummaryWishes()
    paths = paths or sorted(NEARBY.glob("*.json")) or sorted(OWN.glob("*.json"))
    given = [read_labelled(path) for path in paths]
    weights = held_out_weights(given, paths)
    made = [_made(one, wishes, used) for one, used in zip(given, weights, strict=True)]
    figures = [
        *_beside("marked key sentences cited", "%", _marked, _cited, [one for one in made if one.labelled.key_sentences]),
        *_beside("marked key points supported", "%", _supported, _pointed, [one for one in made if one.labelled.key_points]),
        *_beside("ROUGE-L of the summary", "", _like_reference, _summed, [one for one in made if one.labelled.reference]),
        *_chapters([one for one in made if len(one.labelled.chapters) > 1]),
        *_beside("highlights in a passage worth clipping", "%", _clipped, _quoted, made),
        at_least("key points told in words of their sentences", 100 * mean(map(_held, made)), 100, "%"),
        at_most(f"seconds for {LONG_WORDS} words", _seconds(given, wishes), LIMIT_S, "s"),
        *(
            Figure(f"key sentences cited, {one.labelled.name}", 100 * _marked(one.labelled, _cited(one.summary)), "%")
            for one in made
        ),
    ]
    return Part("summaries", [one.name for one in given], figures, _notes(given, weights, wishes))


def _made(one: Labelled, wishes: SummaryWishes, weights: Weights) -> Made:
    summary = summarise(one.transcript, wishes, weights)
    check(summary, one.transcript)
    places = range(len(one.transcript.sentences))
    rank = ranks(one)
    orders = {
        "lead": [list(places)],
        "textrank": [sorted(places, key=lambda place: -rank[place])],
        "random": [random.Random(seed).sample(places, len(places)) for seed in range(DRAWS)],
    }
    return Made(one, summary, orders)


def _beside(name: str, unit: str, score: Score, ours: Callable[[Summary], list[int]], made: Sequence[Made]) -> list[Figure]:
    """The mean over transcripts, which must be above that of each of the others; nothing where none has the label."""
    if not made:
        return []
    scale = 100 if unit == "%" else 1
    others = [one.others(score, ours(one.summary)) for one in made]
    peers = {peer: scale * mean(row[peer] for row in others) for peer in others[0]}
    value = scale * mean(score(one.labelled, ours(one.summary)) for one in made)
    return [at_least(name, value, max(peers.values()), unit, peers)]


def _cited(summary: Summary) -> list[int]:
    return _places([*summary.summary, *summary.key_points])


def _pointed(summary: Summary) -> list[int]:
    return _places(summary.key_points)


def _summed(summary: Summary) -> list[int]:
    return _places(summary.summary)


def _quoted(summary: Summary) -> list[int]:
    return _places(summary.highlights)


def _places(cited: Iterable[CitedText | KeyPoint | Highlight]) -> list[int]:
    return sorted({place for one in cited for place in one.sentences})


def _marked(one: Labelled, taken: Sequence[int]) -> float:
    return len(one.key_sentences & {*taken}) / max(len(one.key_sentences), 1)


def _supported(one: Labelled, taken: Sequence[int]) -> float:
    return mean(bool(support & {*taken}) for support in one.key_points)


def _like_reference(one: Labelled, taken: Sequence[int]) -> float:
    return rouge_l(text_of(one.transcript, taken), one.reference)


def _clipped(one: Labelled, taken: Sequence[int]) -> float:
    """The share of sentences inside a labelled clip."""
    return mean(any(label.grade > 0 and label.first <= place <= label.last for label in one.labels) for place in taken or [-1])


def _held(one: Made) -> float:
    """The share of key points that are made of the words that they cite."""
    said = one.labelled.transcript
    return mean(is_about(point.text, text_of(said, point.sentences)) for point in one.summary.key_points)


def _filled(one: Labelled, order: Sequence[int], words: int) -> list[int]:
    """Sentences in this order, each that still fits."""
    taken = []
    for place in order:
        length = _words(one, [place])
        if length <= words:
            taken.append(place)
            words -= length
    return sorted(taken)


def _words(one: Labelled, places: Iterable[int]) -> int:
    return sum(len(one.transcript.sentences[place].text.split()) for place in places)


def _chapters(made: Sequence[Made]) -> list[Figure]:
    """WindowDiff beside borders at even distances, by chance (both as many as ours), by TextTiling, and none."""
    if not made:
        return []
    found: dict[str, list[float]] = {name: [] for name in ("ours", "none", "even", "random", "texttiling")}
    for one in made:
        count = len(one.labelled.transcript.sentences)
        ours = [chapter.sentences[0] for chapter in one.summary.chapters[1:]]
        parts = len(ours) + 1
        draws = [random.Random(seed).sample(range(1, count), len(ours)) for seed in range(DRAWS)]
        divisions: dict[str, list[list[int]]] = {
            "ours": [ours],
            "none": [[]],
            "even": [[round(count * part / parts) for part in range(1, parts)]],
            "random": draws,
            "texttiling": [_tiled(one.labelled)],
        }
        for name, drawn in divisions.items():
            found[name].append(mean(window_diff(borders, one.labelled.chapters[1:], count) for borders in drawn))
    peers = {name: mean(values) for name, values in found.items()}
    value = peers.pop("ours")
    return [at_most("WindowDiff of the chapters", value, min(peers.values()), peers=peers)]


def _tiled(one: Labelled) -> list[int]:
    """Where likeness dips by half a deviation more than on the average, and most of all near by (TextTiling, Hearst 1997)."""
    depth = depths(talk_of(one, 15, 60).subjects.likeness())[:-1]
    least = depth.mean() + depth.std() / 2
    near = [depth[max(0, place - APART) : place + APART + 1].max() for place in range(len(depth))]
    return [place for place in range(APART, len(depth)) if depth[place] >= max(least, near[place])]


def _seconds(given: Sequence[Labelled], wishes: SummaryWishes) -> float:
    """CPU time for the given transcripts one after the other, again and again, until they have so many words."""
    said = [sentence for one in given for sentence in one.transcript.sentences]
    words = sum(len(sentence.text.split()) for sentence in said)
    rows = [(s.text, s.end_s - s.start_s, s.speaker) for s in said * (1 + LONG_WORDS // words)]
    at_s = np.cumsum([0.0, *(length + 0.5 for _, length, _ in rows)]).tolist()
    long = transcript_of([(text, at, at + length, voice) for (text, length, voice), at in zip(rows, at_s, strict=False)])
    began = time.process_time()
    summarise(long, wishes)
    return time.process_time() - began


def _notes(given: Sequence[Labelled], weights: Sequence[Weights], wishes: SummaryWishes) -> list[str]:
    held_out = [one.name for one, used in zip(given, weights, strict=True) if used is not WEIGHTS]
    learned = [
        one.name for one, used in zip(given, weights, strict=True) if used is WEIGHTS and one.fingerprint in WEIGHTS.fitted_on
    ]
    labels = ("key_sentences", "key_points", "reference", "chapters")
    missing = [f"{one.name} ({', '.join(lacks)})" for one in given if (lacks := [n for n in labels if not getattr(one, n)])]
    return [
        f"Summaries of length {wishes.length} with {wishes.key_points} key points and {wishes.highlights} highlights, offline.",
        "Lead, TextRank and random take as many words as ours cite; random is the mean of 200 draws.",
        "Features, their shares (one counts twice), powers of length and the costs of a chapter were chosen by hand with the five "
        "shared transcripts in view: their figures flatter us so far. Leaving one out covers the weights of passages alone.",
        "That key points are told in words of their sentences is so by construction where no model writes them.",
        *([f"Those were fitted without the transcript itself: {', '.join(held_out)}."] if held_out else []),
        *([f"They were fitted on these, whose figures say nothing of others: {', '.join(learned)}."] if learned else []),
        *([f"Without these labels, and left out of their figures: {'; '.join(missing)}."] if missing else []),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("transcripts", nargs="*", type=Path)
    parser.add_argument("--length", choices=get_args(Length), default=SummaryWishes().length)
    parser.add_argument("--key-points", type=int, default=SummaryWishes().key_points)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    return show(measure(asked.transcripts, SummaryWishes(length=asked.length, key_points=asked.key_points)), asked.json)


if __name__ == "__main__":
    sys.exit(main())
