"""The floor: the least work that any clipping pipeline must do on this machine, as bare ffmpeg runs.

It is the sum of three: the sound as 16 kHz, one decode of every frame to 48x27, and the clips themselves (a crop, scaled to
1080x1920, captions burned in, x264 veryfast at CRF 20) two at a time.
"""

import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from cutroom.media.ffmpeg import locate

WORDS = "this is what captions of three words at a time look like when they are burned into a picture".upper().split()
CODEC = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-c:a", "aac", "-b:a", "128k")


class Floor(NamedTuple):
    """Wall seconds of each row."""

    sound_s: float
    decode_s: float
    clips_s: float

    @property
    def seconds(self) -> float:
        return self.sound_s + self.decode_s + self.clips_s


def measure_floor(video: Path, spans: Sequence[tuple[float, float]], folder: Path) -> Floor:
    """Time it for clips of these spans (start and length in seconds), which are left in `folder` as floor-1.mp4 and so on."""
    sound_s = _timed([[*reading(video), "-vn", "-ac", "1", "-ar", "16000", folder / "floor.wav"]])
    clips = [clip_command(video, span, folder, folder / f"floor-{i}.mp4") for i, span in enumerate(spans, 1)]
    return Floor(sound_s, decode_only(video, "scale=48:27:flags=fast_bilinear,format=rgb24"), _timed(clips, at_once=2))


def decode_only(video: Path, through: str = "null") -> float:
    """Wall seconds of decoding every frame `through` a filter, to nowhere."""
    return _timed([[*reading(video), "-map", "0:v:0", "-vf", through, "-f", "null", "-"]])


def clip_command(video: Path, span: tuple[float, float], folder: Path, out: Path) -> list[str | Path]:
    """One clip of the floor."""
    start_s, length_s = span
    captions = folder / "floor.ass"
    captions.write_text(_captions(length_s))
    look = f"crop=trunc(ih*9/32)*2:ih,scale=1080:1920,ass={captions}"
    return [*reading(video, "-ss", f"{start_s:.3f}"), "-t", f"{length_s:.3f}", "-vf", look, *CODEC, "-movflags", "+faststart", out]


def reading(video: Path, *seek: str) -> list[str | Path]:
    return [locate(), "-nostdin", "-y", "-v", "error", *seek, "-i", video]


def run_ffmpeg(command: Sequence[str | Path]) -> None:
    """Raises CalledProcessError where it fails."""
    subprocess.run(command, check=True)


def _timed(commands: Sequence[Sequence[str | Path]], at_once: int = 1) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(run_ffmpeg, commands))
    return time.perf_counter() - began


def _captions(seconds: float) -> str:
    """Large outlined words, one of three lit, a new state three times a second."""
    lines = []
    for third in range(int(seconds * 3)):
        group = [WORDS[(third // 3 * 3 + place) % len(WORDS)] for place in range(3)]
        group[third % 3] = "{\\c&H00F0FF&}" + group[third % 3] + "{\\c&HFFFFFF&}"
        lines.append(f"Dialogue: 0,{_stamp(third / 3)},{_stamp((third + 1) / 3)},Cap,,0,0,0,,{' '.join(group)}")
    style = "Style: Cap,DejaVu Sans,84,&H00FFFFFF,&H00000000,-1,1,6,2,2,80,80,520"
    head = (
        "Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, Bold, BorderStyle, Outline, Shadow, Alignment, "
        "MarginL, MarginR, MarginV"
    )
    events = "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
    script = [
        "[Script Info]",
        "ScriptType: v4.00+",
        "PlayResX: 1080",
        "PlayResY: 1920",
        "[V4+ Styles]",
        head,
        style,
        "[Events]",
        events,
    ]
    return "\n".join([*script, *lines, ""])


def _stamp(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02}:{seconds % 60:05.2f}"
