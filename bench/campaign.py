"""A whole campaign on a talk with its captions, beside the floor of the same run and a MoviePy pipeline.

    python -m bench.campaign TALK_DIR [--repeat 3] [--clips 5] [--clip-s 30] [--json]

TALK_DIR holds talk.mp4, talk.srt and truth.json. Each repetition has a stack of its own, so a fresh organisation and empty
caches; the clock runs from the POST, made as soon as the recording is accepted, until the campaign has ended, when every clip
can be downloaded. The floor is measured after each campaign, for clips of the same places; the median ratio counts.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

from bench import quality
from bench.encoding import Pair, bitrate, encoded
from bench.floor import Floor, measure_floor
from bench.peers import PYTHON, missing_peers
from bench.report import Figure, Part, at_least, at_most, show
from bench.stack import Used, fresh_stack, watching
from bench.truth import read_truth
from cutroom.cli.run import save
from cutroom.client import Client, Job
from cutroom.media.ffmpeg import locate

LIMIT, GOAL = 1.4, 1.15
MOST_MEDIA = 1.5e9
MOST_GPU = 1e9 + 43e6  # the weights of both networks, and a gigabyte
MARGIN_S = 5.0
MOVIEPY_S = 5.0  # it needs some four times as long as it makes
NOTE = (
    "The floor's codec encodes the very pictures that our encoder got. The floor's own clips show the middle of the picture, which"
    " on a talk may be empty: their bitrate says nothing of an encoder."
)
MOVIEPY = Path(__file__).with_name("moviepy_clip.py")


class Run(NamedTuple):
    """One campaign: wall seconds, what it used, and the start and length of each clip in seconds."""

    seconds: float
    used: Used
    spans: list[tuple[float, float]]


def measure(talk: Path, repeat: int, count: int, clip_s: float) -> Part:
    """Raises RuntimeError where a campaign does not succeed."""
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as place:
        folder = Path(place)
        pairs = [_beside_the_floor(talk, folder / str(number), count, clip_s) for number in range(repeat)]
        last, video = folder / str(repeat - 1), talk / "talk.mp4"
        (run, _), spans = pairs[-1], pairs[-1][0].spans
        missing = missing_peers()
        moviepy_s = None if missing else _moviepy(video, spans[0][0], last)
        figures = [
            *_speed(pairs, moviepy_s),
            *_picture(encoded(video, last), spans, last),
            *memory(run.used, video, last),
            *(
                Figure(row.name.strip(), row.value, "", row.target, row.good)
                for row in quality.measure(last, read_truth(talk / "truth.json"))
            ),
        ]
    return Part("campaign", [f"{talk.name}, {count} clips of about {clip_s:g} s, {repeat} times"], figures, [NOTE, *missing])


def _beside_the_floor(talk: Path, out: Path, count: int, clip_s: float) -> tuple[Run, Floor]:
    run = asyncio.run(run_campaign(talk, out, count, clip_s))
    return run, measure_floor(talk / "talk.mp4", run.spans, out)


async def run_campaign(talk: Path, out: Path, count: int, clip_s: float) -> Run:
    """One campaign on a stack of its own; its files are saved to `out`. Raises RuntimeError where it does not succeed."""
    async with fresh_stack() as (stack, client):
        with watching(stack) as used:
            job, seconds = await asyncio.to_thread(_campaign, client, talk, count, clip_s)
        if job.status != "succeeded":
            raise RuntimeError(f"the campaign ended as {job.status}: {job.error}")
        await asyncio.to_thread(save, client, job.id, out)
    spans = [(clip.start_s, clip.end_s - clip.start_s) for clip in job.clips if clip.status == "ready"]
    return Run(seconds, used, spans)


def _campaign(client: Client, talk: Path, count: int, clip_s: float) -> tuple[Job, float]:
    captions, video = client.upload(talk / "talk.srt"), client.upload(talk / "talk.mp4")
    began = time.perf_counter()
    job = client.create_campaign(
        video.id, captions_asset_id=captions.id, count=count, min_s=max(3.0, clip_s - MARGIN_S), max_s=clip_s + MARGIN_S
    )
    for _ in client.events(job.id):
        pass
    seconds = time.perf_counter() - began
    return client.job(job.id), seconds


def _speed(pairs: Sequence[tuple[Run, Floor]], moviepy_s: float | None) -> list[Figure]:
    pairs = sorted(pairs, key=lambda pair: pair[0].seconds / pair[1].seconds)
    ratios = [run.seconds / floor.seconds for run, floor in pairs]
    run, floor = pairs[len(pairs) // 2]
    return [
        at_most("campaign against the floor", median(ratios), LIMIT, "times"),
        Figure("  the same, best and worst", f"{min(ratios):.3f} to {max(ratios):.3f}", "times", f"goal {GOAL:g}"),
        Figure("  wall", run.seconds, "s", peers={"floor": floor.seconds, f"MoviePy, {MOVIEPY_S:g} s of a clip": moviepy_s}),
        Figure("  CPU of the workers", run.used.cpu_s, "s"),
        Figure("  floor: sound, decode, clips", f"{floor.sound_s:.1f} + {floor.decode_s:.1f} + {floor.clips_s:.1f}", "s"),
    ]


def _picture(pairs: list[Pair], spans: Sequence[tuple[float, float]], folder: Path) -> list[Figure]:
    """Loss and size of the clips against the floor's codec; `folder` holds the floor's own clips of these spans."""
    ssim, floors_ssim = mean(pair.ours.ssim for pair in pairs), mean(pair.floors.ssim for pair in pairs)
    rate, floors_rate = mean(pair.ours.bits_per_s for pair in pairs), mean(pair.floors.bits_per_s for pair in pairs)
    centre = mean(bitrate(folder / f"floor-{number}.mp4", length_s) for number, (_, length_s) in enumerate(spans, 1))
    return [
        at_least("clips' SSIM to what was encoded", round(ssim, 4), round(floors_ssim, 4), peers={"floor's codec": floors_ssim}),
        at_most("clips' bitrate against the floor's codec", rate / floors_rate, 1.1, "times"),
        Figure("  against the floor's own clips", rate / centre, "times"),
    ]


def memory(used: Used, source: Path, out: Path) -> list[Figure]:
    """What the workers used against what they may."""
    allowed = source.stat().st_size + sum(clip.stat().st_size for clip in out.glob("clip-*.mp4"))
    return [
        at_most("largest media process", used.resident["media"] / 1e9, MOST_MEDIA / 1e9, "GB"),
        at_most("GPU worker", used.resident["gpu"] / 1e9, MOST_GPU / 1e9, "GB"),
        at_most("temporary disk against source and clips", used.disk / allowed, 1.0, "times"),
    ]


def _moviepy(video: Path, start_s: float, folder: Path) -> float:
    """Wall seconds of MOVIEPY_S of a clip (crop, resize, one text) in MoviePy, with the same ffmpeg."""
    began = time.perf_counter()
    command = [str(PYTHON), str(MOVIEPY), str(video.resolve()), f"{start_s:.3f}", f"{MOVIEPY_S:g}", "moviepy.mp4"]
    # It keeps the sound of the clip where it runs.
    subprocess.run(command, check=True, cwd=folder, stdout=sys.stderr, env=os.environ | {"IMAGEIO_FFMPEG_EXE": str(locate())})
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.campaign", description="A whole campaign beside the floor.")
    parser.add_argument("talk", type=Path, help="a folder with talk.mp4, talk.srt and truth.json")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--clips", type=int, default=5)
    parser.add_argument("--clip-s", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    return show(measure(given.talk, given.repeat, given.clips, given.clip_s), given.json)


if __name__ == "__main__":
    sys.exit(main())
