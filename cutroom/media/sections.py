"""A framing as sections: stretches of output frames, each laid out in one way, with the way its boxes go. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing, Layout
from cutroom.media.timeline import FrameSpan, exact, frame_at


@dataclass(frozen=True)
class Path:
    """A box of one size; `keys`: output frame (a fraction where it glides), x, y; in order."""

    w: int
    h: int
    keys: tuple[tuple[float, int, int], ...]


@dataclass(frozen=True)
class Section:
    """Output frames `first:last` (past the end). `paths`: one for each panel, none where the whole picture is shown."""

    first: int
    last: int
    layout: Layout
    moving: bool
    paths: tuple[Path, ...]

    def continues(self, other: "Section") -> bool:
        """Whether one chain of filters can draw both: standing boxes of the same sizes."""
        mine, theirs = ([(path.w, path.h) for path in section.paths] for section in (self, other))
        return self.layout == other.layout and mine == theirs and not (self.moving or other.moving)


def sections(framing: Framing, span: FrameSpan) -> list[Section]:
    """Sections that cover the clip's frames exactly, in order."""
    firsts = [0, *(frame_at(shot.start_s, span.fps) - span.first for shot in framing.shots[1:]), span.count]
    found: list[Section] = []
    for shot, (first, last) in zip(framing.shots, pairwise(firsts), strict=True):
        section = _section(shot, max(0, first), min(span.count, last), span)
        if section.first >= section.last:
            continue
        if found and section.continues(found[-1]):
            before = found.pop()
            paths = (Path(old.w, old.h, old.keys + new.keys) for old, new in zip(before.paths, section.paths, strict=True))
            section = Section(before.first, section.last, section.layout, moving=False, paths=tuple(paths))
        found.append(section)
    return found


def _section(shot: FramedShot, first: int, last: int, span: FrameSpan) -> Section:
    panels = [] if shot.layout == "fit" else [boxes for boxes in (shot.keyframes, shot.second) if boxes]
    paths = tuple(_gliding(boxes, span) if shot.moving else _standing(boxes, first, span) for boxes in panels)
    return Section(first, last, shot.layout, shot.moving, paths)


def _standing(boxes: Sequence[CropKeyframe], first: int, span: FrameSpan) -> Path:
    """Each box is there from a frame on, the first one from the beginning of its section."""
    frames = [first, *(max(first, frame_at(box.t_s, span.fps) - span.first) for box in boxes[1:])]
    keys = tuple((float(frame), box.x, box.y) for frame, box in zip(frames, boxes, strict=True))
    return Path(boxes[0].w, boxes[0].h, keys)


def _gliding(boxes: Sequence[CropKeyframe], span: FrameSpan) -> Path:
    keys = tuple((box.t_s * float(exact(span.fps)) - span.first, box.x, box.y) for box in boxes)
    return Path(boxes[0].w, boxes[0].h, keys)
