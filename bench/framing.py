"""Where the picture looks, on the truth of a talk: the plan that a campaign makes, beside two that look less closely.

    python -m bench.framing [TALK_DIR] [--clip-s 30] [--aspect 9:16] [--json]

TALK_DIR holds talk.mp4 and truth.json; without it a sample talk is made. The talk is prepared as in a campaign and framed in
clips of `--clip-s` from its beginning to its end; cuts and sentences are the true ones, without the names of those who speak,
as captions are. The others: a crop that stands in the centre, and one on whichever face is largest, look by look.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.cpu import cpu_s
from bench.report import Figure, Part, at_least, at_most, show
from bench.shown import ROUNDING_S, Boxes, holds, shown_at
from bench.truth import Box, Frames, Truth, read_truth
from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing, Sentence, ShotEvent, Shots
from cutroom.contracts.media import Aspect, MediaFacts, Span
from cutroom.local.sample import make_sample
from cutroom.media import ffmpeg
from cutroom.media.camera import Rail, crop_size
from cutroom.media.framing import plan_framing
from cutroom.media.prepare import PROXY_FPS, plan_prepare
from cutroom.media.probe import Policy, probe
from cutroom.media.proxy import watch
from cutroom.settings import get_settings
from cutroom.speech.sound import loudness_of, read_samples
from cutroom.vision.faces import engine_name, load_detector
from cutroom.vision.looks import Look
from cutroom.vision.speaking import Voice

MOST_FIT, GOAL = 0.05, 0.99
SAMPLE_S = 120
NEAR_S = 1.0  # a crop cut this near to a turn is that turn's
CONFIRMED_S = 2.6  # a turn this long must be cut to


class Clip(NamedTuple):
    span: Span
    framing: Framing
    looks: list[Look]


class Run(NamedTuple):
    """`cpu_s`: of looking and planning, without preparing."""

    media: MediaFacts
    clips: list[Clip]
    cpu_s: float


@dataclass
class Count:
    """Truth samples in which who speaks is visible: those of no fit layout, those there wholly inside, those of a wrong person."""

    samples: int = 0
    cropped: int = 0
    inside: int = 0
    wrong: int = 0


def measure(talk: Path, clip_s: float, aspect: Aspect) -> Part:
    """Raises KeyError where the truth is in no known notation."""
    truth = read_truth(talk / "truth.json")
    run = asyncio.run(_frame(talk / "talk.mp4", truth, clip_s, aspect))
    rail = Rail((run.media.width, run.media.height), crop_size(run.media.width, run.media.height, aspect))
    ours = _count(run, truth, lambda clip, t_s: shown_at(clip.framing, t_s))
    centre = _count(run, truth, lambda clip, t_s: ("crop", [rail.box(t_s, rail.room / 2)]))
    largest = _count(run, truth, lambda clip, t_s: ("crop", [_on_largest(clip.looks, t_s, rail)]))
    peers = {"centre": centre, "largest face": largest}
    cuts, turns = _cuts_and_turns(run, truth)
    right = sum(any(abs(cut - turn) <= NEAR_S for turn, _ in turns) for cut in cuts)
    due = [turn for turn, lasts_s in turns if lasts_s >= CONFIRMED_S]
    caught = sum(any(abs(cut - turn) <= NEAR_S for cut in cuts) for turn in due)
    visible, fitted = _fit(run, truth)
    seconds = sum(clip.span.end_s - clip.span.start_s for clip in run.clips)
    looked = sum(len(clip.looks) for clip in run.clips)
    figures = [
        at_least(
            "who speaks wholly inside the crop",
            _share(ours.inside, ours.cropped),
            GOAL,
            peers={name: _share(count.inside, count.cropped) for name, count in peers.items()},
        ),
        at_most("fit, of frames with a face", _share(fitted, visible, 0.0), MOST_FIT),
        Figure(
            "on the wrong person",
            ours.wrong / PROXY_FPS,
            f"s of {ours.samples / PROXY_FPS:.0f} s",
            peers={name: count.wrong / PROXY_FPS for name, count in peers.items()},
        ),
        Figure("crop cuts at a true turn", right / len(cuts) if cuts else None, f"of {len(cuts)}"),
        Figure(f"turns over {CONFIRMED_S:g} s cut to", caught / len(due) if due else None, f"of {len(due)} within shots"),
        Figure("largest jerk", max((_jerk(shot) for clip in run.clips for shot in clip.framing.shots), default=0.0), "widths/s³"),
        Figure("CPU of looking and planning", run.cpu_s / seconds * 30, "s a 30 s clip"),
        Figure("  the same, a picture", 1000 * run.cpu_s / looked, "ms"),
    ]
    layouts: dict[str, float] = {}
    for clip in run.clips:
        for shot in clip.framing.shots:
            layouts[shot.layout] = layouts.get(shot.layout, 0.0) + (shot.end_s - shot.start_s) / seconds
    note = "Layouts by time: " + ", ".join(f"{name} {100 * share:.0f}%" for name, share in sorted(layouts.items())) + "."
    told = (
        "Planned from the true cuts and the true starts of sentences: what a campaign finds of them itself is measured elsewhere."
    )
    return Part("framing", [f"{talk.name}, {len(run.clips)} clips, {aspect}"], figures, [note, told])


async def _frame(video: Path, truth: Truth, clip_s: float, aspect: Aspect) -> Run:
    media = await probe(video, "mp4", Policy(source_s=36_000, side_px=8192, fps=240, streams=16))
    settings = get_settings()
    detector = load_detector(engine_name(settings), settings)
    shots = _shots(truth)
    said = [Sentence(text=s.text, start_s=s.start_s, end_s=s.end_s, first_word=0, last_word=0) for s in truth.sentences]
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as place:
        frames, proxy, sound = (Path(place) / name for name in ("frames.mkv", "proxy.mp4", "sound.flac"))
        await ffmpeg.run(plan_prepare(video, media, frames=frames, proxy=proxy, sound=sound if media.has_audio else None))
        began_s, clips = cpu_s(), []
        for start_s in np.arange(0, max(media.duration_s - 1, 1), clip_s):
            span = Span(start_s=float(start_s), end_s=min(float(start_s) + clip_s, media.duration_s))
            looks = await watch(proxy, PROXY_FPS, media, shots, span, detector)
            voice = Voice.of(loudness_of(read_samples(sound, span.start_s, span.end_s)), span.start_s) if media.has_audio else None
            clips.append(Clip(span, plan_framing(media, shots, span, looks, aspect, voice, said), looks))
        return Run(media, clips, cpu_s() - began_s)


def _shots(truth: Truth) -> Shots:
    """The true cuts and dissolves as the detector would tell them."""
    events = [ShotEvent(kind="cut", start_frame=cut, end_frame=cut) for cut in truth.cuts]
    events += [ShotEvent(kind="dissolve", start_frame=mixed.first, end_frame=mixed.past) for mixed in truth.dissolves]
    cuts = sorted({*truth.cuts, *((mixed.first + mixed.past) // 2 for mixed in truth.dissolves)})
    return Shots(fps=truth.fps, frame_count=truth.shots[-1].past, cuts=cuts, events=events)


def _count(run: Run, truth: Truth, show_at: Callable[[Clip, float], tuple[str, Boxes]]) -> Count:
    """Over all true samples in which who speaks is visible."""
    count = Count()
    across, down = run.media.width / truth.width, run.media.height / truth.height
    for clip in run.clips:
        for seen in truth.faces:
            t_s = seen.frame / truth.fps
            if not clip.span.start_s <= t_s < clip.span.end_s:
                continue
            boxes = {box.who: Box(box.who, box.x * across, box.y * down, box.w * across, box.h * down) for box in seen.boxes}
            who = truth.speaker_at(t_s)
            if who not in boxes:
                continue
            layout, shown = show_at(clip, t_s)
            count.samples += 1
            if layout == "fit":
                continue
            count.cropped += 1
            if any(holds(box, boxes[who]) for box in shown):
                count.inside += 1
            elif any(holds(box, other) for box in shown for other in boxes.values()):
                count.wrong += 1
    return count


def _on_largest(looks: Sequence[Look], t_s: float, rail: Rail) -> CropKeyframe:
    """A crop on the largest face of the last look, as simple tools stand it; in the centre where there is none."""
    look = [look for look in looks if look.t_s <= t_s + ROUNDING_S][-1:] or looks[:1]
    faces = [seen.face for seen in look[0].faces]
    return rail.box(t_s, rail.ideal(max(faces, key=lambda face: face.w * face.h)) if faces else rail.room / 2)


def _cuts_and_turns(run: Run, truth: Truth) -> tuple[list[float], list[tuple[float, float]]]:
    """Crop cuts inside shots; and true turns there, with how long each lasts in its shot, where both people are visible."""
    edges = {round(cut / truth.fps, 3) for cut in _shots(truth).cuts}
    cuts = [shot.start_s for clip in run.clips for shot in clip.framing.shots[1:] if round(shot.start_s, 3) not in edges]
    turns = []
    for shot in truth.shots:
        if _people(shot, truth) < 2:
            continue
        first_s, past_s = shot.first / truth.fps, shot.past / truth.fps
        inside = [said for said in truth.sentences if said.end_s > first_s and said.start_s < past_s]
        changes = [said.start_s for before, said in pairwise(inside) if before.by != said.by]
        ends = [*changes[1:], past_s]
        turns += [(start_s, end_s - start_s) for start_s, end_s in zip(changes, ends, strict=False)]
    return cuts, turns


def _people(shot: Frames, truth: Truth) -> int:
    return max((len(seen.boxes) for seen in truth.faces if shot.first <= seen.frame < shot.past), default=0)


def _fit(run: Run, truth: Truth) -> tuple[int, int]:
    """True samples with a face, and those of them that a fit layout shows."""
    visible = fitted = 0
    for clip in run.clips:
        for seen in truth.faces:
            t_s = seen.frame / truth.fps
            if seen.boxes and clip.span.start_s <= t_s < clip.span.end_s:
                visible += 1
                fitted += shown_at(clip.framing, t_s)[0] == "fit"
    return visible, fitted


def _jerk(shot: FramedShot) -> float:
    """The largest third difference of a path over time, in widths of its crop a second cubed."""
    if not shot.moving or len(shot.keyframes) < 4:
        return 0.0
    step_s = shot.keyframes[1].t_s - shot.keyframes[0].t_s
    places = np.array([(key.x, key.y) for key in shot.keyframes], float)
    return float(np.abs(np.diff(places, 3, axis=0)).max() / step_s**3 / shot.keyframes[0].w)


def _share(part: int, whole: int, otherwise: float = 1.0) -> float:
    return part / whole if whole else otherwise


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.framing", description="Where the picture looks, on the truth of a talk.")
    parser.add_argument("talk", type=Path, nargs="?", help="a folder with talk.mp4 and truth.json")
    parser.add_argument("--clip-s", type=float, default=30.0)
    parser.add_argument("--aspect", choices=["9:16", "4:5", "1:1", "16:9"], default="9:16")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as place:
        talk = given.talk or make_sample(Path(place) / "sample", SAMPLE_S).video.parent
        return show(measure(talk, given.clip_s, given.aspect), given.json)


if __name__ == "__main__":
    sys.exit(main())
