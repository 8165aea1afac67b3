"""Every part of the bench in one run: a table of each on the way, then bench/results.json and docs/benchmarks.md.

    python -m bench [--seconds 600] [--talk TALK_DIR] [--repeat 3] [--only selection,shots,...]

Without TALK_DIR a sample talk is made. Labelled transcripts and real footage are measured too where they lie beside this
repository, in ../shared. Nothing else should run meanwhile. Each part is told and written down as soon as it is measured; one
that ends in an error ends no other. Exit status 1: a target was missed, or a part ended in an error.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bench import campaign, framing, length, selection, shots, sound, speech, summaries
from bench.progress import telling
from bench.report import Part, as_json, as_markdown, as_text, from_json
from bench.truth import read_truth
from cutroom.local.sample import make_sample
from cutroom.media.ffmpeg import locate

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
CLIPS, CLIP_S = 5, 30.0
TIMES = 23  # almost four hours of the sample, the longest that is taken
RESULTS, DOCUMENT = ROOT / "bench" / "results.json", ROOT / "docs" / "benchmarks.md"

HEAD = """\
# Benchmarks

Made by `make bench`, not by hand: {when}, on {machine}, with {ffmpeg}.

Times are walls of one run of a part, on this one machine; they move between machines and hours, so compare only what stands in
one row. The floor is the least work that any clipping pipeline must do (`bench/floor.py`): the sound at 16 kHz, one decode of every
frame to 48x27, and the clips themselves, as bare ffmpeg runs. "MISSED" is a target of ours that was not met.
"""


class Task(NamedTuple):
    """Parts to measure. `fixed_s` and `each_s`: about how long on two cores, and longer for each second of the talk."""

    measure: Callable[[], Iterable[Part]]
    fixed_s: float
    each_s: float


def tasks(talk: Callable[[], Path], repeat: int) -> dict[str, Task]:
    """What there is to measure, by name; nothing runs before it is asked for."""
    transcripts = sorted((SHARED / "transcripts").glob("*.json"))
    footage = sorted((SHARED / "media").glob("*.mp4"))

    def in_shots() -> Iterator[Part]:
        yield shots.measure(talk() / "talk.mp4", talk() / "truth.json")
        yield from (shots.measure(film, None) for film in footage)

    return {
        "selection": Task(lambda: [selection.measure(transcripts)], 60, 0),
        "summaries": Task(lambda: [summaries.measure(transcripts)], 60, 0),
        "shots": Task(in_shots, 10 + 15 * len(footage), 0.9),
        "framing": Task(lambda: [framing.measure(talk(), CLIP_S, "9:16")], 5, 0.15),
        "speech": Task(lambda: [speech.measure(talk())], 15, 0.05),
        "sound": Task(lambda: [sound.measure(talk())], 10, 0.01),
        "campaign": Task(lambda: [campaign.measure(talk(), repeat, CLIPS, CLIP_S)], 240 + 160 * repeat, 0.22 * repeat),
        "length": Task(lambda: [length.measure(talk(), TIMES)], 150, 0.08 * TIMES),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed and quality, beside the limit and the peers.")
    parser.add_argument("--seconds", type=int, default=600, help="length of the sample talk")
    parser.add_argument("--talk", type=Path, help="a folder with talk.mp4, talk.srt and truth.json, in place of the sample")
    parser.add_argument("--repeat", type=int, default=3, help="campaigns, of which the median counts")
    parser.add_argument("--only", default="", help="some parts, with commas between")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as folder:
        place = Path(folder) / f"sample talk of {given.seconds} s"
        available = tasks(cache(lambda: given.talk or _sample(place, given.seconds)), given.repeat)
        wanted = given.only.split(",") if given.only else list(available)
        if unknown := set(wanted) - set(available):
            parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(available)}")
        seconds = _length(given.talk) if given.talk else given.seconds
        ends = [_run(name, available[name], seconds) for name in wanted]
    failed = [name for name, end in zip(wanted, ends, strict=True) if end is None]
    if failed:
        print(f"Ended by an error, told above: {', '.join(failed)}.", file=sys.stderr)
    return 0 if all(ends) else 1


def _run(name: str, task: Task, seconds: float) -> bool | None:
    """Whether every target was met; None where the task ended in an error, which is told and ends no other task."""
    good = True
    try:
        with telling(name, task.fixed_s + task.each_s * seconds):
            for part in task.measure():
                print(as_text(part), end="\n\n", flush=True)
                _keep(part)
                good &= part.good
    except Exception:
        traceback.print_exc()
        return None
    return good


def _keep(part: Part) -> None:
    """Into the results and the document, in place of what was measured on the same before."""
    before = from_json(RESULTS.read_text()) if RESULTS.exists() else []
    found = {(one.name, *one.inputs): one for one in [*before, part]}
    RESULTS.write_text(as_json(found.values()) + "\n")
    DOCUMENT.write_text("\n".join([_head(), *(as_markdown(one) for one in found.values())]))


def _sample(folder: Path, seconds: int) -> Path:
    with telling(f"making a talk of {seconds} s", 0.42 * seconds):
        make_sample(folder, seconds)
    return folder


def _length(talk: Path) -> float:
    truth = read_truth(talk / "truth.json")
    return truth.shots[-1].past / truth.fps


def _head() -> str:
    version = subprocess.run([locate(), "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    return HEAD.format(when=datetime.now(UTC).date().isoformat(), machine=machine, ffmpeg=f"ffmpeg {version}")


if __name__ == "__main__":
    sys.exit(main())
