"""TTML as broadcasters write it, and as nobody should."""

import pytest

from cutroom.errors import BadInput
from cutroom.speech.captions_file import parse_captions

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"'
)


def cues(body: str, attributes: str = "") -> list[tuple[float, float, str]]:
    parsed = parse_captions(f"{HEAD} {attributes}><body>{body}</body></tt>".encode())
    return [(cue.start_s, cue.end_s, cue.text) for cue in parsed.cues]


def test_paragraphs_with_line_breaks_and_spans_are_lines() -> None:
    body = '<div><p begin="00:00:01.5" end="00:00:03.000">Hello<br/>  there, <span>you</span>.</p></div>'
    assert cues(body) == [(1.5, 3.0, "Hello there, you.")]


@pytest.mark.parametrize(
    ("begin", "attributes", "start_s"),
    [
        ("90f", 'ttp:frameRate="30"', 3.0),
        ("3s", "", 3.0),
        ("3000ms", "", 3.0),
        ("30t", 'ttp:tickRate="10"', 3.0),
        ("00:00:03:12", 'ttp:frameRate="24"', 3.5),
        ("0.05m", "", 3.0),
    ],
)
def test_every_usual_time_is_read(begin: str, attributes: str, start_s: float) -> None:
    assert cues(f'<div><p begin="{begin}" dur="1s">Now.</p></div>', attributes)[0][0] == pytest.approx(start_s)


def test_times_count_from_those_around_them() -> None:
    body = '<div begin="10s"><p begin="1s" end="2s">One.</p><p begin="3s"><span begin="1s" end="2s">Two.</span></p></div>'
    assert cues(body) == [(11.0, 12.0, "One."), (14.0, 15.0, "Two.")]


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><tt><body><p>&b;</p></body></tt>',
        b'<?xml version="1.0"?><!DOCTYPE tt SYSTEM "file:///etc/passwd"><tt><body/></tt>',
        b"<tt><body><p></body></tt>",
        b"<tt><body>" + b"<div>" * 20_000 + b"</div>" * 20_000 + b"</body></tt>",
    ],
)
def test_hostile_and_broken_xml_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        parse_captions(data)
    assert refused.value.code == "captions_unreadable"


def test_ass_is_read_without_its_drawings_comments_and_styles() -> None:
    ass = (
        "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,Not said\n"
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Ada,0,0,0,,{\\i1}Hello{\\i0},\\Nyou.\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}\n"
    )
    parsed = parse_captions(ass.encode()).cues
    assert [(cue.start_s, cue.end_s, cue.text, cue.speaker) for cue in parsed] == [(1.0, 2.5, "Hello, you.", "Ada")]


@pytest.mark.parametrize(
    ("begin", "attributes"),
    [
        ("9" * 5000 + ":00:00", ""),
        ("9" * 400 + "s", ""),
        ("1s", f'ttp:frameRate="{"9" * 5000}" ttp:tickRate="{"9" * 5000}"'),
        ("1s", 'ttp:frameRate="\u00b3"'),
        ("1s", f'ttp:frameRateMultiplier="{"9" * 5000} {"9" * 5000}"'),
    ],
)
def test_numbers_that_are_no_times_do_no_harm(begin: str, attributes: str) -> None:
    assert all(0 <= start_s < 10 for start_s, _, _ in cues(f'<p begin="{begin}" end="2s">Hello.</p>', attributes))
