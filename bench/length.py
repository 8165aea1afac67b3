"""What length costs: the same talk told once and many times over, so that only the length differs.

    python -m bench.length TALK_DIR [--times 12] [--json]

Each further minute should cost what the one before it did; memory, and the disk beside the source, should not grow. The picture is
made small first: decoding it is not what is asked here.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pysubs2

from bench.campaign import Run, memory, run_campaign
from bench.floor import reading, run_ffmpeg
from bench.report import Figure, Part, at_most, show
from bench.truth import read_truth

COUNT, CLIP_S = 2, 20.0
NOTE = "The picture is small, so what is prepared takes more disk beside the source here than beside what a camera records."


def measure(talk: Path, times: int) -> Part:
    """Raises RuntimeError where a campaign does not succeed."""
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as place:
        folder = Path(place)
        lengths = (1, (times + 1) // 2, times)
        runs = [_run(repeated(talk, number, folder / f"talk-{number}"), folder / str(number)) for number in lengths]
        wall, cpu = [run.seconds for run in runs], [run.used.cpu_s for run in runs]
        one, half, most = (run.used.resident for run in runs)
        figures = [
            at_most("a further length in the second half, against the first", later_half(wall, lengths), 1.2, "times"),
            Figure("  the same in CPU of the workers", later_half(cpu, lengths), "times"),
            Figure(f"  wall at {lengths} lengths", ", ".join(f"{seconds:.0f}" for seconds in wall), "s"),
            Figure("  CPU of the workers", ", ".join(f"{seconds:.0f}" for seconds in cpu), "s"),
            *(
                at_most(f"memory of {worker}, {lengths[1]} lengths against one", half[worker] / one[worker], 1.25, "times")
                for worker in one
            ),
            *(Figure(f"  of {worker}, {lengths[2]} against one", most[worker] / one[worker], "times") for worker in one),
            *memory(runs[-1].used, folder / f"talk-{times}" / "talk.mp4", folder / str(times)),
        ]
    return Part("length", [f"{talk.name}, told up to {times} times over"], figures, [NOTE])


def later_half(costs: Sequence[float], lengths: Sequence[int]) -> float:
    """What one more length costs between the second and the third of these, in what it costs between the first and the second."""
    first, second = ((b - a) / (m - n) for (a, n), (b, m) in pairwise(zip(costs, lengths, strict=True)))
    return second / first


def _run(talk: Path, out: Path) -> Run:
    return asyncio.run(run_campaign(talk, out, COUNT, CLIP_S))


def repeated(talk: Path, times: int, folder: Path) -> Path:
    """A talk that is this one, 640 pixels wide, `times` times over."""
    folder.mkdir()
    small, video = folder / "small.mp4", folder / "talk.mp4"
    run_ffmpeg([*reading(talk / "talk.mp4"), "-vf", "scale=640:-2", "-preset", "ultrafast", "-g", "150", "-c:a", "copy", small])
    run_ffmpeg([*reading(small, "-stream_loop", str(times - 1)), "-c", "copy", "-movflags", "+faststart", video])
    small.unlink()
    truth, captions = read_truth(talk / "truth.json"), pysubs2.load(str(talk / "talk.srt"))
    length_ms = round(1000 * truth.shots[-1].past / truth.fps)
    said = list(captions.events)
    captions.events = [event.copy() for _ in range(times) for event in said]
    for number, event in enumerate(captions.events):
        event.shift(ms=number // len(said) * length_ms)
    captions.save(str(folder / "talk.srt"))
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.length", description="What length costs.")
    parser.add_argument("talk", type=Path, help="a folder with talk.mp4, talk.srt and truth.json")
    parser.add_argument("--times", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    return show(measure(given.talk, given.times), given.json)


if __name__ == "__main__":
    sys.exit(main())
