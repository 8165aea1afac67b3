"""Clips that were joined are what they were before: the same frames, each sound at its frame, no drift from clip to clip."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cutroom.media import ffmpeg as runner
from cutroom.media.join import listing, plan_join
from cutroom.media.presets import H264
from cutroom.media.render import planned, verify
from cutroom.media.timeline import FrameSpan
from tests.media.material import SMALL, MakeSource, facts, ffmpeg, lavfi
from tests.media.test_render import luma, render

CLIPS = 6


@pytest.fixture
def beeping(make_source: MakeSource, rate: str) -> Path:
    """A white picture for two frames each second, and a tone for as long."""
    flash = f"color=black:s=192x108:r={rate}:d=20,drawbox=color=white:t=fill:enable='lt(mod(t,1),0.08)'"
    beep = "aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t,1),0.08)':s=48000:d=20"
    return make_source("beeping.mov", *lavfi(flash, beep), "-qp", "0", "-c:a", "pcm_s16le")


def joined(clips: list[Path], spans: list[FrameSpan], out: Path) -> int:
    """The number of frames that were copied."""
    listed = out.with_suffix(".ffconcat")
    listed.write_text(listing(clips, spans))
    return asyncio.run(runner.run(plan_join(listed, clips, spans, H264, out))).frames


def onsets(video: Path) -> NDArray[np.float64]:
    """Seconds at which a tone begins."""
    raw = video.with_suffix(".pcm")
    ffmpeg("-i", video, "-f", "s16le", "-ac", "1", "-ar", "48000", raw)
    loud = np.abs(np.fromfile(raw, np.int16).astype(float)) > 3000
    heard = np.flatnonzero(loud)
    return heard[np.diff(heard, prepend=-48_000) > 4800] / 48_000


def flashes(video: Path, fps: float) -> NDArray[np.float64]:
    bright = luma(video).mean(axis=(1, 2)) > 128
    return np.flatnonzero(bright & ~np.r_[False, bright[:-1]]) / fps


@pytest.mark.parametrize("rate", ["25", "30000/1001"])
def test_a_reel_holds_every_frame_of_its_clips_and_each_sound_at_its_frame(beeping: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    clips = [folder / f"clip-{number}.mp4" for number in range(CLIPS)]
    spans = [render(beeping, clip, 0.5 + number, 2.13 + number) for number, clip in enumerate(clips)]
    out, fps = folder / "reel.mp4", spans[0].fps
    whole = FrameSpan(0, sum(span.count for span in spans), fps)
    frames = joined(clips, spans, out)
    verify(facts(out), frames, whole, SMALL)
    assert (luma(out) == np.concatenate([luma(clip) for clip in clips])).all()
    assert facts(out).duration_s == pytest.approx(planned(whole, SMALL).duration_s, abs=0.03)
    seen, heard = flashes(out, fps), onsets(out)
    assert len(seen) == len(heard) == 2 * CLIPS
    assert np.abs(seen - heard).max() < 1 / fps


def test_thirty_clips_are_joined_within_the_limits_of_a_child_process(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source("moving.mp4", *lavfi("testsrc2=s=192x108:r=25:d=2", "sine=d=2"), "-pix_fmt", "yuv420p")
    clips = [tmp_path / f"clip-{number}.mp4" for number in range(30)]
    span = render(source, clips[0], 0, 1)
    for clip in clips[1:]:
        clip.write_bytes(clips[0].read_bytes())
    out = tmp_path / "reel.mp4"
    frames = joined(clips, [span] * 30, out)
    verify(facts(out), frames, FrameSpan(0, 30 * span.count, span.fps), SMALL)
