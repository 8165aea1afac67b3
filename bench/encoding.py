"""What encoding costs a clip: its likeness (SSIM) to the very picture that went into the encoder, and its size.

The floor's codec gets that same picture, so that encoders are compared and not what the clips show.
"""

import asyncio
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from bench.floor import CODEC, reading, run_ffmpeg
from cutroom.contracts.documents import Framing, Transcript
from cutroom.media import ffmpeg, render
from cutroom.media.captions import ass, words_inside
from cutroom.media.fonts import font_file
from cutroom.media.layouts import text_heights
from cutroom.media.presets import CANVASES, CAPTION_STYLES, H264, Encoding
from cutroom.media.probe import Policy, probe
from cutroom.settings import get_settings


class Encoded(NamedTuple):
    """`ssim`: likeness to what went into the encoder, 1 where nothing was lost."""

    ssim: float
    bits_per_s: float


class Pair(NamedTuple):
    """One picture in two codings: our own, and that of the floor's codec."""

    ours: Encoded
    floors: Encoded


def encoded(video: Path, folder: Path) -> list[Pair]:
    """Of each clip of a campaign that was saved to `folder`."""
    transcript = Transcript.model_validate_json((folder / "transcript.json").read_text())
    clips = json.loads((folder / "campaign.json").read_text())["clips"]
    return [_pair(video, folder, clip, transcript) for clip in clips if clip["status"] == "ready"]


def bitrate(clip: Path, seconds: float) -> float:
    return 8 * clip.stat().st_size / seconds


def _pair(video: Path, folder: Path, clip: dict[str, Any], transcript: Transcript) -> Pair:
    framing = Framing.model_validate_json((folder / clip["frame"]).read_text())
    start_s, end_s = clip["start_s"], clip["end_s"]
    # Hundreds of megabytes a clip: one at a time.
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as place:
        reference, plain = Path(place) / "reference.mp4", Path(place) / "plain.mp4"
        asyncio.run(_lossless(video, framing, transcript, start_s, end_s, reference))
        run_ffmpeg([*reading(reference), *CODEC, "-movflags", "+faststart", plain])
        ours, floors = (Encoded(_ssim(file, reference), bitrate(file, end_s - start_s)) for file in (folder / clip["file"], plain))
    return Pair(ours, floors)


async def _lossless(video: Path, framing: Framing, transcript: Transcript, start_s: float, end_s: float, out: Path) -> None:
    """The clip as the product plans it, encoded without loss."""
    media = await probe(video, "mp4", Policy.of(get_settings()))
    encoding = Encoding(video={"vcodec": "libx264", "preset": "ultrafast", "qp": 0, "pix_fmt": "yuv420p"}, audio=H264.audio)
    span, canvas, style = render.clip_span(media, start_s, end_s, encoding), CANVASES["9:16"], CAPTION_STYLES["classic"]
    captions = None
    if words_inside(transcript, span.start_s, span.end_s):
        captions = out.with_suffix(".ass")
        captions.write_text(ass(transcript, span.start_s, span.end_s, style, canvas, text_heights(framing, canvas)))
    fonts = font_file(style.font_file).parent
    plan = render.plan_clip(
        video, media, framing, span, captions=captions, fonts=fonts, loudness=None, canvas=canvas, encoding=encoding, out=out
    )
    await ffmpeg.run(plan)


def _ssim(clip: Path, reference: Path) -> float:
    command: list[str | Path] = [
        ffmpeg.locate(),
        "-nostdin",
        "-i",
        clip,
        "-i",
        reference,
        "-lavfi",
        "[0:v][1:v]ssim",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return float(re.findall(r"SSIM .*All:([\d.]+)", said)[-1])
