"""A summary as files: Markdown, DOCX, WebVTT chapters, JSON. What was said is text in each of them, never markup or a command.

The language of headings is English; times are h:mm:ss.
"""

import io
import re
import unicodedata

from docx import Document

from cutroom.contracts.documents import Summary

# Anywhere; what only opens a line; what makes an address out of words.
_MARKUP = re.compile(r"[\\`*_\[\]<|~&$@]|^[-+#=>:]|(?<=\w)\.(?=[^\W\d])|:(?=//)")
_NUMBERED = re.compile(r"^([0-9]+)([.)])")
_CREATED = "Summary"


def as_json(summary: Summary) -> str:
    return summary.model_dump_json(indent=1) + "\n"


def as_markdown(summary: Summary) -> str:
    """CommonMark, every character escaped that is markup where it stands, so that no link, image or HTML comes out of it."""
    told = " ".join(_escaped(one.text) for one in summary.summary)
    lines = ["# Summary", "", told, "", "## Key points", ""]
    lines += [f"- {_escaped(point.text)} ({clock(point.start_s)})" for point in summary.key_points]
    lines += ["", "## Chapters", ""]
    lines += [f"- {clock(chapter.start_s)} {_escaped(chapter.title)}" for chapter in summary.chapters]
    lines += ["", "## Highlights", ""]
    for highlight in summary.highlights:
        lines += [f"> {_escaped(highlight.quote)}", ">", f"> {clock(highlight.start_s)}", ""]
    lines += [f"*{_escaped(warning)}*\n" for warning in summary.warnings]
    return "\n".join(lines).rstrip() + "\n"


def as_docx(summary: Summary) -> bytes:
    """Headings, paragraphs and lists in Word's own styles; text alone, so that nothing in it is a field or a link."""
    document = Document()
    document.core_properties.title = _CREATED
    document.core_properties.author = ""
    document.add_heading(_CREATED, level=1)
    document.add_paragraph(" ".join(_plain(one.text) for one in summary.summary))
    document.add_heading("Key points", level=2)
    for point in summary.key_points:
        document.add_paragraph(f"{_plain(point.text)} ({clock(point.start_s)})", style="List Bullet")
    document.add_heading("Chapters", level=2)
    for chapter in summary.chapters:
        document.add_paragraph(f"{clock(chapter.start_s)} {_plain(chapter.title)}", style="List Bullet")
    document.add_heading("Highlights", level=2)
    for highlight in summary.highlights:
        document.add_paragraph(_plain(highlight.quote), style="Quote")
        document.add_paragraph(clock(highlight.start_s))
    for warning in summary.warnings:
        document.add_paragraph(_plain(warning))
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def as_chapters(summary: Summary) -> str:
    """WebVTT: one cue a chapter, each until the next one begins; none is empty or runs backwards, whatever the times are."""
    cues, begin = ["WEBVTT", ""], 0
    following = [_milliseconds(chapter.start_s) for chapter in summary.chapters[1:]]
    for chapter, after in zip(summary.chapters, [*following, None], strict=True):
        begin = max(begin, _milliseconds(chapter.start_s))
        end = max(begin + 1, _milliseconds(chapter.end_s) if after is None else after)
        cues += [f"{_stamp(begin)} --> {_stamp(end)}", _cue(chapter.title), ""]
        begin = end
    return "\n".join(cues)


def clock(seconds: float) -> str:
    """h:mm:ss, begun seconds."""
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _plain(text: str) -> str:
    """One line without control characters, and without those that turn the direction of what follows."""
    return " ".join(
        "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text if not _turns(c)).split()
    )


def _turns(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def _escaped(text: str) -> str:
    return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", _plain(text)))


def _cue(text: str) -> str:
    return _plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _stamp(milliseconds: int) -> str:
    return (
        f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"
    )
