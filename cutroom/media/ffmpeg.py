"""The only place that starts ffmpeg: plans are built elsewhere by pure functions, and run here.

A plan is made with ffmpeg-python; tests look at its arguments and start nothing. `run` gives progress, keeps what ffmpeg
said, holds the process to its limits and ends its whole process group when the task is cancelled.
"""

import asyncio
import signal
from asyncio import StreamReader
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any

import ffmpeg

from cutroom.contracts.media import MediaFacts
from cutroom.errors import BadInput, SetupError, ToolFailed
from cutroom.media.child import child
from cutroom.media.limits import GIB, Limits
from cutroom.settings import get_settings
from cutroom.telemetry.tracing import spanning

VIDEO_CODECS = (
    "h264",
    "hevc",
    "vp8",
    "vp9",
    "av1",
    "mpeg4",
    "mpeg2video",
    "mpeg1video",
    "prores",
    "mjpeg",
    "dnxhd",
    "h263",
    "ffv1",
)
_PCM = ("s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "u8", "s8", "alaw", "mulaw")
AUDIO_CODECS = ("aac", "mp3", "ac3", "eac3", "opus", "vorbis", "flac", "alac", *(f"pcm_{kind}" for kind in _PCM))
_DECODERS = ",".join((*VIDEO_CODECS, "libdav1d", *AUDIO_CODECS, "mp3float", "libopus"))
DEMUXERS = {"mp4": "mov", "mov": "mov", "mkv": "matroska", "webm": "matroska"}
_KEPT_LINES = 200
# Decoded at a time. ffmpeg's own choice, one more than cores, leaves a sixth of two cores idle, and takes 3 GB of 8K on sixteen:
# what they take of the memory should not hang on the cores.
_MOST_PICTURES = 8
_MOST_PIXELS = 100_000_000
# What ffmpeg says of bytes that no retry will mend.
_DAMAGED = (
    "Invalid data found when processing input",
    "Decode error rate",
    "moov atom not found",
    "Error while decoding",
    "Error submitting packet to decoder",
    "Cannot determine format of input",
    "Output file does not contain any stream",
)
# ... and of the limits: memory, file size, and the signal at the end of its CPU time, which it catches.
_OVER_LIMIT = (
    "Cannot allocate memory",
    "Error allocating",
    "Out of memory",
    "File too large",
    f"received signal {signal.SIGXCPU:d}",
)


@dataclass(frozen=True)
class FfmpegPlan:
    """Arguments without the binary; `duration_s`: seconds of media that the run goes through, for progress."""

    args: tuple[str, ...]
    duration_s: float
    limits: Limits = field(default_factory=Limits)


def plan(*outputs: Any, duration_s: float, limits: Limits, loglevel: str = "warning", progress: bool = True) -> FfmpegPlan:
    """A plan from ffmpeg-python output nodes; without `progress` one of them may be standard output, for `pieces`."""
    joined = outputs[0] if len(outputs) == 1 else ffmpeg.merge_outputs(*outputs)
    before = ("-hide_banner", "-nostdin", "-y", "-loglevel", loglevel, "-nostats")
    told = ("-progress", "pipe:1", "-stats_period", "0.5") if progress else ()
    return FfmpegPlan((*before, *told, *joined.get_args()), duration_s, limits)


def limits_for(duration_s: float, *, address_space: int = 4 * GIB) -> Limits:
    """Far above what honest media of this length needs, in CPU time (40 x real time) and bytes (4 MB a second)."""
    return Limits(address_space, cpu_s=120 + int(40 * duration_s), file_size=GIB // 4 + int(4_000_000 * duration_s))


def open_source(path: Path, container: str, *, codec_whitelist: str = _DECODERS, **options: Any) -> Any:
    """An input node of uploaded bytes: its demuxer is told, never guessed; only local files and known decoders are open to it."""
    return ffmpeg.input(
        str(path),
        f=DEMUXERS[container],
        protocol_whitelist="file,pipe",
        codec_whitelist=codec_whitelist,
        # A picture that changes its size midway would start the graph, and its clock, anew: scale filters take it as it comes.
        **{"reinit_filter:v": 0},
        **options,
    )


def open_video(path: Path, media: MediaFacts, **options: Any) -> Any:
    """The same, of a video whose pictures are looked at: up to eight of them are decoded at a time, fewer of the largest."""
    threads = max(1, min(_MOST_PICTURES, _MOST_PIXELS // (media.width * media.height)))
    return open_source(path, media.container, threads=threads, **options)


@cache
def locate() -> Path:
    """The ffmpeg of the settings, else the one that imageio-ffmpeg carries. Raises SetupError."""
    configured = get_settings().ffmpeg
    if configured:
        found = which(configured)
        if found is None:
            raise SetupError("CUTROOM_FFMPEG names no program; point it at an ffmpeg, or leave it empty.", code="ffmpeg_missing")
        return Path(found)
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise SetupError("No ffmpeg was found; install one and name it in CUTROOM_FFMPEG.", code="ffmpeg_missing") from error


@dataclass(frozen=True)
class Ran:
    """`frames`: pictures written to the first output; `said`: the tail of what ffmpeg wrote on stderr."""

    frames: int
    said: str


async def run(
    plan: FfmpegPlan, *, on_progress: Callable[[float], None] | None = None, note: Callable[[str], None] | None = None
) -> Ran:
    """Run a plan; `on_progress(seconds)` is called only when output time moved on.

    Raises BadInput (media_damaged, media_too_costly) where the source is to blame, ToolFailed otherwise.
    """
    with spanning("ffmpeg") as span:
        async with child([str(locate()), *plan.args], plan.limits) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            frames, said = await asyncio.gather(_follow(process.stdout, on_progress), _keep(process.stderr))
            code = await process.wait()
        span.set_attributes({"media_s": plan.duration_s, "frames": frames, "exit_status": code})
    if note is not None:
        note(f"ffmpeg {' '.join(plan.args)}\n{said}\nexit status {code}")
    if code != 0:
        raise _failure(said, code)
    return Ran(frames, said)


async def pieces(plan: FfmpegPlan, size: int, *, note: Callable[[str], None] | None = None) -> AsyncGenerator[bytes, None]:
    """What a plan writes to its standard output, `size` bytes at a time as they are asked for; nothing touches the disk.

    Close it (`contextlib.aclosing`) where it is left early. Raises as `run` does, and ToolFailed where the last piece is cut.
    """
    async with child([str(locate()), *plan.args], plan.limits) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        keeping = asyncio.create_task(_keep(process.stderr))
        try:
            while piece := await _whole(process.stdout, size):
                yield piece
            said, code = await keeping, await process.wait()
        finally:
            keeping.cancel()
    if note is not None:
        note(f"ffmpeg {' '.join(plan.args)}\n{said}\nexit status {code}")
    if code != 0:
        raise _failure(said, code)


async def _whole(stream: StreamReader, size: int) -> bytes:
    """The next `size` bytes, empty at the end."""
    try:
        return await stream.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ToolFailed("ffmpeg's output ended in the middle; its output is in the log.", code="ffmpeg_failed") from None
        return b""


async def _follow(progress: StreamReader, on_progress: Callable[[float], None] | None) -> int:
    """Read `-progress` lines, times in microseconds or N/A before the first frame. Returns the last frame count."""
    reached = frames = 0
    async for line in progress:
        key, _, value = line.decode().strip().partition("=")
        if key == "out_time_us" and value.isdigit() and int(value) > reached:
            reached = int(value)
            if on_progress is not None:
                on_progress(reached / 1e6)
        elif key == "frame":
            frames = int(value)
    return frames


async def _keep(stderr: StreamReader) -> str:
    lines: deque[str] = deque(maxlen=_KEPT_LINES)
    while chunk := await stderr.read(65536):
        lines.extend(chunk.decode(errors="replace").splitlines())
    return "\n".join(lines)


def _failure(said: str, code: int) -> BadInput | ToolFailed:
    if any(words in said for words in _OVER_LIMIT):
        return BadInput("Decoding this file takes more than is allowed; export it again, smaller.", code="media_too_costly")
    if any(words in said for words in _DAMAGED):
        return BadInput("The file is damaged and cannot be decoded; export it again.", code="media_damaged")
    return ToolFailed(f"ffmpeg ended with status {code}; its output is in the log.", code="ffmpeg_failed")
