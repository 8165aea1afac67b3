"""The sample talk: a short interview of which every word, cut and face is known.

    python -m cutroom.local.sample --out DIR [--seconds 120] [--seed 1]

`make_sample` writes talk.mp4 (1920x1080, 30 fps, H.264 and AAC), talk.srt (a caption a sentence) and truth.json. The same
seconds and seed give the same sound, captions and truth; the bytes of talk.mp4 may differ from run to run (x264's threads).

truth.json, times in seconds, frames from 0, ranges [start_frame, end_frame) and boxes in pixels:
  seconds seed fps width height      words {text, start_s, end_s, sentence}      sentences {speaker, text, start_s, end_s}
  shots {kind, start_frame, end_frame}, kind: A | B | two | slide                cuts: first frames after hard cuts
  dissolves, lights {start_frame, end_frame}: mixed frames between two shots; frames in which the light of a shot changes
  faces {frame, boxes: [{who, x, y, w, h}]}: every 6th frame that is not part of a dissolve
"""

import argparse
import asyncio
import json
import os
import random
import tempfile
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from cutroom.local.sample_script import SHOW, Speaker
from cutroom.local.sample_speech import RATE, Speech, speak_talk
from cutroom.local.sample_stage import HEIGHT, WIDTH, Planes, Stage, darken, mix
from cutroom.media.ffmpeg import limits_for, plan, run

FPS = 30
SHORTEST_S = 30
FACE_EVERY = 6
SHOT_S = (1.6, 7.0)  # a shot is held for at least, and soon left after
SLIDE_S = 2.4
DISSOLVE_FRAMES = 18
DISSOLVE_EVERY_S = 50.0
LIGHT_FRAMES = 24
LIGHT_EVERY_S = 40.0
DIMMED = 0.68


@dataclass(frozen=True)
class Sample:
    """The three files of a sample."""

    video: Path
    captions: Path
    truth: Path


@dataclass(frozen=True)
class Shot:
    """Frames `start:end`. `mixed`: frames at its start that are a dissolve from the shot before. `dims_at`: where light falls."""

    kind: str
    start: int
    end: int
    slide: tuple[str, str] = (SHOW, "")
    mixed: int = 0
    dims_at: int | None = None


def make_sample(out: Path, seconds: int = 120, seed: int = 1, on_progress: Callable[[float, float], None] | None = None) -> Sample:
    """Write the sample into `out`; about 20 s for 120 s of talk on two cores. Blocks: call it in a thread from async code.

    `on_progress(done_s, total_s)`. Raises ValueError below 30 seconds, SetupError where a package is missing, ToolFailed.
    """
    if seconds < SHORTEST_S:
        raise ValueError(f"a sample talk lasts {SHORTEST_S} s at least")
    out.mkdir(parents=True, exist_ok=True)
    sample = Sample(out / "talk.mp4", out / "talk.srt", out / "truth.json")
    speech = speak_talk(seconds, seed)
    shots = plan_shots(speech, seconds, seed)
    faces: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "talk.wav"
        _write_wav(speech.sound, sound)
        asyncio.run(_encode(_frames(speech, shots, faces, on_progress), Path(folder), seconds, sound, sample.video))
    sample.captions.write_text(_captions(speech))
    sample.truth.write_text(json.dumps({**_truth(speech, shots), "seconds": seconds, "seed": seed, "faces": faces}))
    return sample


def plan_shots(speech: Speech, seconds: int, seed: int) -> list[Shot]:
    """The shots of a talk, its dissolves and its changes of light; the least of both in talks under a minute."""
    rng = random.Random(seed)
    joins = _joins(speech, rng)
    ends = [frame for frame, _, _ in joins[1:]] + [seconds * FPS]
    shots: list[Shot] = []
    dissolve_due, light_due = DISSOLVE_EVERY_S * FPS, LIGHT_EVERY_S * FPS / 2
    for (start, kind, slide), end in zip(joins, ends, strict=True):
        mixed, dims_at = 0, None
        if start > dissolve_due and "slide" not in (kind, shots[-1].kind):
            mixed, dissolve_due = DISSOLVE_FRAMES, start + DISSOLVE_EVERY_S * FPS
        elif start > light_due and kind != "slide" and end - start > 4 * FPS:
            dims_at, light_due = start + rng.randint(35, 50), start + LIGHT_EVERY_S * FPS
        shots.append(Shot(kind, start, end, slide, mixed, dims_at))
    return shots


def _joins(speech: Speech, rng: random.Random) -> list[tuple[int, str, tuple[str, str]]]:
    """First frame, kind and slide of each shot. Cuts fall into pauses, mostly to who speaks, sometimes to both."""
    joins: list[tuple[int, str, tuple[str, str]]] = [(0, "two", (SHOW, ""))]
    shortest, longest = (int(s * FPS) for s in SHOT_S)
    for spoken in speech.lines:
        frame = int(spoken.start_s * FPS) - rng.randint(2, 7)
        if spoken.line.slide and frame - joins[-1][0] >= shortest:
            joins.append((frame, "slide", spoken.line.slide))
            frame += int(SLIDE_S * FPS)
        held, showing = frame - joins[-1][0], joins[-1][1]
        kind = rng.choices([spoken.line.speaker, "two"], [5, 1])[0]
        if kind == showing and held > longest:
            kind = "two"
        if kind != showing and held >= shortest:
            joins.append((frame, kind, (SHOW, "")))
    return joins


def _frames(
    speech: Speech, shots: list[Shot], faces: list[dict[str, Any]], on_progress: Callable[[float, float], None] | None
) -> Iterator[NDArray[np.uint8]]:
    """Every frame as yuv420p bytes, in one array that is used again. Face boxes are added to `faces` on the way."""
    stage, talking = Stage(), _mouths(speech, shots[-1].end)
    (frame_bytes, picture), (_, other) = _blank(), _blank()

    def draw(shot: Shot, frame: int, into: Planes) -> list[dict[str, int | str]]:
        boxes = stage.draw(shot.kind, frame / FPS, talking[frame], shot.slide, into)
        if shot.dims_at is not None and frame >= shot.dims_at:
            darken(into, 1 - (1 - DIMMED) * min(1.0, (frame - shot.dims_at + 1) / LIGHT_FRAMES))
        return boxes

    for before, shot in zip([shots[0], *shots], shots, strict=False):
        for frame in range(shot.start, shot.end):
            boxes = draw(shot, frame, picture)
            if frame - shot.start < shot.mixed:
                draw(before, frame, other)
                mix(picture, other, 1 - (frame - shot.start + 1) / (shot.mixed + 1))
            elif frame % FACE_EVERY == 0:
                faces.append({"frame": frame, "boxes": boxes})
            yield frame_bytes
            if on_progress and frame % FPS == 0:
                on_progress(frame / FPS, shots[-1].end / FPS)


def _blank() -> tuple[NDArray[np.uint8], Planes]:
    """A frame as the encoder reads it, and its three planes, which are views of it."""
    flat = np.zeros(WIDTH * HEIGHT * 3 // 2, np.uint8)
    luma, chroma = flat[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH), flat[WIDTH * HEIGHT :].reshape(2, HEIGHT // 2, WIDTH // 2)
    return flat, [luma, chroma[0], chroma[1]]


def _mouths(speech: Speech, frame_count: int) -> list[dict[Speaker, float]]:
    """Per frame, how far who speaks opens the mouth: loudness against the talk's loud parts, 0 to 1."""
    samples = speech.sound.astype(np.float64).reshape(frame_count, -1)
    loudness = np.sqrt((samples**2).mean(1))
    opening = np.clip(loudness / np.percentile(loudness, 92), 0, 1)
    mouths: list[dict[Speaker, float]] = [{} for _ in range(frame_count)]
    for spoken in speech.lines:
        for frame in range(int(spoken.start_s * FPS), min(frame_count, int(spoken.end_s * FPS) + 1)):
            mouths[frame] = {spoken.line.speaker: float(opening[frame])}
    return mouths


async def _encode(frames: Iterator[NDArray[np.uint8]], folder: Path, seconds: int, sound: Path, video: Path) -> None:
    """Feed the frames to ffmpeg through a named pipe. x264 costs more than the drawing, hence its fastest preset."""
    pipe = folder / "frames.yuv"
    os.mkfifo(pipe)
    seen = ffmpeg.input(str(pipe), f="rawvideo", pix_fmt="yuv420p", video_size=(WIDTH, HEIGHT), framerate=FPS)
    colours = {"color_range": "tv", "colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    picture = {"vcodec": "libx264", "preset": "ultrafast", "crf": 23, "g": 5 * FPS, **colours}
    tone = {"acodec": "aac", "audio_bitrate": "128k", "ar": 48000}
    output = ffmpeg.output(seen, ffmpeg.input(str(sound)), str(video), movflags="+faststart", **picture, **tone)
    feeding = asyncio.create_task(asyncio.to_thread(_feed, frames, pipe))
    try:
        await run(plan(output, duration_s=seconds, limits=limits_for(seconds)))
    finally:
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # lets the feeder go where ffmpeg ended before it opened the pipe
        await feeding


def _feed(frames: Iterator[NDArray[np.uint8]], pipe: Path) -> None:
    with suppress(BrokenPipeError), pipe.open("wb") as encoder:  # a broken pipe: ffmpeg's own error says why
        for frame in frames:
            encoder.write(frame.data)


def _write_wav(sound: NDArray[np.int16], path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound.tobytes())


def _captions(speech: Speech) -> str:
    """SubRip, one caption a sentence."""
    blocks = (f"{i}\n{_stamp(s.start_s)} --> {_stamp(s.end_s)}\n{s.line.text}\n" for i, s in enumerate(speech.lines, 1))
    return "\n".join(blocks)


def _stamp(at_s: float) -> str:
    ms = round(at_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def _truth(speech: Speech, shots: list[Shot]) -> dict[str, Any]:
    return {
        "fps": FPS,
        "width": WIDTH,
        "height": HEIGHT,
        "words": [asdict(word) for word in speech.words],
        "sentences": [
            {"speaker": s.line.speaker, "text": s.line.text, "start_s": s.start_s, "end_s": s.end_s} for s in speech.lines
        ],
        "shots": [{"kind": s.kind, "start_frame": s.start, "end_frame": s.end} for s in shots],
        "cuts": [s.start for s in shots[1:] if not s.mixed],
        "dissolves": [{"start_frame": s.start, "end_frame": s.start + s.mixed} for s in shots if s.mixed],
        "lights": [{"start_frame": s.dims_at, "end_frame": s.dims_at + LIGHT_FRAMES} for s in shots if s.dims_at is not None],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the sample talk.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(make_sample(arguments.out, arguments.seconds, arguments.seed).video)


if __name__ == "__main__":
    main()
