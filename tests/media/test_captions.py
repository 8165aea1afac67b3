"""Captions: every word lit once, in its time, where nothing covers it."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import Transcript, Word
from cutroom.contracts.media import Aspect
from cutroom.media.captions import ass, srt, states, words_inside
from cutroom.media.fonts import text_width
from cutroom.media.presets import CANVASES, CAPTION_STYLES, canvas_of
from tests.media.material import spoken, transcript

STYLE, CANVAS = CAPTION_STYLES["classic"], CANVASES["9:16"]


@st.composite
def talks(draw: st.DrawFn) -> Transcript:
    texts = draw(st.lists(st.text(min_size=1, max_size=30).filter(lambda text: text.strip()), min_size=0, max_size=60))
    words, at = [], draw(st.floats(0, 30))
    for text in texts:
        length = draw(st.floats(0.02, 2.0))
        words.append(Word(text=text, start_s=at, end_s=at + length))
        at += draw(st.sampled_from([0.0, length, length, length + 0.4, length + 3.0]))
    ends = draw(st.lists(st.integers(0, max(0, len(words) - 1)), max_size=6)) if words else []
    return transcript(words, ends)


@given(talks(), st.floats(0, 30), st.floats(3, 60))
def test_each_word_of_the_clip_is_lit_once_in_order_and_never_outside_it(talk: Transcript, start_s: float, length_s: float) -> None:
    words = words_inside(talk, start_s, start_s + length_s)
    length = round(length_s * 100)
    shown = states(words, length, STYLE, CANVAS)
    assert [state.words[state.lit] for state in shown] == [word.text for word in words]
    assert all(0 <= state.start < state.end <= length for state in shown)
    assert all(before.end <= after.start for before, after in pairwise(shown))


@given(talks())
def test_a_group_stands_without_a_gap_and_holds_few_words(talk: Transcript) -> None:
    words = words_inside(talk, 0, 300)
    shown = states(words, 30000, STYLE, CANVAS)
    for before, after in pairwise(shown):
        if after.lit > 0:
            assert (before.words, before.end) == (after.words, after.start)
    assert all(1 <= len(state.words) <= STYLE.most_words for state in shown)


@pytest.mark.parametrize(
    ("aspect", "size", "line"),
    [("9:16", (720, 1280), 61), ("4:5", (720, 900), 56), ("1:1", (720, 720), 51), ("16:9", (1280, 720), 52)],
)
def test_captions_in_720p_take_the_same_share_of_the_picture(aspect: Aspect, size: tuple[int, int], line: int) -> None:
    full, less = canvas_of(aspect, "1080p"), canvas_of(aspect, "720p")
    assert full == CANVASES[aspect]
    assert (less.width, less.height, less.text) == (*size, line)
    for margin in ("top", "bottom", "left", "right", "text_y"):
        assert getattr(less, margin) == pytest.approx(getattr(full, margin) * 2 / 3, abs=0.5)
    words = words_inside(transcript(spoken("So the quick brown fox jumped over an extraordinarily lazy dog again", 0, 0.3)), 0, 5)
    assert states(words, 500, STYLE, less) == states(words, 500, STYLE, full)


@given(talks())
def test_no_text_breaks_the_script(talk: Transcript) -> None:
    script = ass(talk, 0, 300, STYLE, CANVAS)
    dialogues = [line for line in script.splitlines() if line.startswith("Dialogue:")]
    assert len(dialogues) == len(words_inside(talk, 0, 300))
    for line in dialogues:
        text = line.split(",", 9)[9]
        plain = text.replace("\\{", "").replace("\\}", "")
        overrides = re.findall(r"\{([^}]*)\}", plain)
        assert len(overrides) == 3
        assert "{" not in re.sub(r"\{[^}]*\}", "", plain)
        assert set(re.findall(r"\\[^{}]", re.sub(r"\{[^}]*\}", "", plain))) <= {"\\N"}


@given(st.lists(st.text(min_size=1, max_size=100).filter(lambda text: text.strip()), min_size=1, max_size=60))
def test_subtitles_keep_to_two_lines_of_42(texts: list[str]) -> None:
    words = [Word(text=text, start_s=number, end_s=number + 0.5) for number, text in enumerate(texts)]
    blocks = srt(transcript(words), 0, 100).split("\n\n")
    for number, block in enumerate(filter(None, blocks), start=1):
        first, times, *lines = block.rstrip("\n").split("\n")
        assert first == str(number)
        assert re.fullmatch(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}", times)
        assert 0 < len(lines) <= 2
        assert all(len(line) <= 42 for line in lines)


def test_every_line_fits_between_the_margins() -> None:
    said = spoken(
        "Extraordinarily uncharacteristic misunderstandings notwithstanding, Donaudampfschifffahrtsgesellschaftskapitän arrives."
    )
    script = ass(transcript(said), 10, 20, STYLE, CANVAS)
    room = CANVAS.width - 2 * max(CANVAS.left, CANVAS.right)
    for line in script.splitlines():
        if line.startswith("Dialogue:"):
            [percent] = re.findall(r"fscx(\d+)", line)
            for part in re.sub(r"\{[^}]*\}", "", line.split(",", 9)[9]).split("\\N"):
                width = text_width(part, STYLE.font_file, STYLE.size * CANVAS.text) + 2 * STYLE.outline * CANVAS.text
                assert int(percent) / 100 * width <= room


def test_a_new_group_begins_after_a_sentence_and_after_a_pause() -> None:
    words = [*spoken("One two three", 10), *spoken("four five", 10.9), *spoken("six seven", 14)]
    shown = states(words_inside(transcript(words, [2]), 10, 20), 1000, STYLE, CANVAS)
    assert [state.words for state in shown if state.lit == 0] == [("One", "two", "three"), ("four", "five"), ("six", "seven")]
    assert shown[4].end == round((11.47 - 10 + STYLE.linger_s) * 100)


def test_a_lone_last_word_gets_company() -> None:
    shown = states(words_inside(transcript(spoken("a b c d e")), 10, 20), 1000, STYLE, CANVAS)
    assert [len(state.words) for state in shown if state.lit == 0] == [3, 2]


def test_the_lit_word_has_its_own_colour() -> None:
    script = ass(transcript(spoken("Hello there")), 10, 11, STYLE, CANVAS)
    first, second = [line for line in script.splitlines() if line.startswith("Dialogue:")]
    assert "{\\1c&H004DE1FF&}Hello{\\1c&H00FFFFFF&} there" in first
    assert "Hello {\\1c&H004DE1FF&}there" in second
    assert first.startswith("Dialogue: 0,0:00:00.00,0:00:00.30,")


def test_captions_stand_where_the_layout_leaves_room_for_them() -> None:
    script = ass(transcript(spoken("One two three four")), 10, 12, STYLE, CANVAS, [(10.0, 960), (10.55, 1300)])
    assert re.findall(r"pos\(540,(\d+)\)", script) == ["960", "960", "1300", "1300"]


def test_subtitles_are_a_sentence_each() -> None:
    words = spoken("It was late. We went home because nothing else was open on that long and rainy street at all.")
    blocks = srt(transcript(words, [2]), 10, 20).strip().split("\n\n")
    assert blocks[0] == "1\n00:00:00,000 --> 00:00:00,870\nIt was late."
    assert blocks[1].splitlines()[2:] == ["We went home because nothing else was open", "on that long and rainy street at all."]


def test_words_of_the_neighbourhood_stay_out() -> None:
    words = spoken("before inside after", 9.6, word_s=1.0)
    assert [word.text for word in words_inside(transcript(words), 10.4, 11.4)] == ["inside"]


@pytest.mark.parametrize("start_s", [0.0, 20.0])
def test_a_clip_in_which_nothing_is_said_has_no_subtitles(start_s: float) -> None:
    assert srt(transcript(spoken("Hello")), start_s, start_s + 5) == ""
