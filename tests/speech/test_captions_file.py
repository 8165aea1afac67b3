"""Captions files as people really upload them."""

from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.errors import BadInput
from cutroom.speech.captions_file import BRACKETED, MAX_BYTES, MUSIC, TAG, VOICE, parse_captions, read_captions

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,000\nHow are you?\n"


def texts(data: bytes) -> list[str]:
    return [cue.text for cue in parse_captions(data).cues]


def cue(start: str, end: str, text: str) -> str:
    return f"00:00:{start} --> 00:00:{end}\n{text}\n\n"


def vtt(*cues: str) -> bytes:
    return ("WEBVTT\n\n" + "".join(cues)).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_captions_are_read_in_every_usual_encoding(encoding: str) -> None:
    written = SRT.replace("Hello there.", "Où êtes-vous, Zoë?")
    assert texts(written.encode(encoding)) == ["Où êtes-vous, Zoë?", "How are you?"]


def test_times_are_seconds() -> None:
    first = parse_captions(SRT.encode()).cues[0]
    assert (first.start_s, first.end_s) == (1.0, 2.5)


def test_line_ends_of_any_system_are_read() -> None:
    assert texts(SRT.replace("\n", "\r\n").encode()) == texts(SRT.encode())
    assert texts(SRT.replace("\n", "\r").encode()) == texts(SRT.encode())


def test_webvtt_settings_notes_and_tags_are_no_speech() -> None:
    data = vtt(
        "NOTE made by hand\n\n",
        "STYLE\n::cue { color: red }\n\n",
        "intro\n00:01.000 --> 00:02.000 align:start position:10%\n<c.yellow>Hello</c> <00:01.500>you &amp; me\n\n",
    )
    assert texts(data) == ["Hello you & me"]


@pytest.mark.parametrize(
    ("written", "speaker", "text"),
    [
        ("<v Ada Lovelace>It computes.</v>", "Ada Lovelace", "It computes."),
        ("JOHN: It computes.", "JOHN", "It computes."),
        ("Speaker 2: It computes.", "Speaker 2", "It computes."),
        (">> Ada: It computes.", "Ada", "It computes."),
        ("- It computes.", None, "It computes."),
        ("Remember: it computes.", None, "Remember: it computes."),
        ("At 10:30 it computes.", None, "At 10:30 it computes."),
    ],
)
def test_speaker_names_leave_the_text(written: str, speaker: str | None, text: str) -> None:
    found = parse_captions(vtt(cue("01.000", "02.000", written))).cues[0]
    assert (found.speaker, found.text) == (speaker, text)


@pytest.mark.parametrize("written", ["[MUSIC]", "(applause)", "♪♪", "...", "<i></i>", "[Anna sighs]\n(door)"])
def test_captions_without_speech_are_dropped(written: str) -> None:
    assert texts(vtt(cue("01.000", "02.000", written), cue("03.000", "04.000", "Words."))) == ["Words."]


def test_sung_lines_keep_their_words() -> None:
    assert texts(vtt(cue("01.000", "02.000", "♪ Happy birthday ♪"))) == ["Happy birthday"]


def test_parentheses_inside_speech_stay() -> None:
    assert texts(vtt(cue("01.000", "02.000", "The year (2023) was warm."))) == ["The year (2023) was warm."]


def test_unsorted_and_overlapping_captions_are_sorted() -> None:
    data = vtt(cue("05.000", "06.000", "Third."), cue("01.000", "04.000", "First."), cue("02.000", "03.000", "Second."))
    assert texts(data) == ["First.", "Second.", "Third."]


def test_captions_that_end_before_they_begin_are_dropped() -> None:
    assert texts(vtt(cue("02.000", "01.000", "Wrong."), cue("03.000", "04.000", "Right."))) == ["Right."]


def test_rolling_captions_say_each_line_once() -> None:
    data = vtt(
        cue("01.000", "02.990", "so today we are"),
        cue("02.990", "03.000", "so today we are"),
        cue("03.000", "04.990", "so today we are\ngoing to look at"),
        cue("04.990", "05.000", "going to look at"),
        cue("05.000", "07.000", "going to look at\nbridges"),
    )
    assert texts(data) == ["so today we are", "going to look at", "bridges"]


def test_words_said_twice_stay_twice() -> None:
    assert texts(vtt(cue("01.000", "02.000", "No."), cue("02.000", "03.000", "No."))) == ["No.", "No."]


@pytest.mark.parametrize("data", [b"", b"just text", bytes(range(256)), b"\x00\x00\x00\x18ftypmp42", b"-->"])
def test_what_is_no_captions_file_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "captions").write_bytes(data)
    with pytest.raises(BadInput) as refused:
        read_captions(tmp_path / "captions")
    assert refused.value.code == "captions_unreadable"


def test_captions_with_nothing_said_are_refused(tmp_path: Path) -> None:
    (tmp_path / "captions").write_bytes(vtt(cue("01.000", "02.000", "[MUSIC]")))
    with pytest.raises(BadInput) as refused:
        read_captions(tmp_path / "captions")
    assert refused.value.code == "captions_empty"


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(BadInput):
        parse_captions(SRT.encode() + b" " * MAX_BYTES)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: ("WEBVTT\n\n00:01.000 --> 00:02.000\n" + text).encode()))
def test_any_bytes_give_clean_sorted_cues_or_a_refusal(data: bytes) -> None:
    try:
        cues = parse_captions(data).cues
    except BadInput as refused:
        if refused.code != "captions_unreadable":
            raise
        return
    assert [one.start_s for one in cues] == sorted(one.start_s for one in cues)
    for one in cues:
        assert one.end_s > one.start_s
        assert one.text == " ".join(one.text.split())
        assert any(letter.isalnum() for letter in one.text)


@given(st.lists(st.tuples(st.integers(0, 80_000), st.integers(200, 5_000), st.sampled_from(["One.", "Two three.", "Four?"]))))
def test_every_caption_with_words_is_kept(spans: list[tuple[int, int, str]]) -> None:
    def stamp(ms: int) -> str:
        return f"00:{ms // 60000:02}:{ms // 1000 % 60:02},{ms % 1000:03}"

    body = "".join(f"{stamp(a)} --> {stamp(a + n)}\n{text}\n\n" for a, n, text in spans)
    found = parse_captions(("1\n" + body + "00:01:39,000 --> 00:01:40,000\nEnd.\n").encode()).cues
    wanted = sorted((a, a + n, text) for a, n, text in [*spans, (99_000, 1_000, "End.")])
    assert sorted((round(one.start_s * 1000), round(one.end_s * 1000), one.text) for one in found) == wanted


@pytest.mark.parametrize("unit", ["#", "<", "[", "{\\", "(", "<v ", ">", "<v.a", "# ", "\n"])
def test_no_text_keeps_the_reader_busy(unit: str) -> None:
    hostile = unit * (20_000 // len(unit)) + "x said"
    data = "".join(f"{i}\n00:00:{i % 60:02},000 --> 00:00:{i % 60:02},900\n{hostile}\n\n" for i in range(20)).encode()
    began = process_time()
    parse_captions(data)
    assert process_time() - began < 2.0


def test_patterns_read_a_long_run_of_their_first_character_once() -> None:
    began = process_time()
    for pattern, text in ((MUSIC, "#" * 50_000 + "x"), (TAG, "<" * 50_000), (BRACKETED, "[" * 50_000), (VOICE, "<v " * 20_000)):
        assert pattern.sub("", text) == text
    assert process_time() - began < 1.0


def test_notes_and_soft_line_breaks_of_ass_are_no_speech() -> None:
    head = "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
    head += "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    data = head + "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{a note}Hello{\\i1}\\nthere.\n"
    assert texts(data.encode()) == ["Hello there."]
