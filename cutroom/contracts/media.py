"""What is known of a recording, and the artifacts that the pipeline makes from it.

Seconds are `*_s` floats from the start of the source, frames are ints from 0, boxes are source pixels after rotation.
"""

from typing import Literal

from cutroom.contracts.base import ArtifactRef, Frozen

AssetKind = Literal["video", "audio", "captions", "image"]
Aspect = Literal["9:16", "1:1", "4:5", "16:9"]
Resolution = Literal["720p", "1080p"]


Colour = Literal["bt709", "bt601", "bt2020", "hlg", "pq"]


def short_side(resolution: Resolution) -> int:
    """Pixels of a picture's shorter side."""
    return int(resolution.removesuffix("p"))


class MediaFacts(Frozen):
    """A probed video, as a player shows it: rotation and pixel aspect applied to `width` and `height`.

    `fps`: the nominal rate, also of a variable one. `rotation`: degrees clockwise that players turn the stored picture.
    `interlaced`: two fields to a frame. `warnings`: what its owner should know before paying for clips of it.
    """

    container: str
    duration_s: float
    width: int
    height: int
    fps: float
    video_codec: str
    has_audio: bool
    audio_codec: str = ""
    rotation: int = 0
    variable_rate: bool = False
    embedded_subtitles: bool = False
    colour: Colour = "bt709"
    interlaced: bool = False
    warnings: list[str] = []


class PreparedSound(Frozen):
    """What of a source can be heard. `sound`: FLAC, 16 kHz mono; `loudness`: decibels of each 10 ms of it, a NumPy file. Both are
    None without an audio stream, the latter also in what an older version prepared.
    """

    sound: ArtifactRef | None
    loudness: ArtifactRef | None = None


class PreparedMedia(PreparedSound):
    """One decode of the source for all readers.

    `frames`: 48x27 pictures in H.264 without loss at a constant `frame_rate`, the source's own up to 60, of faster ones every
    second frame, every third and so on. `proxy`: MPEG-4 at most 640 px wide and 1138 high, `proxy_fps` frames a second, for faces.
    """

    frames: ArtifactRef
    frame_rate: float
    frame_count: int
    proxy: ArtifactRef
    proxy_fps: float


class Span(Frozen):
    start_s: float
    end_s: float


class SpeechChunk(Frozen):
    """A stretch of sound cut at silences, or around caption cues `first_cue:last_cue` (past the end)."""

    index: int
    start_s: float
    end_s: float
    first_cue: int = 0
    last_cue: int = 0


SpeechEngine = Literal["captions", "faster_whisper", "whisper", "pocketsphinx", "none"]
