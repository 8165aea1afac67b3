"""How good the clips of a demo are, against the truth of its talk.

    python -m bench.quality --out DEMO_OUT --truth DEMO_OUT/sample/truth.json

Reads what `make demo` wrote (campaign.json, transcript.json, shots.json, and the frame file and captions of each clip),
prints what was measured beside its target, and exits with 1 where one target is missed.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.cuts import compared
from bench.report import Figure, Part, show
from bench.shown import ROUNDING_S, holds, shown_at
from bench.truth import Box, Said, Truth, read_truth
from cutroom.contracts.documents import Framing

CLEAR_S = 0.08

Document = dict[str, Any]


class Clip(NamedTuple):
    """A finished clip in seconds of the source; `end_s` as it was rendered. `subtitles` is SRT."""

    start_s: float
    end_s: float
    framing: Framing
    subtitles: str


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the clips of a demo against the truth of its sample talk.")
    parser.add_argument("--out", type=Path, required=True, help="the folder that make demo wrote")
    parser.add_argument("--truth", type=Path, required=True, help="truth.json of the sample")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    truth = read_truth(arguments.truth)
    return show(Part("quality", [str(arguments.out)], measure(arguments.out, truth)), arguments.json)


def measure(out: Path, truth: Truth) -> list[Figure]:
    """The figures of the folder `out`, as `make demo` writes it."""
    campaign = json.loads((out / "campaign.json").read_text())
    transcript = json.loads((out / "transcript.json").read_text())
    shots = json.loads((out / "shots.json").read_text())
    clips = [_clip(out, entry) for entry in campaign["clips"] if entry["status"] == "ready"]
    return [
        _row("clips", str(len(clips)), ">= 1", bool(clips)),
        *_cut_rows(shots, truth),
        *_picture_rows(clips, truth),
        *_word_rows(transcript, truth),
        *_subtitle_rows(clips, truth),
        *_boundary_rows(clips, truth),
    ]


def _row(name: str, value: str, target: str = "", good: bool | None = None) -> Figure:
    return Figure(name, value, "", target, good)


def _clip(out: Path, entry: Document) -> Clip:
    end_s = max(entry["end_s"], entry["start_s"] + (entry["duration_s"] or 0.0))
    subtitles = (out / entry["captions"]).read_text() if entry["captions"] else ""
    return Clip(entry["start_s"], end_s, Framing.model_validate_json((out / entry["frame"]).read_text()), subtitles)


def _cut_rows(shots: Document, truth: Truth) -> list[Figure]:
    found = sorted(round(frame * truth.fps / shots["fps"]) for frame in shots["cuts"])
    told = compared(found, truth.cuts, truth.dissolves)
    return [
        _row("cuts, F1 within 2 frames", f"{told.f1:.3f}", ">= 0.98", told.f1 >= 0.98),
        _row("  missed, wrong", f"{told.missed}, {told.wrong}"),
    ]


def _picture_rows(clips: list[Clip], truth: Truth) -> list[Figure]:
    """A sample is good where one face is wholly inside what the clip shows then."""
    held = [
        any(_inside(box, clip.framing, seen.frame / truth.fps, truth) for box in seen.boxes)
        for clip in clips
        for seen in truth.faces
        if seen.boxes and clip.start_s <= seen.frame / truth.fps < clip.end_s
    ]
    share = 100 * float(np.mean(held)) if held else 0.0
    lengths = [(shot.end_s - shot.start_s, shot.layout) for clip in clips for shot in clip.framing.shots]
    fit = 100 * sum(s for s, layout in lengths if layout == "fit") / max(sum(s for s, _ in lengths), 1e-9)
    return [
        _row("a face inside the crop, % of samples", f"{share:.1f}", ">= 95", share >= 95),
        _row("frames in a fit layout, %", f"{fit:.1f}", "<= 5", fit <= 5),
    ]


def _inside(box: Box, framing: Framing, at_s: float, truth: Truth) -> bool:
    """Whether a panel of the clip shows the whole face then."""
    layout, shown = shown_at(framing, at_s)
    across, down = framing.source_width / truth.width, framing.source_height / truth.height
    face = Box(box.who, box.x * across, box.y * down, box.w * across, box.h * down)
    return layout == "fit" or any(holds(panel, face) for panel in shown)


def _word_rows(transcript: Document, truth: Truth) -> list[Figure]:
    told = [Said(word["text"], word["start_s"], word["end_s"]) for word in transcript["words"]]
    matched = _matched([word.text for word in told], [word.text for word in truth.words])
    pairs = [(told[i], truth.words[j]) for i, j in matched]
    share = 100 * len(pairs) / max(len(truth.words), 1)
    rows = [_row("caption words found, %", f"{share:.1f}", ">= 99", share >= 99)]
    for edge, counts in (("start_s", True), ("end_s", False)):
        errors = [1000 * abs(getattr(told, edge) - getattr(said, edge)) for told, said in pairs] or [float("inf")]
        p50, p95, worst = np.percentile(errors, 50), np.percentile(errors, 95), max(errors)
        name = f"caption word {edge[:-2]}, error in ms"
        rows += [
            _row(f"{name}, p50", f"{p50:.0f}"),
            _row(f"{name}, p95", f"{p95:.0f}", *(("<= 100", bool(p95 <= 100)) if counts else ())),
            _row(f"{name}, max", f"{worst:.0f}", *(("<= 300", bool(worst <= 300)) if counts else ())),
        ]
    return rows


def _subtitle_rows(clips: list[Clip], truth: Truth) -> list[Figure]:
    """Each cue of a clip's SRT against the true start of its first word, on the clip's own clock."""
    errors = []
    for clip in clips:
        said = [word for word in truth.words if clip.start_s <= word.start_s < clip.end_s]
        told = list(_cue_words(clip.subtitles))
        for i, j in _matched([text for text, _ in told], [word.text for word in said]):
            opens_s = told[i][1]
            errors += [] if opens_s is None else [1000 * abs(clip.start_s + opens_s - said[j].start_s)]
    worst = max(errors, default=float("inf"))
    return [_row("subtitle cues, worst start in ms", f"{worst:.0f}", "<= 300", worst <= 300)]


def _cue_words(subtitles: str) -> Iterator[tuple[str, float | None]]:
    """Words of an SRT; the first of each cue with the moment when it opens."""
    for block in re.split(r"\n\s*\n", subtitles.strip()):
        stamp = re.search(r"(\d+):(\d+):(\d+),(\d+) -->.*\n((?:.*\n?)*)", block)
        if stamp:
            hours, minutes, seconds, ms = map(int, stamp.groups()[:4])
            for number, word in enumerate(stamp.group(5).split()):
                yield word, None if number else 3600 * hours + 60 * minutes + seconds + ms / 1000


def _matched(told: list[str], said: list[str]) -> Iterator[tuple[int, int]]:
    """Places of words that agree, in order, whatever their case and punctuation."""
    mine, theirs = ([re.sub(r"\W", "", word).lower() for word in words] for words in (told, said))
    for block in SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
        yield from zip(range(block.a, block.a + block.size), range(block.b, block.b + block.size), strict=True)


def _boundary_rows(clips: list[Clip], truth: Truth) -> list[Figure]:
    words = truth.words
    whole, clearances = 0, [float("inf")]
    for clip in clips:
        inside = [word for word in words if word.end_s > clip.start_s and word.start_s < clip.end_s]
        before = [word for word in words if word.end_s <= clip.start_s]
        after = [word for word in words if word.start_s >= clip.end_s]
        whole += bool(inside) and all(
            [
                inside[0].start_s >= clip.start_s - ROUNDING_S,
                inside[-1].end_s <= clip.end_s + ROUNDING_S,
                not before or before[-1].sentence != inside[0].sentence,
                not after or after[0].sentence != inside[-1].sentence,
            ]
        )
        clearances += [clip.start_s - before[-1].end_s] if before else []
        clearances += [after[0].start_s - clip.end_s] if after else []
    nearest = min(clearances)
    return [
        _row("clips of whole sentences", f"{whole} of {len(clips)}", "all", whole == len(clips)),
        _row("nearest word outside a clip, ms", f"{1000 * nearest:.0f}", ">= 80", nearest >= CLEAR_S - ROUNDING_S),
    ]


if __name__ == "__main__":
    sys.exit(main())
