"""What a part of the bench measured is told alike by table, JSON and document, and a missed target is never hidden."""

from collections.abc import Callable

import pytest

from bench.report import Figure, Part, as_json, as_markdown, as_text, at_least, at_most, from_json

PART = Part(
    "shots",
    ["talk.mp4"],
    [at_most("times decode", 1.21, 1.3, "times", {"PySceneDetect": 1.5}), at_least("F1", 0.91, 0.98), Figure("cuts", "12, 3")],
    ["A note."],
)


def test_a_part_comes_back_from_its_json() -> None:
    (back,) = from_json(as_json([PART]))
    assert as_text(back) == as_text(PART)
    assert back == PART


def test_a_part_is_good_where_every_target_is_met() -> None:
    assert not PART.good
    assert Part("one", [], [at_most("a", 1.3, 1.3), at_least("b", 0.98, 0.98), Figure("c", None)]).good


@pytest.mark.parametrize("tell", [as_text, as_markdown])
def test_each_figure_is_told_with_its_target_its_verdict_and_its_peers(tell: Callable[[Part], str]) -> None:
    told = tell(PART)
    lines = {line.strip("| ").split("  ")[0].split(" |")[0]: line for line in told.splitlines()}
    assert "1.21 times" in lines["times decode"]
    assert "<= 1.3" in lines["times decode"]
    assert "ok" in lines["times decode"]
    assert "PySceneDetect 1.5" in lines["times decode"]
    assert "MISSED" in lines["F1"]
    assert "12, 3" in lines["cuts"]
    assert "A note." in told
