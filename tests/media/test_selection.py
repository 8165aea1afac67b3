"""Clips are whole passages of a talk, do not overlap, keep to the wishes and to the topic."""

from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import ClipChoice, Sentence, Shots, Transcript
from cutroom.media.selection import MOST_PASSAGES, ROUNDED_S, _bounded, _count, _runs, chosen_again, select
from cutroom.media.timeline import FrameSpan
from cutroom.media.units import units_of
from tests.media.talks import PLAIN, SHOTS, TALK, choose, passage, transcript

TEXTS = [
    PLAIN,
    "Why?",
    "So that is why nobody waits.",
    "And then it broke in 1987, twice.",
    "Um, welcome to the show.",
    "€ — …",
    9 * PLAIN,
]


spoken = st.lists(
    st.tuples(st.sampled_from(TEXTS), st.floats(0, 6).map(lambda s: s if s > 0.02 else 0.0), st.floats(0.1, 1.2)).map(
        lambda s: (s[0], s[1], s[2] * len(s[0].split()))
    ),
    max_size=25,
)


wished = st.tuples(st.integers(1, 30), st.floats(3, 60), st.floats(0, 120)).map(
    lambda w: ClipWishes(count=w[0], min_s=w[1], max_s=w[1] + w[2])
)


@settings(max_examples=150, deadline=None)
@given(spoken, wished, st.floats(0.5, 30))
@example([("The oven stands in the corner of the kitchen near a window.", 0, 11.99988)], ClipWishes(count=1, min_s=3, max_s=3), 1)
def test_clips_lie_inside_the_source_apart_from_each_other_and_best_first(
    said: list[tuple[str, float, float]], wishes: ClipWishes, rest: float
) -> None:
    talk = transcript(said)
    duration = talk.duration_s + rest
    selection = select(talk, SHOTS, wishes, duration)
    clips = selection.clips
    assert 1 <= len(clips) <= wishes.count
    assert [clip.ordinal for clip in clips] == list(range(1, len(clips) + 1))
    assert [clip.score for clip in clips] == sorted((clip.score for clip in clips), reverse=True)
    for clip in clips:
        assert 0 <= clip.start_s < clip.end_s <= round(duration, 3)
        assert clip.end_s - clip.start_s <= max(wishes.max_s, wishes.min_s) + 0.002
        assert clip.score == pytest.approx(sum(clip.score_parts.values()), abs=1)
    for one, other in combinations(clips, 2):
        assert one.end_s <= other.start_s + 0.001 or other.end_s <= one.start_s + 0.001
    assert bool(selection.warnings) == bool(len(clips) < wishes.count or _too_short(clips, wishes, duration) or not talk.words)
    assert select(talk, SHOTS, wishes, duration) == selection


def _too_short(clips: list[ClipChoice], wishes: ClipWishes, duration_s: float) -> bool:
    return duration_s >= wishes.min_s and any(wishes.min_s > clip.end_s - clip.start_s + ROUNDED_S for clip in clips)


@settings(max_examples=100, deadline=None)
@given(spoken.filter(bool), wished)
def test_no_word_is_cut_and_the_words_outside_are_as_far_as_their_silence_allows(
    said: list[tuple[str, float, float]], wishes: ClipWishes
) -> None:
    talk = transcript(said)
    for clip in choose(talk, wishes.count, wishes.min_s, wishes.max_s).clips:
        inside = [w for w in talk.words if w.start_s >= clip.start_s - 0.001 and w.end_s <= clip.end_s + 0.001]
        before = [w.end_s for w in talk.words if w.end_s <= clip.start_s + 0.001]
        after = [w.start_s for w in talk.words if w.start_s >= clip.end_s - 0.001]
        assert len(inside) + len(before) + len(after) == len(talk.words)
        if before:
            assert clip.start_s - before[-1] >= min(0.08, (inside[0].start_s - before[-1]) / 2) - 0.001
        if after:
            assert after[0] - clip.end_s >= min(0.08, (after[0] - inside[-1].end_s) / 2) - 0.001


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.just(PLAIN), st.floats(0.2, 1), st.floats(2, 8)), min_size=15, max_size=40))
def test_an_ordinary_talk_gives_whole_sentences_of_the_wished_length(said: list[tuple[str, float, float]]) -> None:
    talk = transcript(said)
    starts, ends = {s.start_s for s in talk.sentences}, {s.end_s for s in talk.sentences}
    clips = choose(talk, count=2, min_s=12, max_s=40).clips
    assert len(clips) == 2
    for clip in clips:
        assert 12 <= clip.end_s - clip.start_s <= 40
        assert any(0 < s - clip.start_s <= 0.36 for s in starts)
        assert any(0 < clip.end_s - e <= 0.46 for e in ends)
        assert clip.text == " ".join(s.text for s in talk.sentences[clip.first_sentence : clip.last_sentence])


def test_a_source_shorter_than_the_shortest_clip_gives_one_clip_of_all_of_it() -> None:
    clips = choose(transcript([(PLAIN, 0.5, 4), (PLAIN, 0.5, 4)]), count=1, min_s=15, duration_s=9.5).clips
    assert [(clip.start_s, clip.end_s) for clip in clips] == [(0.0, 9.5)]


def test_a_source_without_words_gives_even_parts_begun_at_cuts_and_says_so() -> None:
    shots = Shots(fps=25, frame_count=2500, cuts=[300, 1300])
    silent = Transcript(engine="none", language="", duration_s=100, words=[], sentences=[])
    selection = select(silent, shots, ClipWishes(count=2, min_s=15, max_s=20), 100.0)
    assert [(clip.start_s, clip.end_s) for clip in selection.clips] == [(12.0, 32.0), (52.0, 72.0)]
    assert "No speech" in selection.warnings[0]


def test_a_short_source_without_words_is_one_clip() -> None:
    silent = Transcript(engine="none", language="", duration_s=10, words=[], sentences=[])
    selection = select(silent, SHOTS, ClipWishes(count=3, min_s=15, max_s=60), 10.0)
    assert [(clip.start_s, clip.end_s) for clip in selection.clips] == [(0.0, 10.0)]


def test_no_sliver_of_another_shot_opens_or_ends_a_clip() -> None:
    """The only passage of the wished length is said from 8 s to 18 s; the picture changes 0.2 s before it and 0.1 s after."""
    talk = transcript([(PLAIN, 0.5, 4), (PLAIN, 3.5, 5), (PLAIN, 0, 5), (PLAIN, 3, 4)])
    cuts = [60, 234, 543, 600]
    clips = select(talk, Shots(fps=30, frame_count=900, cuts=cuts), ClipWishes(count=1, min_s=10, max_s=11), talk.duration_s).clips
    (clip,) = clips
    span = FrameSpan.of(clip.start_s, clip.end_s, 30)
    assert 234 <= span.first < 240
    assert 540 <= span.last <= 543


def test_too_little_speech_gives_fewer_clips_and_says_how_many() -> None:
    selection = choose(transcript([(PLAIN, 0.5, 5)] * 8), count=5)
    assert len(selection.clips) == 2
    assert "asked for 5 clips; 2" in selection.warnings[0]


def test_too_few_passages_on_a_topic_are_not_blamed_on_their_length() -> None:
    baked = [PLAIN.replace("oven", "bread") if i == 10 else PLAIN for i in range(30)]
    talk = transcript([(text, 0.5, 5) for text in baked])
    selection = select(talk, SHOTS, ClipWishes(count=5, min_s=15, max_s=20), talk.duration_s, topic="bread")
    assert selection.warnings == ["You asked for 5 clips; 1 speaking of the topic was found."]


def test_captions_of_one_word_a_cue_give_whole_clips_of_a_bounded_number_of_passages() -> None:
    talk = transcript([(f"word{i % 7}", 0.01, 0.09) for i in range(2000)])
    units = units_of(talk, talk.duration_s, 60, None)
    bounded = _bounded(units, 60)
    assert _count(units, 60) > MOST_PASSAGES
    assert len(list(_runs(bounded, 60))) == _count(bounded, 60) <= MOST_PASSAGES
    assert " ".join(unit.line.text for unit in bounded) == " ".join(s.text for s in talk.sentences)
    for clip in choose(talk, count=2, min_s=15, max_s=60).clips:
        assert clip.text == " ".join(s.text for s in talk.sentences[clip.first_sentence : clip.last_sentence])


def test_one_endless_sentence_is_parted_at_its_longest_pauses() -> None:
    talk = transcript([("word " * 60, 0.5, 30), ("word " * 60, 2.0, 30), ("word " * 60, 1.5, 30)])
    run_on = Sentence(text="word", start_s=0.5, end_s=talk.words[-1].end_s, first_word=0, last_word=len(talk.words))
    clips = choose(talk.model_copy(update={"sentences": [run_on]}), count=3, min_s=20, max_s=35).clips
    assert sorted(round(clip.start_s, 2) for clip in clips) == [0.15, 32.15, 63.65]


def test_a_word_that_lasts_longer_than_a_clip_may_is_cut_off() -> None:
    (clip,) = choose(transcript([("Aah", 2, 90)]), count=1, min_s=15, max_s=40).clips
    assert (clip.start_s, clip.end_s) == (2.0, 42.0)


def test_one_lone_sentence_is_widened_with_the_silence_around_it() -> None:
    talk = transcript([(PLAIN, 20, 4)])
    (clip,) = choose(talk, count=1, min_s=15, max_s=40, duration_s=60).clips
    assert clip.end_s - clip.start_s == pytest.approx(15)
    assert clip.start_s < 20
    assert clip.end_s > 24


def test_a_story_with_a_hook_and_an_end_is_preferred_to_housekeeping_and_small_talk() -> None:
    welcome = passage(
        "Hello and welcome back to the podcast.", "The newsletter has moved.", "Tickets are on our website.", "Um, okay then."
    )
    story = passage(
        "What is the most expensive mistake you ever made?",
        "In 1998 I bought forty lamps for nine hundred dollars.",
        "My neighbour laughed, but he asked for two of them.",
        "So a single question sold the whole shop in one week.",
    )
    talk = transcript(welcome + story + passage("Thank you for listening.", "Subscribe and follow us.", "See you next week."))
    (clip,) = choose(talk, count=1, min_s=20, max_s=24).clips
    assert clip.title == "What is the most expensive mistake you ever made?"
    assert clip.text.endswith("in one week.")
    assert "open with a question" in clip.why


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_word_that_moves_by_20_ms_changes_no_clip(data: st.DataObject) -> None:
    talk = transcript(TALK)
    index = data.draw(st.integers(0, len(talk.words) - 1))
    word, shift = talk.words[index], data.draw(st.sampled_from([-0.02, 0.02]))
    moved = [*talk.words]
    moved[index] = word.model_copy(update={"start_s": word.start_s + shift, "end_s": word.end_s + shift})
    sentences = [
        s.model_copy(update={"start_s": moved[s.first_word].start_s, "end_s": moved[s.last_word - 1].end_s}) for s in talk.sentences
    ]
    before, after = (
        {(clip.first_sentence, clip.last_sentence) for clip in choose(t, count=5, min_s=15, max_s=60).clips}
        for t in (talk, talk.model_copy(update={"words": moved, "sentences": sentences}))
    )
    assert before == after


def test_a_topic_narrows_the_choice_to_passages_that_have_a_word_of_it() -> None:
    clips = select(transcript(TALK), SHOTS, ClipWishes(count=3, min_s=15, max_s=40), 300, topic="baking, and the bakery").clips
    assert clips
    assert all("bak" in clip.text.lower() for clip in clips)
    assert all(clip.score_parts["topic"] > 0 for clip in clips)


@pytest.mark.parametrize(
    ("topic", "sentence"),
    [
        ("AI", "They say that AI will change how bread is made."),
        ("AI", "They say that A.I. will change how bread is made."),
        ("UK", "Bread in the U.K. is white."),
        ("5G", "The oven is on 5G now."),
        ("C", "It was all written in C, years ago."),
        ("IT", "My brother works in IT for a bakery."),
        ("寿司", "今日は寿司を食べます。"),
        ("茶", "お茶が好きです。"),
        ("人工智能的未来", "我们谈谈人工智能。"),
    ],
)
def test_a_topic_that_is_said_is_found_however_short_and_in_whatever_script(topic: str, sentence: str) -> None:
    lines = [(PLAIN, 0.5, 5.0)] * 8
    talk = transcript([*lines, (sentence, 0.5, 5.0), *lines])
    selection = select(talk, SHOTS, ClipWishes(count=1, min_s=8, max_s=13), talk.duration_s, topic=topic)
    assert selection.warnings == []
    assert sentence in selection.clips[0].text


def test_a_topic_that_is_never_spoken_of_is_left_out_and_the_selection_says_so() -> None:
    wishes = ClipWishes(count=2, min_s=15, max_s=40)
    without, with_topic = (select(transcript(TALK), SHOTS, wishes, 300, topic=topic) for topic in ("", "submarines"))
    assert with_topic.clips == without.clips
    assert "topic" in with_topic.warnings[0]


def test_the_same_said_twice_is_taken_once() -> None:
    story = passage(
        "What is the most expensive mistake you ever made?",
        "In 1998 I bought forty lamps for nine hundred dollars.",
        "My neighbour laughed, but he asked for two of them.",
        "So a single question sold the whole shop in one week.",
    )
    rest = (f"The {thing} stands in the corner of the {room} near a window." for thing, room in zip(THINGS, ROOMS, strict=True))
    clips = choose(transcript(story + passage(*rest) + story), count=2, min_s=20, max_s=24).clips
    assert sum("expensive mistake" in clip.text for clip in clips) == 1


THINGS = ("oven", "ladder", "piano", "barrel", "mirror", "engine", "basket", "statue")


ROOMS = ("kitchen", "stable", "chapel", "cellar", "bedroom", "garage", "library", "garden")


def test_candidates_hold_the_clips_and_share_at_most_half_of_the_shorter_with_each_other() -> None:
    selection = choose(transcript(TALK), count=3, min_s=15, max_s=40)
    spans = [(c.start_s, c.end_s) for c in selection.candidates]
    assert {(clip.start_s, clip.end_s) for clip in selection.clips} <= set(spans)
    assert [c.ordinal for c in selection.candidates] == list(range(1, len(spans) + 1))
    assert len(spans) > 3
    for (a, b), (c, d) in combinations(spans, 2):
        assert min(b, d) - max(a, c) <= 0.5 * min(b - a, d - c) + 0.01


def test_candidates_with_other_scores_are_chosen_from_again() -> None:
    candidates = choose(transcript(TALK), count=2, min_s=15, max_s=40).candidates
    raised = [c.model_copy(update={"score": 99.0 if c.ordinal == len(candidates) else c.score}) for c in candidates]
    again = chosen_again(raised, 2)
    assert again[0].text == candidates[-1].text
    assert [clip.ordinal for clip in again] == [1, 2]
    assert again[0].end_s <= again[1].start_s or again[1].end_s <= again[0].start_s
