"""Captions files (SRT, WebVTT, ASS, TTML) to cues: plain text, sorted, without markup.

pysubs2 finds the time lines. What people and players put around the spoken text is taken away here: tags, sound
descriptions, speaker names, and lines that a rolling caption shows a second time.
"""

import html
import re
from pathlib import Path
from typing import NamedTuple

from cutroom.contracts.documents import Cue, Cues
from cutroom.errors import BadInput
from cutroom.speech.ttml import Line, read_ttml

MAX_BYTES = 20 * 1024 * 1024
DASHES = r"\-\u2013\u2014"
# No more of one caption is looked at: nobody reads so much at once. And each pattern reads a text once, so that no file can
# keep the reader busy: what opens ends where the next one opens.
MOST_CHARACTERS = 2000
VOICE = re.compile(r"<v(?:\.[\w.-]*)?\s([^<>]+)>", re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
BRACKETED = re.compile(r"\[[^\[\]]*\]")
EMPTY_LINES = re.compile(r"\n{3,}")
ASS_NOTE = re.compile(r"\{[^{}]*\}")
DESCRIPTION = re.compile(rf"^[\s{DASHES}>]*\([^)]*\)\s*$")
# `JOHN:`, `DR. SMITH:`, `Speaker 2:`; after `>>` any name. `Remember: ...` is speech and stays.
NAMED = re.compile(
    r"^\s*(?:>>+\s*(?P<marked>[^:\s][^:]{0,30})|(?P<capitals>[A-Z][A-Z0-9 .'&-]{1,30})|(?P<numbered>[Ss]peaker \w{1,3})):\s+"
)
# A dash that opens a line marks a change of speaker; so does a bare `>>`.
OPENING = re.compile(rf"^\s*(?:>>+|[{DASHES}]+)\s*")
MUSIC = re.compile(r"[♪♫♬♩]|(?<!#)#+(?=\s|$)")
ROLL_S = 0.1
HEAD = 4096
TTML = re.compile(r"<(?:\w{1,20}:)?tt[\s>]")
ASS = re.compile(r"(?:;[^\n]*\n\s*)*\[Script Info\]", re.IGNORECASE)


class Shown(NamedTuple):
    """What one caption puts on the screen, and until when."""

    lines: list[str]
    end_s: float


def read_captions(path: Path) -> Cues:
    """The cues of an SRT, WebVTT, ASS or TTML file, by start, at least one.

    Times are seconds, ends after starts; cues may overlap. Raises BadInput: `captions_unreadable` where the file is no
    captions file, `captions_empty` where nothing is said in it.
    """
    cues = parse_captions(path.read_bytes())
    if not cues.cues:
        raise BadInput("The captions file has no captions with spoken text in it.", code="captions_empty")
    return cues


def parse_captions(data: bytes) -> Cues:
    """As `read_captions`, from bytes, and an answer without cues is no error. Raises BadInput (`captions_unreadable`)."""
    if len(data) > MAX_BYTES:
        raise unreadable()
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff \t\n")
    shown = read_ttml(data) if text.startswith("<") and TTML.search(text[:HEAD]) else read_text(text)
    cues, before = [], Shown([], 0.0)
    for line in sorted(shown, key=lambda line: (line.start_s, line.end_s)):
        now = Shown(spoken_lines(line.text[:MOST_CHARACTERS]), line.end_s)
        cue = to_cue(line.start_s, line.end_s, fresh_lines(now, before, line.start_s))
        before = now
        if cue:
            cues.append(cue)
    return Cues(cues=cues)


def read_text(text: str) -> list[Line]:
    """The lines of SRT, WebVTT or ASS. Raises BadInput (`captions_unreadable`)."""
    import pysubs2

    # pysubs2 has patterns of its own, which long lines and runs of empty ones would keep busy.
    text = EMPTY_LINES.sub("\n\n", "\n".join(line[:MOST_CHARACTERS] for line in text.split("\n")))
    kind = "vtt" if text.startswith("WEBVTT") else "ass" if ASS.match(text) else "srt" if "-->" in text else ""
    if not kind:
        raise unreadable()
    try:
        events = pysubs2.SSAFile.from_string(text, format_=kind, **({} if kind == "ass" else {"keep_html_tags": True})).events
    except (ValueError, pysubs2.exceptions.Pysubs2Error) as error:
        raise unreadable() from error
    if not events and kind == "srt":
        raise unreadable()
    return [
        Line(event.start / 1000, event.end / 1000, ass_text(event.name, event.text) if kind == "ass" else event.text)
        for event in events
        if not (event.is_comment or event.is_drawing)
    ]


def ass_text(name: str, text: str) -> str:
    """The text of an ASS event: its actor as a voice tag, without notes in braces, a soft line break as a space."""
    said = ASS_NOTE.sub("", text).replace("\\n", " ")
    return f"<v {name}>{said}" if name else said


def unreadable() -> BadInput:
    return BadInput("The captions file is none of SRT, WebVTT, ASS and TTML.", code="captions_unreadable")


def decode(data: bytes) -> str:
    """Text of unknown encoding: by its byte order mark, else UTF-8, else UTF-16 by its zero bytes, else Western European."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\0" in data[:200]:
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", errors="replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def spoken_lines(text: str) -> list[str]:
    """The lines of one caption without markup and sound descriptions. A voice tag becomes `>> name: `."""
    lines = VOICE.sub(r">> \1: ", text.replace("\\N", "\n").replace("\\h", " ")).split("\n")
    lines = [html.unescape(TAG.sub("", line)) for line in lines]
    lines = ["" if DESCRIPTION.match(line) else MUSIC.sub("", BRACKETED.sub("", line)) for line in lines]
    return [" ".join(line.split()) for line in lines if any(letter.isalnum() for letter in line)]


def fresh_lines(now: Shown, before: Shown, start_s: float) -> list[str]:
    """The lines not shown already. A rolling caption repeats its last line above the next one, or alone for a moment."""
    rolls = len(now.lines) > 1 or now.end_s - start_s < ROLL_S
    if not (rolls and before.lines and start_s <= before.end_s + ROLL_S):
        return now.lines
    for kept in range(min(len(now.lines), len(before.lines)), 0, -1):
        if now.lines[:kept] == before.lines[-kept:]:
            return now.lines[kept:]
    return now.lines


def to_cue(start_s: float, end_s: float, lines: list[str]) -> Cue | None:
    """One cue of these lines; None where nothing is said or its times are nonsense. The first name found speaks."""
    speaker: str | None = None
    said = []
    for line in lines:
        named = NAMED.match(line)
        if named:
            speaker = speaker or (named["marked"] or named["capitals"] or named["numbered"]).strip()
            line = line[named.end() :]
        said.append(OPENING.sub("", line))
    text = " ".join(" ".join(said).split())
    if end_s <= start_s or not any(letter.isalnum() for letter in text):
        return None
    return Cue(start_s=start_s, end_s=end_s, text=text, speaker=speaker)
