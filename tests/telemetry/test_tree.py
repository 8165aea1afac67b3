"""A trace as people read it."""

import json
from pathlib import Path
from typing import Any

from cutroom.telemetry.tree import Node, Span, fold, grow, read


def span(id: str, parent: str, name: str, start: float, end: float, process: str = "control", **more: Any) -> Span:
    return Span(id, parent, name, process, start, end, more.pop("failed", False), more)


TRACE = [
    span("a", "client", "POST /v1/campaigns", 100.0, 100.2, "api"),
    span("b", "a", "StartWorkflow:campaign", 100.1, 100.2, "api"),
    span("c", "b", "RunWorkflow:campaign", 100.3, 100.3),
    span("d", "b", "StartActivity:render_clip", 100.5, 100.5),
    span("e", "d", "RunActivity:render_clip", 102.5, 103.5, "media", part="clp_1", attempt=1, waited_s=2.0, failed=True),
    span("f", "d", "RunActivity:render_clip", 105.0, 109.0, "media", part="clp_1", attempt=2, waited_s=0.1),
    span("g", "f", "ffmpeg", 105.5, 108.0, "media"),
    span("h", "b", "CompleteWorkflow:campaign", 109.0, 109.0),
]


def test_a_step_is_a_line_for_each_attempt_that_knows_how_long_it_waited() -> None:
    (request,) = grow(TRACE)
    (workflow,) = request.children
    first, second = workflow.children
    assert (first.name, first.waited_s, first.took_s, first.failed) == ("render_clip clp_1", 2.0, 1.0, True)
    assert (second.name, second.waited_s, second.took_s) == ("render_clip clp_1, attempt 2", 0.1, 4.0)
    assert [node.name for node in second.children] == ["ffmpeg"]


def test_a_workflow_lasts_until_its_last_step_ends() -> None:
    (request,) = grow(TRACE)
    assert [(node.name, round(node.took_s, 3)) for node in request.children] == [("workflow campaign", 8.9)]


def test_a_step_that_no_worker_has_taken_is_shown_as_such() -> None:
    (request,) = grow(TRACE[:4])
    assert [node.name for node in request.children[0].children] == ["render_clip: not begun"]


def test_spans_whose_parent_is_not_kept_begin_a_tree_of_their_own() -> None:
    assert [node.name for node in grow(TRACE[4:6])] == ["render_clip clp_1", "render_clip clp_1, attempt 2"]


def test_without_spans_there_is_no_tree() -> None:
    assert grow([]) == []


def test_three_lines_of_one_name_are_folded_and_their_times_added() -> None:
    lines = [Node("store head", "media", start, 0.5, waited_s=0.1) for start in (3.0, 1.0, 2.0)]
    (folded,) = fold(lines)
    assert (folded.count, folded.start_s, folded.took_s, round(folded.waited_s, 1)) == (3, 1.0, 1.5, 0.3)


def test_two_lines_and_those_with_something_below_stay_as_they_are() -> None:
    two = [Node("store head", "media", 1.0, 0.5), Node("store head", "media", 2.0, 0.5)]
    assert fold(two) == two
    deep = [Node("step", "media", number, 0.5, children=[Node("ffmpeg", "media", number, 0.1)]) for number in (1.0, 2.0, 3.0)]
    assert len(fold(deep)) == 3


def test_a_line_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    line = json.dumps(
        {
            "name": "ffmpeg",
            "context": {"trace_id": "0xabc", "span_id": "0x1"},
            "parent_id": None,
            "start_time": "2026-01-01T00:00:00Z",
            "end_time": "2026-01-01T00:00:01Z",
            "status": {"status_code": "UNSET"},
            "attributes": {},
            "resource": {"attributes": {"service.name": "cutroom-media"}},
        }
    )
    (tmp_path / "media.jsonl").write_text(f"{line}\n{line.replace('0xabc', '0xdef')}\n{line[:40]}")
    (found,) = read(tmp_path, "abc")
    assert (found.name, found.process, found.end - found.start) == ("ffmpeg", "media", 1.0)
