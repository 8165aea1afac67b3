"""What encoding costs a clip: its likeness (SSIM) to the very picture that went into the encoder, and its size."""

import asyncio
import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.floor import clip_command, run_ffmpeg
from cutroom.contracts.documents import Framing, Transcript
from cutroom.media import ffmpeg, render
from cutroom.media.captions import ass, words_inside
from cutroom.media.fonts import font_file
from cutroom.media.layouts import text_heights
from cutroom.media.presets import CANVASES, CAPTION_STYLES, H264, Encoding
from cutroom.media.probe import Policy, probe
from cutroom.settings import get_settings

LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-an")


class Encoded(NamedTuple):
    ssim: float
    bits_per_s: float


def floors_clips(video: Path, spans: Sequence[tuple[float, float]], folder: Path) -> list[Encoded]:
    """The clips that `measure_floor` left in `folder`."""
    found = []
    for number, span in enumerate(spans, 1):
        reference = folder / "reference.mp4"
        run_ffmpeg(clip_command(video, span, folder, reference, *LOSSLESS))
        found.append(_compare(folder / f"floor-{number}.mp4", reference, span[1]))
    return found


def our_clips(video: Path, folder: Path) -> list[Encoded]:
    """The clips of a campaign that was saved to `folder`."""
    transcript = Transcript.model_validate_json((folder / "transcript.json").read_text())
    found = []
    clips = json.loads((folder / "campaign.json").read_text())["clips"]
    for clip in (clip for clip in clips if clip["status"] == "ready"):
        framing = Framing.model_validate_json((folder / clip["frame"]).read_text())
        reference = folder / "reference.mp4"
        asyncio.run(_lossless(video, framing, transcript, clip["start_s"], clip["end_s"], reference))
        found.append(_compare(folder / clip["file"], reference, clip["end_s"] - clip["start_s"]))
    return found


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


def _compare(clip: Path, reference: Path, seconds: float) -> Encoded:
    command = [
        str(ffmpeg.locate()),
        "-nostdin",
        "-i",
        str(clip),
        "-i",
        str(reference),
        "-lavfi",
        "[0:v][1:v]ssim",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return Encoded(float(re.findall(r"SSIM .*All:([\d.]+)", said)[-1]), 8 * clip.stat().st_size / seconds)
