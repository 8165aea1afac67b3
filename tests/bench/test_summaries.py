"""The measures of summaries count what the literature counts, and the part of the bench measures any labelled file."""

from pathlib import Path

import pytest

from bench import summaries
from bench.agreement import rouge_l, window_diff
from bench.held_out import OWN


@pytest.fixture(autouse=True)
def in_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "LONG_WORDS", 1000)
    monkeypatch.setattr(summaries, "DRAWS", 5)


@pytest.mark.parametrize(
    ("summary", "reference", "f1"),
    [
        ("the cat sat on the mat", "the cat lay on a mat", 4 * 2 / 12),
        ("police killed the gunman", "Police kill the gunman!", 3 * 2 / 8),
        ("nothing shared", "at all", 0.0),
        ("", "at all", 0.0),
    ],
)
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(summary: str, reference: str, f1: float) -> None:
    assert rouge_l(summary, reference) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("ours", "theirs", "count", "value"),
    [([5], [5], 10, 0.0), ([], [5], 10, 2 / 8), ([4], [5], 10, 2 / 8), ([2], [7], 10, 4 / 8), ([], [], 1, 0.0)],
)
def test_window_diff_is_the_share_of_windows_with_another_number_of_borders(
    ours: list[int], theirs: list[int], count: int, value: float
) -> None:
    assert window_diff(ours, theirs, count) == pytest.approx(value)


def test_our_own_talk_is_measured_beside_lead_textrank_and_chance() -> None:
    part = summaries.measure([OWN / "clock.json"])
    figures = {figure.name: figure for figure in part.figures}
    assert {*figures["marked key sentences cited"].peers} == {"lead", "textrank", "random"}
    assert figures["key points told in words of their sentences"].value == 100
    assert {"ROUGE-L of the summary", "WindowDiff of the chapters", "marked key points supported"} <= {*figures}


def test_what_a_file_has_no_labels_for_is_left_out_and_said(tmp_path: Path) -> None:
    text = (OWN / "clock.json").read_text(encoding="utf-8")
    bare = tmp_path / "bare.json"
    bare.write_text(text.replace('"key_sentences"', '"unknown"').replace('"reference_summary"', '"other"'), encoding="utf-8")
    part = summaries.measure([bare])
    assert not any("marked key sentences" in figure.name or "ROUGE" in figure.name for figure in part.figures)
    assert any("bare.json (key_sentences, reference)" in note for note in part.notes)
