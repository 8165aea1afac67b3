"""What length costs: the same talk told once and many times over, so that only the length differs.

    python -m bench.length TALK_DIR [--times 12] [--json]

Each further minute should cost what the one before it did; memory, and the disk beside the source, should not grow. The picture is
made small first: decoding it is not what is asked here.
"""

import argparse
import asyncio
import sys
import tempfile
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
        lengths = (1, times // 2, times)
        runs = [_run(repeated(talk, number, folder / f"talk-{number}"), folder / str(number)) for number in lengths]
        each = [(b.seconds - a.seconds) / (m - n) for (a, n), (b, m) in pairwise(zip(runs, lengths, strict=True))]
        figures = [
            at_most("a further length in the second half, against the first", each[1] / each[0], 1.2, "times"),
            Figure(f"  wall at {lengths} lengths", ", ".join(f"{run.seconds:.0f}" for run in runs), "s"),
            *(
                at_most(f"memory of {worker}, most lengths against one", runs[-1].used.resident[worker] / size, 1.25, "times")
                for worker, size in runs[0].used.resident.items()
            ),
            *memory(runs[-1].used, folder / f"talk-{times}" / "talk.mp4", folder / str(times)),
        ]
    return Part("length", [f"{talk.name}, told up to {times} times over"], figures, [NOTE])


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
