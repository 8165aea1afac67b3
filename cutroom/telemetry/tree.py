"""A trace as people read it: which step waited how long, took how long, and what it did meanwhile.

Temporal's interceptor writes two spans for a step, one where the workflow asks for it and one for each attempt of a worker,
and spans without duration where a workflow begins and ends. Here an attempt is one line that knows how long it waited.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

FOLDED_FROM = 3
_MARKS = ("RunWorkflow", "CompleteWorkflow")


@dataclass(frozen=True)
class Span:
    """Times in seconds since the epoch. `failed`: it ended with an error."""

    id: str
    parent: str
    name: str
    process: str
    start: float
    end: float
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Node:
    """One line. `start_s` counts from the trace's first span; `count` lines of the same name are folded into one."""

    name: str
    process: str
    start_s: float
    took_s: float
    waited_s: float = 0.0
    failed: bool = False
    count: int = 1
    children: list["Node"] = field(default_factory=list)


def read(folder: Path, trace_id: str) -> list[Span]:
    """The spans of a trace that processes left in `folder`, set-aside files included."""
    found = []
    for file in sorted(folder.glob("*.jsonl*")):
        with file.open() as lines:
            found += [_span(json.loads(line)) for line in lines if trace_id in line and line.endswith("}\n")]
    return found


def grow(spans: Iterable[Span]) -> list[Node]:
    """The trees of these spans, in the order of time."""
    spans = sorted(spans, key=lambda span: span.start)
    known = {span.id for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        children[span.parent if span.parent in known else ""].append(span)
    return list(_nodes("", children, spans[0].start)) if spans else []


def fold(nodes: list[Node]) -> list[Node]:
    """Lines of one name that have nothing below them become one, where there are three and more."""
    leaves = sorted((node for node in nodes if not node.children), key=lambda node: node.name)
    folded = {}
    for name, group in groupby(leaves, key=lambda node: node.name):
        same = list(group)
        if len(same) >= FOLDED_FROM:
            took, waited = sum(node.took_s for node in same), sum(node.waited_s for node in same)
            first = min(node.start_s for node in same)
            failed = any(node.failed for node in same)
            folded[name] = Node(name, same[0].process, first, took, waited, failed, len(same))
    kept = [node for node in nodes if node.children or node.name not in folded]
    for node in kept:
        node.children = fold(node.children)
    return sorted([*kept, *folded.values()], key=lambda node: node.start_s)


def _nodes(parent: str, children: dict[str, list[Span]], began: float) -> Iterator[Node]:
    for span in children[parent]:
        kind, _, what = span.name.partition(":")
        below = list(_nodes(span.id, children, began))
        node = Node(span.name, span.process, span.start - began, span.end - span.start, failed=span.failed, children=below)
        if kind == "StartActivity":
            yield from below or [replace(node, name=f"{what}: not begun", took_s=0.0)]
        elif kind == "RunActivity":
            yield replace(node, name=_step(what, span.attributes), waited_s=span.attributes.get("waited_s", 0.0))
        elif kind in ("StartWorkflow", "StartChildWorkflow"):
            ended = max((each.start_s + each.took_s for each in below), default=node.start_s + node.took_s)
            yield replace(node, name=f"workflow {what}", took_s=ended - node.start_s)
        elif kind not in _MARKS:
            yield node


def _step(name: str, attributes: dict[str, Any]) -> str:
    part = f" {attributes['part']}" if attributes.get("part") else ""
    attempt = f", attempt {attributes['attempt']}" if attributes.get("attempt", 1) > 1 else ""
    return f"{name}{part}{attempt}"


def _span(line: dict[str, Any]) -> Span:
    return Span(
        id=line["context"]["span_id"],
        parent=line["parent_id"] or "",
        name=line["name"],
        process=line["resource"]["attributes"]["service.name"].removeprefix("cutroom-"),
        start=datetime.fromisoformat(line["start_time"]).timestamp(),
        end=datetime.fromisoformat(line["end_time"]).timestamp(),
        failed=line["status"]["status_code"] == "ERROR",
        attributes=line["attributes"],
    )
