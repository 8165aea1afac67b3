"""The truth of a test talk: what is said, by whom, and what is seen when.

Two notations are read: that of `cutroom.local.sample`, and a shorter one (words {w, start, end}, shots {kind, start, end},
dissolves [first, past], lighting, builds).
"""

import json
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple


class Box(NamedTuple):
    """A face in pixels of the talk's own picture."""

    who: str
    x: float
    y: float
    w: float
    h: float


class Faces(NamedTuple):
    frame: int
    boxes: list[Box]


class Said(NamedTuple):
    """A word, and the number of its sentence; or a sentence, and who speaks it."""

    text: str
    start_s: float
    end_s: float
    by: str = ""
    sentence: int = -1


class Frames(NamedTuple):
    """Frames `first:past`; `kind` of a shot: who is seen (A, B), two, slide."""

    first: int
    past: int
    kind: str = ""


class Truth(NamedTuple):
    """`cuts`: first frames of new shots after hard cuts; `lights`: changes of light that are no cuts; `builds`: first
    frames with one more line on a slide.
    """

    fps: float
    width: int
    height: int
    words: list[Said]
    sentences: list[Said]
    shots: list[Frames]
    cuts: list[int]
    dissolves: list[Frames]
    lights: list[Frames]
    builds: list[int]
    faces: list[Faces]

    def speaker_at(self, t_s: float) -> str:
        """Who speaks then; empty in a silence."""
        index = bisect_right([said.start_s for said in self.sentences], t_s) - 1
        return self.sentences[index].by if index >= 0 and t_s < self.sentences[index].end_s else ""


def read_truth(path: Path) -> Truth:
    """Raises KeyError where the file is in neither notation."""
    given = json.loads(path.read_text())
    return Truth(
        fps=float(given["fps"]),
        width=given["width"],
        height=given["height"],
        words=[_said(word) for word in given["words"]],
        sentences=[_said(sentence) for sentence in given["sentences"]],
        shots=[_frames(shot) for shot in given["shots"]],
        cuts=list(given["cuts"]),
        dissolves=[_frames(span) for span in given["dissolves"]],
        lights=[_frames(span) for span in given.get("lights", given.get("lighting", []))],
        builds=list(given.get("builds", [])),
        faces=[
            Faces(seen["frame"], [Box(b["who"], b["x"], b["y"], b["w"], b["h"]) for b in seen["boxes"]]) for seen in given["faces"]
        ],
    )


def _said(given: dict[str, object]) -> Said:
    text, start, end = (
        given.get(long, given.get(short)) for long, short in (("text", "w"), ("start_s", "start"), ("end_s", "end"))
    )
    return Said(str(text), float(str(start)), float(str(end)), str(given.get("speaker") or ""), int(str(given.get("sentence", -1))))


def _frames(given: dict[str, object] | list[int]) -> Frames:
    if isinstance(given, list):
        return Frames(given[0], given[1])
    first, past = given.get("start_frame", given.get("start")), given.get("end_frame", given.get("end"))
    return Frames(int(str(first)), int(str(past)), str(given.get("kind") or ""))
