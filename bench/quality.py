"""How good the clips of a demo are, against the truth of its sample talk. Needs numpy alone.

    python bench/quality.py --out DEMO_OUT --truth DEMO_OUT/sample/truth.json

Reads what `make demo` wrote (campaign.json, transcript.json, shots.json, and the frame file and captions of each clip),
prints what was measured beside its target, and exits with 1 where one target is missed.
"""

import argparse
import json
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CUT_FRAMES = 2
CLEAR_S = 0.08
ROUNDING_S = 0.001

Document = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One measured number, and the target that it meets or misses; `good` is None for what is only shown."""

    name: str
    value: str
    target: str = ""
    good: bool | None = None


class Clip(NamedTuple):
    """A finished clip in seconds of the source; `end_s` as it was rendered. `subtitles` is SRT."""

    start_s: float
    end_s: float
    framing: Document
    subtitles: str


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the clips of a demo against the truth of its sample talk.")
    parser.add_argument("--out", type=Path, required=True, help="the folder that make demo wrote")
    parser.add_argument("--truth", type=Path, required=True, help="truth.json of the sample")
    arguments = parser.parse_args()
    rows = measure(arguments.out, json.loads(arguments.truth.read_text()))
    width = max(len(row.name) for row in rows)
    for row in rows:
        verdict = "" if row.good is None else "ok" if row.good else "MISSED"
        print(f"{row.name:<{width}}  {row.value:>12}  {row.target:<10}  {verdict}".rstrip())
    return 0 if all(row.good is not False for row in rows) else 1


def measure(out: Path, truth: Document) -> list[Row]:
    """Every row of the table, of the folder `out`."""
    campaign = json.loads((out / "campaign.json").read_text())
    transcript = json.loads((out / "transcript.json").read_text())
    shots = json.loads((out / "shots.json").read_text())
    clips = [_clip(out, entry) for entry in campaign["clips"] if entry["status"] == "ready"]
    return [
        Row("clips", str(len(clips)), ">= 1", bool(clips)),
        *_cut_rows(shots, truth),
        *_picture_rows(clips, truth),
        *_word_rows(transcript, truth),
        *_subtitle_rows(clips, truth),
        *_boundary_rows(clips, truth),
    ]


def _clip(out: Path, entry: Document) -> Clip:
    end_s = max(entry["end_s"], entry["start_s"] + (entry["duration_s"] or 0.0))
    subtitles = (out / entry["captions"]).read_text() if entry["captions"] else ""
    return Clip(entry["start_s"], end_s, json.loads((out / entry["frame"]).read_text()), subtitles)


def _cut_rows(shots: Document, truth: Document) -> list[Row]:
    """A found cut and a true one may be a pair within two frames; what is found inside a dissolve is neither right nor wrong."""
    found = sorted(round(frame * truth["fps"] / shots["fps"]) for frame in shots["cuts"])
    pairs, free = 0, list(found)
    for cut in truth["cuts"]:
        near = min(free, key=lambda frame: abs(frame - cut), default=None)
        if near is not None and abs(near - cut) <= CUT_FRAMES:
            free.remove(near)
            pairs += 1
    mixed = [(d["start_frame"] - CUT_FRAMES, d["end_frame"] + CUT_FRAMES) for d in truth["dissolves"]]
    wrong = sum(not any(first <= frame <= last for first, last in mixed) for frame in free)
    total = 2 * pairs + wrong + len(truth["cuts"]) - pairs
    f1 = 2 * pairs / total if total else 1.0
    missed = len(truth["cuts"]) - pairs
    return [Row("cuts, F1 within 2 frames", f"{f1:.3f}", ">= 0.98", f1 >= 0.98), Row("  missed, wrong", f"{missed}, {wrong}")]


def _picture_rows(clips: list[Clip], truth: Document) -> list[Row]:
    """A sample is good where one face is wholly inside what the clip shows then."""
    held = [
        any(_inside(box, clip.framing, sample["frame"] / truth["fps"], truth) for box in sample["boxes"])
        for clip in clips
        for sample in truth["faces"]
        if sample["boxes"] and clip.start_s <= sample["frame"] / truth["fps"] < clip.end_s
    ]
    share = 100 * float(np.mean(held)) if held else 0.0
    lengths = [(shot["end_s"] - shot["start_s"], shot["layout"]) for clip in clips for shot in clip.framing["shots"]]
    fit = 100 * sum(s for s, layout in lengths if layout == "fit") / max(sum(s for s, _ in lengths), 1e-9)
    return [
        Row("a face inside the crop, % of samples", f"{share:.1f}", ">= 95", share >= 95),
        Row("frames in a fit layout, %", f"{fit:.1f}", "<= 5", fit <= 5),
    ]


def _inside(box: Document, framing: Document, at_s: float, truth: Document) -> bool:
    shot = next((s for s in framing["shots"] if s["start_s"] - ROUNDING_S <= at_s < s["end_s"] - ROUNDING_S), framing["shots"][-1])
    if shot["layout"] == "fit":
        return True
    begun = bisect_right([k["t_s"] for k in shot["keyframes"]], at_s + ROUNDING_S)
    crop = shot["keyframes"][max(0, begun - 1)]
    across, down = framing["source_width"] / truth["width"], framing["source_height"] / truth["height"]
    return bool(
        crop["x"] <= box["x"] * across
        and crop["y"] <= box["y"] * down
        and (box["x"] + box["w"]) * across <= crop["x"] + crop["w"]
        and (box["y"] + box["h"]) * down <= crop["y"] + crop["h"]
    )


def _word_rows(transcript: Document, truth: Document) -> list[Row]:
    pairs = list(_matched(transcript["words"], truth["words"]))
    share = 100 * len(pairs) / max(len(truth["words"]), 1)
    rows = [Row("caption words found, %", f"{share:.1f}", ">= 99", share >= 99)]
    for edge, counts in (("start_s", True), ("end_s", False)):
        errors = [1000 * abs(told[edge] - said[edge]) for told, said in pairs] or [float("inf")]
        p50, p95, worst = np.percentile(errors, 50), np.percentile(errors, 95), max(errors)
        name = f"caption word {edge[:-2]}, error in ms"
        rows += [
            Row(f"{name}, p50", f"{p50:.0f}"),
            Row(f"{name}, p95", f"{p95:.0f}", *(("<= 100", bool(p95 <= 100)) if counts else ())),
            Row(f"{name}, max", f"{worst:.0f}", *(("<= 300", bool(worst <= 300)) if counts else ())),
        ]
    return rows


def _subtitle_rows(clips: list[Clip], truth: Document) -> list[Row]:
    """Each cue of a clip's SRT against the true start of its first word, on the clip's own clock."""
    errors = []
    for clip in clips:
        said = [word for word in truth["words"] if clip.start_s <= word["start_s"] < clip.end_s]
        told = list(_cue_words(clip.subtitles))
        errors += [
            1000 * abs(clip.start_s + cue["opens_s"] - word["start_s"])
            for cue, word in _matched(told, said)
            if cue["opens_s"] is not None
        ]
    worst = max(errors, default=float("inf"))
    return [Row("subtitle cues, worst start in ms", f"{worst:.0f}", "<= 300", worst <= 300)]


def _cue_words(subtitles: str) -> Iterator[Document]:
    """Words of an SRT; the first of each cue carries when it opens."""
    for block in re.split(r"\n\s*\n", subtitles.strip()):
        stamp = re.search(r"(\d+):(\d+):(\d+),(\d+) -->.*\n((?:.*\n?)*)", block)
        if stamp:
            hours, minutes, seconds, ms = map(int, stamp.groups()[:4])
            for number, word in enumerate(stamp.group(5).split()):
                yield {"text": word, "opens_s": None if number else 3600 * hours + 60 * minutes + seconds + ms / 1000}


def _matched(told: list[Document], said: list[Document]) -> Iterator[tuple[Document, Document]]:
    """Words that agree, in order, whatever their case and punctuation."""
    mine, theirs = ([re.sub(r"\W", "", word["text"]).lower() for word in words] for words in (told, said))
    for block in SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
        for i in range(block.size):
            yield told[block.a + i], said[block.b + i]


def _boundary_rows(clips: list[Clip], truth: Document) -> list[Row]:
    words = truth["words"]
    whole, clearances = 0, [float("inf")]
    for clip in clips:
        inside = [word for word in words if word["end_s"] > clip.start_s and word["start_s"] < clip.end_s]
        before = [word for word in words if word["end_s"] <= clip.start_s]
        after = [word for word in words if word["start_s"] >= clip.end_s]
        whole += bool(inside) and all(
            [
                inside[0]["start_s"] >= clip.start_s - ROUNDING_S,
                inside[-1]["end_s"] <= clip.end_s + ROUNDING_S,
                not before or before[-1]["sentence"] != inside[0]["sentence"],
                not after or after[0]["sentence"] != inside[-1]["sentence"],
            ]
        )
        clearances += [clip.start_s - before[-1]["end_s"]] if before else []
        clearances += [after[0]["start_s"] - clip.end_s] if after else []
    nearest = min(clearances)
    return [
        Row("clips of whole sentences", f"{whole} of {len(clips)}", "all", whole == len(clips)),
        Row("nearest word outside a clip, ms", f"{1000 * nearest:.0f}", ">= 80", nearest >= CLEAR_S - ROUNDING_S),
    ]


if __name__ == "__main__":
    sys.exit(main())
