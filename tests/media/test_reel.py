"""A reel shows the sentences of its highlights: whole, in order, none twice."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import Highlight, Shots, Transcript, Word
from cutroom.contracts.media import Span
from cutroom.media.reel import LEAST_S, reel_spans
from tests.media.material import transcript

UNCUT = Shots(fps=25, frame_count=15_000, cuts=[])


def said(*lengths_s: float, pause_s: float = 2.0) -> Transcript:
    """Sentences of one word that lasts so long, with a pause after each."""
    words, at_s = [], 5.0
    for length_s in lengths_s:
        words.append(Word(text="word.", start_s=at_s, end_s=at_s + length_s))
        at_s += length_s + pause_s
    return transcript(words, [*range(len(words))])


def highlight(heard: Transcript, *sentences: int) -> Highlight:
    cited = [heard.sentences[sentence] for sentence in sentences]
    quote = " ".join(sentence.text for sentence in cited)
    return Highlight(quote=quote, sentences=[*sentences], start_s=cited[0].start_s, end_s=cited[-1].end_s, why="")


def shown(heard: Transcript, spans: list[Span]) -> list[list[int]]:
    """The sentences that are wholly inside each span."""
    return [
        [place for place, s in enumerate(heard.sentences) if span.start_s <= s.start_s and s.end_s <= span.end_s] for span in spans
    ]


def test_highlights_are_shown_in_order_of_time_with_the_silence_that_clips_keep() -> None:
    heard = said(3, 3, 3, 3, 3)
    spans = reel_spans([highlight(heard, 4), highlight(heard, 0)], heard, UNCUT, 600)
    assert [(span.start_s, span.end_s) for span in spans] == [pytest.approx(times) for times in ((4.65, 8.45), (24.65, 28.45))]


@pytest.mark.parametrize("cited", [([0, 1], [1]), ([0], [1]), ([0, 1], [0])], ids=["overlapping", "following", "inside"])
def test_highlights_that_share_a_sentence_or_follow_each_other_are_one_span(cited: tuple[list[int], ...]) -> None:
    heard = said(3, 3, 3)
    spans = reel_spans([highlight(heard, *sentences) for sentences in cited], heard, UNCUT, 600)
    assert shown(heard, spans) == [[0, 1]]


@pytest.mark.parametrize(("short", "taken"), [(0, [0, 1]), (2, [1, 2])])
def test_a_highlight_of_a_moment_takes_in_the_sentence_beside_it(short: int, taken: list[int]) -> None:
    heard = said(0.2, 3, 0.2, pause_s=0.1)
    assert shown(heard, reel_spans([highlight(heard, short)], heard, UNCUT, 600)) == [taken]


def test_a_span_keeps_no_sliver_of_another_shot() -> None:
    heard = said(3, 3)
    cut = UNCUT.model_copy(update={"cuts": [round(8.2 * 25)]})
    (span,) = reel_spans([highlight(heard, 0)], heard, cut, 600)
    assert span.end_s == pytest.approx(8.2, abs=0.01)


def test_what_lies_past_the_end_of_the_recording_is_left_out() -> None:
    heard = said(3, 3)
    assert reel_spans([highlight(heard, 1)], heard, UNCUT, 9) == []


@given(st.lists(st.floats(0.1, 8), min_size=1, max_size=12), st.data())
def test_spans_never_overlap_and_hold_every_sentence_of_every_highlight(lengths_s: list[float], data: st.DataObject) -> None:
    heard = said(*lengths_s, pause_s=data.draw(st.floats(0, 3)))
    places = st.integers(0, len(lengths_s) - 1)
    cited = data.draw(st.lists(st.tuples(places, places).map(sorted), min_size=1, max_size=6))
    highlights = [highlight(heard, *range(first, last + 1)) for first, last in cited]
    spans = reel_spans(highlights, heard, UNCUT, 600)
    inside = shown(heard, spans)
    assert {place for span in inside for place in span} >= {place for one in highlights for place in one.sentences}
    assert all(before.end_s <= after.start_s for before, after in pairwise(spans))
    assert all(
        span.end_s - span.start_s >= LEAST_S or len(held) == len(lengths_s) for span, held in zip(spans, inside, strict=True)
    )
