"""Summaries without a model: whatever was said, all that they cite and quote is there, and key points stand alone."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.labelled import transcript_of
from cutroom.contracts.documents import Summary, Transcript
from cutroom.contracts.summary import Length, SummaryWishes
from cutroom.errors import BadInput, ToolFailed
from cutroom.language.citations import check, text_of
from cutroom.language.points import tidied
from cutroom.language.quotes import is_about
from cutroom.language.summary import WORDS, summarise
from tests.language.told import CLOCK, said

WISHES = SummaryWishes()


def test_a_talk_becomes_as_much_as_was_asked_for() -> None:
    summary = summarise(CLOCK, SummaryWishes(key_points=6, highlights=3))
    assert (len(summary.key_points), len(summary.highlights)) == (6, 3)
    assert len(summary.chapters) > 2
    assert summary.engine == "extractive"
    assert summary.warnings == []


def test_the_same_talk_gives_the_same_summary() -> None:
    assert summarise(CLOCK, WISHES) == summarise(CLOCK, WISHES)


def test_who_sums_up_nothing_does_not_load_what_it_takes() -> None:
    loaded = "import sys, cutroom.language.summary_llm; sys.exit(bool({'sklearn', 'networkx'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0


@pytest.mark.parametrize("length", ["short", "medium", "long"])
def test_a_summary_keeps_to_its_words(length: Length) -> None:
    summary = summarise(CLOCK, SummaryWishes(length=length))
    words = sum(len(one.text.split()) for one in summary.summary)
    assert WORDS[length] / 2 < words <= WORDS[length]


def test_greetings_notices_and_chatter_are_in_no_key_point_and_no_highlight() -> None:
    summary = summarise(CLOCK, SummaryWishes(key_points=12, highlights=8))
    cited = {place for one in (*summary.key_points, *summary.highlights) for place in one.sentences}
    assert not cited & {0, 1, 2, 37, 75, 76, 77, 78, 79}


def test_a_sentence_that_leans_on_the_one_before_it_brings_it_along() -> None:
    lines = ["The baker Anna Holm sold 400 loaves in one morning.", "She never told the mayor of Leeds that 90 were burnt."]
    (point,) = summarise(said(*lines), SummaryWishes(key_points=1)).key_points
    assert point.text.startswith("The baker Anna Holm")


def test_nothing_is_told_of_somebody_whom_only_another_voice_names() -> None:
    lines = [
        "Tell me of Anna, the baker.",
        "She sold 400 loaves one morning.",
        "The mayor of Leeds ate 90 loaves that day.",
    ]
    points = summarise(said(*lines, voices="ABB"), SummaryWishes(key_points=3)).key_points
    assert not any(point.text.startswith("She") for point in points)


def test_neither_that_s_nor_an_answer_of_one_word_stands_for_what_was_meant() -> None:
    lines = ["Noted.", "That's the forty-five minutes of cooking.", "The mayor of Leeds ate 90 loaves that day."]
    points = summarise(said(*lines), SummaryWishes(key_points=3)).key_points
    assert [point.sentences for point in points] == [[2]]


def test_what_is_said_to_somebody_in_the_room_tells_nothing_of_the_talk() -> None:
    lines = ["I'm sorry, ma'am, but the hearing of 40 riders is closed.", "The evening bus carries 40 riders to the clinic."]
    summary = summarise(said(*lines), SummaryWishes(key_points=3))
    assert [one.sentences for one in (*summary.summary, *summary.key_points)] == [[1], [1]]


def test_a_title_is_of_what_was_told() -> None:
    lines = ["[laughter]", "Is the bakery of Leeds yours?", "The bakery of Leeds sells bread.", "Oh my god, the bakery of Leeds!"]
    (chapter,) = summarise(said(*lines), WISHES).chapters
    assert chapter.title == "The bakery of Leeds sells bread"


def test_a_chapter_lasts_a_minute() -> None:
    chapters = summarise(CLOCK, WISHES).chapters
    assert len(chapters) > 2
    assert all(chapter.end_s - chapter.start_s >= 60 for chapter in chapters)


def test_what_is_said_in_a_hurry_still_has_a_chapter() -> None:
    hurried = transcript_of([(f"Yes {n}.", 0.1 * n, 0.1 * n + 0.05, "A") for n in range(500)])
    check(summarise(hurried, WISHES), hurried)


def test_key_points_are_made_of_the_words_that_they_cite() -> None:
    for point in summarise(CLOCK, WISHES).key_points:
        assert is_about(point.text, text_of(CLOCK, point.sentences))


def test_chapters_begin_where_the_subject_changes() -> None:
    bread = [f"The dough of bread {n} rises in the warm oven with yeast and flour." for n in range(12)]
    ships = [f"The captain of ship {n} steers through the storm with sails and anchor." for n in range(12)]
    chapters = summarise(said(*bread, *ships), WISHES).chapters
    assert [chapter.sentences[0] for chapter in chapters] == [0, 12]


@pytest.mark.parametrize("line", ["Yes.", "ok", "1", "The clock stopped in 2011.", "Was it you?"])
def test_a_single_sentence_is_its_own_summary(line: str) -> None:
    summary = summarise(said(line), WISHES)
    assert [one.sentences for one in (*summary.summary, *summary.key_points, *summary.chapters)] == [[0]] * 3


@pytest.mark.parametrize("lines", [(), ("",), (" ", "\n")])
def test_where_nothing_is_said_there_is_nothing_to_sum_up(lines: tuple[str, ...]) -> None:
    nothing = Transcript(engine="none", language="en", duration_s=5, words=[], sentences=[])
    sentences = [s.model_copy(update={"text": line}) for s, line in zip(CLOCK.sentences, lines, strict=False)]
    with pytest.raises(BadInput) as caught:
        summarise(nothing.model_copy(update={"sentences": sentences}), WISHES)
    assert caught.value.code == "no_speech"


@pytest.mark.parametrize(
    "lines",
    [
        ("時計は三日間止まりました。", "農夫は牛が帰らないと言いました。", "時計は見るためのものではありません。"),
        ("توقفت الساعة ثلاثة أيام.", "قال المزارع إن الأبقار لم تعد.", "الساعة ليست للنظر إليها."),
        ("घड़ी तीन दिन तक बंद रही।", "किसान ने कहा कि गायें नहीं लौटीं।", "घड़ी देखने के लिए नहीं है।"),
        ("နာရီသည် သုံးရက်ရပ်ခဲ့သည်။", "လယ်သမားက နွားများ ပြန်မလာဟု ဆိုသည်။"),
        ("Die Uhr stand drei Tage still.", "Der Bauer sagte, dass die Kühe nicht kamen.", "Eine Uhr ist nicht zum Ansehen da."),
        ("🙂🙂", "…", "—", "12 34"),
    ],
    ids=["Japanese", "Arabic", "Hindi", "Burmese", "German", "no words"],
)
def test_any_script_gives_a_summary_that_holds(lines: tuple[str, ...]) -> None:
    transcript = said(*(lines * 8))
    summary = summarise(transcript, WISHES)
    assert summary.key_points
    check(summary, transcript)


def test_another_language_is_not_pretended() -> None:
    summary = summarise(CLOCK, SummaryWishes(language="de"))
    assert summary.language == "en"
    assert "nothing is translated" in summary.warnings[0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=30), st.integers(0, 9), st.integers(0, 9))
def test_whatever_is_said_the_summary_holds_against_it(lines: list[str], points: int, highlights: int) -> None:
    transcript = said(*lines)
    try:
        check(summarise(transcript, SummaryWishes(key_points=points, highlights=highlights)), transcript)
    except BadInput:
        assert not any(line.strip() for line in lines)


def _spoilt(summary: Summary, part: str, **changed: object) -> Summary:
    first, *rest = getattr(summary, part)
    return summary.model_copy(update={part: [first.model_copy(update=changed), *rest]})


@pytest.mark.parametrize(
    ("part", "changed", "why"),
    [
        ("highlights", {"quote": "Money is the root of all evil."}, "word for word"),
        ("highlights", {"quote": ""}, "word for word"),
        ("highlights", {"sentences": [80]}, "not there"),
        ("key_points", {"sentences": []}, "not there"),
        ("key_points", {"sentences": [-1]}, "not there"),
        ("summary", {"sentences": [3, 2]}, "not there"),
        ("key_points", {"start_s": 1.25}, "a time"),
        ("chapters", {"end_s": 9999.0}, "a time"),
        ("chapters", {"sentences": [0], "start_s": 0.6, "end_s": 8.75}, "every sentence once"),
    ],
)
def test_what_does_not_hold_is_never_stored(part: str, changed: dict[str, object], why: str) -> None:
    with pytest.raises(ToolFailed, match=why) as caught:
        check(_spoilt(summarise(CLOCK, WISHES), part, **changed), CLOCK)
    assert caught.value.code == "summary_wrong"


@pytest.mark.parametrize(
    ("spoken", "read"),
    [
        ("So, um, we lost it all.", "We lost it all."),
        ("And and then the the rope broke.", "Then the rope broke."),
        ("A pinch, and I mean a pinch.", "A pinch, and I mean a pinch."),
        ("Yeah.", "Yeah."),
        ("It worked! [laughter] (Applause)", "It worked!"),
        ("[music]", "[music]"),
    ],
)
def test_fillers_and_wind_ups_are_not_read(spoken: str, read: str) -> None:
    assert tidied(spoken) == read
