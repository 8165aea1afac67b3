"""Shots: what is found and what it costs, beside the network over every frame, PySceneDetect and a plain difference of frames.

    python -m bench.shots VIDEO [--truth TRUTH.json] [--json]

Without a truth, the network over every frame takes its place. A cut that is found and a true one may be a pair within two
frames; what is found inside a dissolve is neither right nor wrong.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.cpu import cpu_s
from bench.cuts import NEAR, compared, within
from bench.floor import decode_only
from bench.peers import PYTHON, missing_peers
from bench.report import Figure, Part, at_least, at_most, show
from bench.truth import Frames, read_truth
from cutroom.contracts.documents import ShotEvent, Shots, ShotScores
from cutroom.contracts.media import MediaFacts
from cutroom.media import ffmpeg
from cutroom.media.prepare import frame_rate, plan_prepare, plan_raw_frames
from cutroom.media.probe import Policy, probe
from cutroom.media.sniff import Container
from cutroom.vision import transnet
from cutroom.vision.network import load_network
from cutroom.vision.shots import find_shots, join_scores

Result = TypeVar("Result")

LOST = 0.005  # of F1, that the gate may cost
MOST_TIME = 1.3
SHORT_S, REPEATS = 2.0, 5  # a decode that takes less is measured so often
PLAIN_STEP = 10.0  # mean grey levels
EVERY = "network over every frame"
PEER = Path(__file__).with_name("peer_shots.py")


class Expected(NamedTuple):
    """Frames of the truth, in small frames."""

    cuts: list[int]
    dissolves: list[Frames]
    lights: list[Frames]
    builds: list[int]


class Spent(NamedTuple):
    """`cpu_s`: of this process and its children."""

    wall_s: float
    cpu_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the finding of shots in a video.")
    parser.add_argument("video", type=Path)
    parser.add_argument("--truth", type=Path, help="truth.json of the video")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return show(measure(arguments.video, arguments.truth), arguments.json)


def measure(video: Path, truth: Path | None) -> Part:
    """Figures of one video. Without `truth`, only cuts are compared."""
    media, frames = asyncio.run(_small_frames(video))
    fps = frame_rate(media)
    decode, _ = _timed(lambda: decode_only(video))
    times = 1 if decode.wall_s > SHORT_S else REPEATS
    decode, _ = _timed(lambda: decode_only(video), times)
    load_network()
    own, found = _timed(lambda: _ours(frames, fps), times)
    full, scores = _timed(lambda: transnet.score_all(frames))
    every = find_shots(ShotScores(first_frame=0, single=scores[:, 0].tolist(), many=scores[:, 1].tolist()), fps)
    others = {EVERY: every.cuts, "plain difference": _plain(frames)}
    spent = {EVERY: decode.wall_s + full.wall_s}
    missing = missing_peers()
    for kind in () if missing else ("adaptive", "content"):
        name = f"PySceneDetect {kind}"
        took, cuts = _timed(partial(_peer, video, kind))
        others[name], spent[name] = [round(cut * fps / media.fps) for cut in cuts], took.wall_s
    expected = _expected(truth, fps) if truth else Expected(every.cuts, [], [], [])
    total = (decode.wall_s + own.wall_s) / decode.wall_s
    ratios = {name: wall_s / decode.wall_s for name, wall_s in spent.items()}
    of_cpu = {EVERY: (decode.cpu_s + full.cpu_s) / decode.cpu_s}
    figures = [
        _cuts_figure(found, others, expected, every.cuts),
        *(_kind_figures(found, others, expected) if truth else []),
        at_most("decode, gate and network, times decode only", total, MOST_TIME, "x", ratios),
        Figure("  the same in CPU", (decode.cpu_s + own.cpu_s) / decode.cpu_s, "x", peers=of_cpu),
        Figure("gate and network, CPU", own.cpu_s, "s", peers={"decode only": decode.cpu_s, EVERY: full.cpu_s}),
        Figure("gate and network, wall", own.wall_s, "s", peers={"decode only": decode.wall_s, EVERY: full.wall_s}),
    ]
    notes = [
        "Gate and network look at frames that the one decode of a campaign leaves behind; scaling them, keeping them without loss"
        " and reading them back is not counted in the times here.",
        *missing,
        f"Decode only, and gate and network: the best of {times} by wall; the others are measured once.",
        *([] if truth else ["No truth was given: the network over every frame is the reference."]),
    ]
    return Part("shots", [video.name], figures, notes)


async def _small_frames(video: Path) -> tuple[MediaFacts, NDArray[np.uint8]]:
    """Small frames as a campaign prepares them, shape (n, 27, 48, 3)."""
    container: Container = "mkv" if video.suffix in (".mkv", ".webm") else "mp4"
    media = await probe(video, container, Policy(source_s=36_000, side_px=8192, fps=240, streams=16))
    with tempfile.TemporaryDirectory() as folder:
        small, proxy = (Path(folder) / name for name in ("frames.mkv", "proxy.mp4"))
        ran = await ffmpeg.run(plan_prepare(video, media, frames=small, proxy=proxy, sound=None))
        size = transnet.FRAME_HEIGHT * transnet.FRAME_WIDTH * 3
        async with aclosing(ffmpeg.pieces(plan_raw_frames(small, frame_rate(media), 0, ran.frames), ran.frames * size)) as pieces:
            pixels = np.frombuffer(b"".join([piece async for piece in pieces]), np.uint8)
    return media, pixels.reshape(-1, transnet.FRAME_HEIGHT, transnet.FRAME_WIDTH, 3)


def _timed(work: Callable[[], Result], times: int = 1) -> tuple[Spent, Result]:
    """What the best of `times` runs costs: of a short one, another process's share decides more than its own work."""
    found: list[Spent] = []
    for _ in range(times):
        began, before = time.monotonic(), cpu_s()
        result = work()
        found.append(Spent(time.monotonic() - began, cpu_s() - before))
    return min(found), result


def _ours(frames: NDArray[np.uint8], fps: float) -> Shots:
    return find_shots(join_scores(list(transnet.score(frames, 0, len(frames), len(frames))), 0, len(frames)), fps)


def _plain(frames: NDArray[np.uint8]) -> list[int]:
    step = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean(axis=(1, 2, 3))
    return [int(place) + 1 for place in np.flatnonzero(step > PLAIN_STEP)]


def _peer(video: Path, kind: str) -> list[int]:
    told = subprocess.run([PYTHON, PEER, video, kind], check=True, capture_output=True, text=True).stdout
    return [int(frame) for frame in json.loads(told)]


def _expected(truth: Path, fps: float) -> Expected:
    told = read_truth(truth)

    def here(frame: int) -> int:
        return round(frame * fps / told.fps)

    def spans(given: Iterable[Frames]) -> list[Frames]:
        return [Frames(here(span.first), here(span.past)) for span in given]

    return Expected([here(cut) for cut in told.cuts], spans(told.dissolves), spans(told.lights), [here(f) for f in told.builds])


def _cuts_figure(found: Shots, others: dict[str, list[int]], expected: Expected, every: list[int]) -> Figure:
    peers = {name: _f1(cuts, expected) for name, cuts in others.items()}
    return at_least("cuts, F1 within two frames", _f1(found.cuts, expected), round(_f1(every, expected) - LOST, 4), peers=peers)


def _f1(cuts: Sequence[int], expected: Expected) -> float:
    return compared(cuts, expected.cuts, expected.dissolves).f1


def _kind_figures(found: Shots, others: dict[str, list[int]], expected: Expected) -> list[Figure]:
    def dissolved(cuts: Sequence[int]) -> int:
        return sum(any(within(cut, span) for cut in cuts) for span in expected.dissolves)

    def lit(cuts: Sequence[int]) -> int:
        real = [cut for cut in cuts if not any(abs(cut - true) <= NEAR for true in expected.cuts)]
        return sum(any(within(cut, span) for cut in real) for span in expected.lights)

    wanted = [
        *(({"cut", "slide"}, Frames(cut, cut)) for cut in expected.cuts),
        *(({"dissolve"}, span) for span in expected.dissolves),
        *(({"light"}, span) for span in expected.lights),
        *(({"slide"}, Frames(build, build)) for build in expected.builds),
    ]
    right = sum(any(event.kind in kinds and _touches(event, span) for event in found.events) for kinds, span in wanted)
    return [
        Figure(f"dissolves found, of {len(expected.dissolves)}", dissolved(found.cuts), peers=_each(others, dissolved)),
        Figure(f"false cuts on changes of light, of {len(expected.lights)}", lit(found.cuts), peers=_each(others, lit)),
        Figure(f"events of the right kind, of {len(wanted)}", right),
        Figure("events that are none", len(found.events) - sum(_is_true(event, wanted) for event in found.events)),
    ]


def _each(others: dict[str, list[int]], count: Callable[[Sequence[int]], int]) -> dict[str, float | None]:
    return {name: count(cuts) for name, cuts in others.items()}


def _is_true(event: ShotEvent, wanted: Sequence[tuple[set[str], Frames]]) -> bool:
    return any(event.kind in kinds and _touches(event, span) for kinds, span in wanted)


def _touches(event: ShotEvent, span: Frames) -> bool:
    return event.start_frame - NEAR <= span.past and span.first <= event.end_frame + NEAR


if __name__ == "__main__":
    sys.exit(main())
