"""A transcript becomes a summary, key points, chapters and highlights, offline: all of it in sentences that were said. Pure."""

from collections.abc import Iterator
from itertools import islice, pairwise

import numpy as np

from cutroom.contracts.documents import Chapter, CitedText, Highlight, KeyPoint, Summary, Transcript
from cutroom.contracts.summary import Length, SummaryWishes
from cutroom.errors import BadInput
from cutroom.language.chapters import openings
from cutroom.language.citations import check, span
from cutroom.language.diversity import covering, diverse
from cutroom.language.likeness import centrality, terms_of, vectors
from cutroom.language.points import Point, point_at, tidied
from cutroom.language.salience import LONGEST_S, SHORTEST_S, reason, scores, telling
from cutroom.language.titles import title
from cutroom.media.cues import Numbers
from cutroom.media.features import Line, Talk
from cutroom.media.weights import WEIGHTS, Weights

VERSION = 2

ENGINE = "extractive"
WORDS: dict[Length, int] = {"short": 70, "medium": 150, "long": 320}
MOST_QUOTED = 40  # words of a highlight
LEANING_SHARE = 0.5  # of its worth that a line has as a title where it does not stand alone


def summarise(transcript: Transcript, wanted: SummaryWishes, weights: Weights = WEIGHTS) -> Summary:
    """Every word of it was said but for the reasons. Raises BadInput (`no_speech`) where nothing was said.

    `weights`: of the picker of clips, by which passages are worth hearing.
    """
    told = Told(transcript, weights)
    other = wanted.language not in ("", transcript.language)
    untranslated = "The summary is in the language of the recording: without a language model nothing is translated."
    summary = Summary(
        summary=told.summary(WORDS[wanted.length]),
        key_points=told.key_points(wanted.key_points),
        chapters=told.chapters(),
        highlights=told.highlights(wanted.highlights),
        language=transcript.language,
        engine=ENGINE,
        warnings=[untranslated] * other,
    )
    check(summary, transcript)
    return summary


class Told:
    """A transcript with what is known of its sentences. A line is a sentence with words; `places` says which."""

    def __init__(self, transcript: Transcript, weights: Weights = WEIGHTS) -> None:
        self.transcript = transcript
        self.places = [place for place, sentence in enumerate(transcript.sentences) if sentence.text.strip()]
        if not self.places:
            raise BadInput("Nothing is said in the recording, so there is nothing to sum up.", code="no_speech")
        lines = [Line(s.text, s.start_s, s.end_s, s.speaker) for s in (transcript.sentences[place] for place in self.places)]
        self.talk = Talk(lines, SHORTEST_S, LONGEST_S, weights=weights)
        self._bags = terms_of(self.talk.low)
        self._rows = vectors(self._bags)
        self.scores = scores(self.talk, centrality(self._rows))
        self._openings = openings(self.talk, self._bags)
        self._chapter_of = np.searchsorted(self._openings, np.arange(len(lines)), side="right").tolist()
        able = telling(self.talk)
        self._telling = [line for line in range(len(lines)) if able[line]]
        points = [point for line in self._telling if (point := point_at(self.talk, line)) and able[point.first]]
        self._points = points or [Point(line, line) for line in self._telling]
        alone = [point.last for point in self._points if point.first == point.last]
        share = np.zeros(len(lines))
        share[self._telling] = LEANING_SHARE
        share[alone] = 1.0
        self._named_by = share * self.scores.worth

    def summary(self, words: int) -> list[CitedText]:
        """Lines that together tell what the talk returns to, in so many words, in its order."""
        lines = np.array(self._telling)
        bags, length = [self._bags[line] for line in self._telling], self.talk.found["words"][lines]
        taken = covering(self.scores.worth[lines], bags, length, words)
        return [CitedText(text=tidied(self.talk.lines[line].text), sentences=[self.places[line]]) for line in lines[taken]]

    def key_points(self, count: int) -> list[KeyPoint]:
        """The best points, in the order of the talk."""
        found = []
        for point in sorted(islice(self._best(self.scores.worth), count), key=_place):
            start_s, end_s = span(self.transcript, self._cited(point))
            found.append(KeyPoint(text=self._text(point), sentences=self._cited(point), start_s=start_s, end_s=end_s))
        return found

    def chapters(self) -> list[Chapter]:
        """Each named by a line that tells something, rather by one that stands alone."""
        found = []
        for first, past in pairwise([*self._openings, len(self.places)]):
            best = sorted(range(first, past), key=lambda line: -self._named_by[line])
            name = title([tidied(self.talk.lines[line].text) for line in best], self._named_by[best].tolist())
            start_s, end_s = span(self.transcript, self.places[first:past])
            found.append(Chapter(title=name or "\u2026", start_s=start_s, end_s=end_s, sentences=self.places[first:past]))
        return found

    def highlights(self, count: int) -> list[Highlight]:
        """Single sentences of a quotable length, the best of different chapters, in the order of the talk."""
        single = (point for point in self._best(self.scores.quotable) if point.first == point.last)
        fitting = (point for point in single if self.talk.found["words"][point.last] <= MOST_QUOTED)
        found = []
        for point in sorted(islice(fitting, count), key=_place):
            start_s, end_s = span(self.transcript, self._cited(point))
            quote, why = self.talk.lines[point.last].text, reason(self.talk, point.last)
            found.append(Highlight(quote=quote, sentences=self._cited(point), start_s=start_s, end_s=end_s, why=why))
        return found

    def _best(self, worth: Numbers) -> Iterator[Point]:
        """Points that share no line, the best first."""
        cores = [point.last for point in self._points]
        taken: list[Point] = []
        for place in diverse(worth[cores], self._rows[cores], [self._chapter_of[line] for line in cores]):
            point = self._points[place]
            if not any(point.shares(other) for other in taken):
                taken.append(point)
                yield point

    def _cited(self, point: Point) -> list[int]:
        return self.places[point.first : point.last + 1]

    def _text(self, point: Point) -> str:
        return " ".join(tidied(line.text) for line in self.talk.lines[point.first : point.last + 1])


def _place(point: Point) -> int:
    return point.first
