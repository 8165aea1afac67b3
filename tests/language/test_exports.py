"""A summary as files: other programs read them again, and nothing that was said becomes markup."""

import io
import json
import re
from itertools import pairwise

import pysubs2
import pytest
from docx import Document
from markdown_it import MarkdownIt

from cutroom.contracts.documents import Chapter, CitedText, Highlight, KeyPoint, Summary
from cutroom.contracts.summary import SummaryWishes
from cutroom.language.exports import as_chapters, as_docx, as_json, as_markdown, clock
from cutroom.language.summary import summarise
from tests.language.told import CLOCK

SUMMARY = summarise(CLOCK, SummaryWishes())
NASTY = (
    "=cmd|' /C calc'!A0 [x](http://evil.com) <script>alert(1)</script>\x00\x1b[31m\n# Head\u202e --> &amp; \ud83d **b** `c` ![i](j)"
)


def _all_of(text: str) -> Summary:
    return Summary(
        summary=[CitedText(text=text, sentences=[0])],
        key_points=[KeyPoint(text=text, sentences=[0], start_s=1, end_s=2)],
        chapters=[Chapter(title=text, start_s=1, end_s=2, sentences=[0])],
        highlights=[Highlight(quote=text, sentences=[0], start_s=1, end_s=2, why=text)],
        language="en",
        engine="extractive",
        warnings=[text],
    )


def test_json_is_the_document() -> None:
    assert Summary.model_validate_json(as_json(SUMMARY)) == SUMMARY
    assert json.loads(as_json(SUMMARY))["chapters"][0]["start_s"] == 0.6


def test_a_word_processor_reads_what_was_told() -> None:
    text = [paragraph.text for paragraph in Document(io.BytesIO(as_docx(SUMMARY))).paragraphs]
    assert f"{SUMMARY.key_points[0].text} ({clock(SUMMARY.key_points[0].start_s)})" in text
    assert all(highlight.quote in text for highlight in SUMMARY.highlights)
    assert all(f"{clock(chapter.start_s)} {chapter.title}" in text for chapter in SUMMARY.chapters)


def test_a_player_reads_the_chapters_without_gap_or_overlap() -> None:
    read = pysubs2.SSAFile.from_string(as_chapters(SUMMARY), format_="vtt")
    assert [cue.plaintext for cue in read] == [chapter.title for chapter in SUMMARY.chapters]
    assert [cue.start for cue in read] == [round(1000 * chapter.start_s) for chapter in SUMMARY.chapters]
    assert [cue.end for cue in read][:-1] == [cue.start for cue in read][1:]


def test_chapters_whose_times_are_amiss_still_follow_each_other() -> None:
    ends = [(5.0, 5.0), (5.0, 4.0), (3.0, 9000.5)]
    chapters = [Chapter(title=f"Part {n}", start_s=a, end_s=b, sentences=[n]) for n, (a, b) in enumerate(ends)]
    read = pysubs2.SSAFile.from_string(as_chapters(SUMMARY.model_copy(update={"chapters": chapters})), format_="vtt")
    assert [cue.text for cue in read] == ["Part 0", "Part 1", "Part 2"]
    assert all(cue.start < cue.end for cue in read)
    assert all(one.end <= other.start for one, other in pairwise(read))


LINES = [
    "- x",
    "+ x",
    "# x",
    "1. x",
    "12) x",
    "2019. x",
    "> x",
    "=====",
    "---",
    "~~~",
    "```",
    "| a | b |",
    "&lt; &copy; &#65;",
    "* x",
    "_x_",
]


@pytest.mark.parametrize("text", [NASTY, *LINES, "see www.evil.com or http://evil.com", "[x]: http://evil.com", "a\\", "!", "=1+1"])
def test_what_was_said_is_text_in_markdown(text: str) -> None:
    """Read by another program: our own headings and lists, and in them the words as they were said."""
    read = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(as_markdown(_all_of(text)))
    inline = [token for token in read if token.type == "inline"]
    kinds = {child.type for token in inline for child in token.children or []}
    said = " ".join("".join(" " if c in "\x00\x1b\ud83d" else c for c in text if c != "\u202e").split())
    assert kinds <= {"text", "text_special", "softbreak", "em_open", "em_close"}
    assert [token.tag for token in read if token.type == "heading_open"] == ["h1", "h2", "h2", "h2"]
    assert sum(token.type == "list_item_open" for token in read) == 2
    assert not {token.type for token in read} & {"code_block", "fence", "html_block", "hr", "table_open", "ordered_list_open"}
    shown = ["".join(child.content for child in token.children or []) for token in inline]
    assert sum(said in "".join(one.split("\n")) for one in shown) >= 5
    assert not re.search(r"www\.|[a-z]://", as_markdown(_all_of(text)))


def test_plain_words_are_not_escaped() -> None:
    plain = "Mr. Pike counted thirty-eight riders (at 7:25), or 1.5% - more than that! It's £40; really?"
    assert f"> {plain}" in as_markdown(_all_of(plain))


def test_what_was_said_is_text_in_a_word_processor() -> None:
    document = Document(io.BytesIO(as_docx(_all_of(NASTY))))
    assert any("=cmd" in paragraph.text for paragraph in document.paragraphs)
    assert not document.element.xpath("//w:hyperlink | //w:fldSimple | //w:instrText")


def test_what_was_said_is_one_cue_in_webvtt() -> None:
    text = as_chapters(_all_of(NASTY))
    assert text.count("-->") == 1
    assert "<script" not in text


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, "0:00:00"), (59.99, "0:00:59"), (3661.0, "1:01:01"), (36000.0, "10:00:00")])
def test_times_are_hours_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
