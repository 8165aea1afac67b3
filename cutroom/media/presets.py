"""How clips look and sound, as data: the frame, the encoder, the caption styles."""

from dataclasses import dataclass
from typing import Any

from cutroom.contracts.media import Aspect


@dataclass(frozen=True)
class Canvas:
    """A clip's picture in pixels, and the margins that the platforms' own buttons and texts cover."""

    width: int
    height: int
    top: int
    bottom: int
    left: int
    right: int


CANVASES: dict[Aspect, Canvas] = {"9:16": Canvas(1080, 1920, top=220, bottom=450, left=60, right=164)}


@dataclass(frozen=True)
class CaptionStyle:
    """Sizes are pixels of the canvas, colours 0xRRGGBB; `middle_y` is the height of a group's middle line.

    A group is at most `most_words` words on one or two lines; a silence longer than `pause_s` begins a new one, and the
    last word of a group stays for `linger_s` where nothing follows. The active word is lit by colour alone: a larger one
    would push its neighbours about.
    """

    font_file: str
    font_name: str
    size: int
    middle_y: int
    outline: int
    shadow: int
    text: int
    lit: int
    edge: int
    most_words: int
    pause_s: float
    linger_s: float


CAPTION_STYLES = {
    "classic": CaptionStyle(
        font_file="DejaVuSans-Bold.ttf",
        font_name="DejaVu Sans",
        size=92,
        middle_y=1290,
        outline=7,
        shadow=2,
        text=0xFFFFFF,
        lit=0xFFE14D,
        edge=0x101010,
        most_words=4,
        pause_s=0.7,
        linger_s=0.35,
    )
}


@dataclass(frozen=True)
class Encoding:
    """A clip's codecs, as ffmpeg options. Loudness in LUFS, true peak in dBTP (EBU R 128).

    A source's own rate is kept up to `most_fps`, else `usual_fps` is taken. Sound under `silence` is left as it is: raising
    it would only bring up noise.
    """

    video: dict[str, Any]
    audio: dict[str, Any]
    most_fps: float = 60.0
    usual_fps: float = 30.0
    keyframe_s: float = 2.0
    sample_rate: int = 48000
    loudness: float = -14.0
    true_peak: float = -2.5  # AAC adds up to a decibel: -1.5 in the file
    silence: float = -50.0
    fade_s: float = 0.01


H264 = Encoding(
    video={
        "vcodec": "libx264",
        "preset": "veryfast",
        "crf": 20,
        "profile:v": "high",
        "pix_fmt": "yuv420p",
        "flags:v": "+cgop+bitexact",
        # The encoder writes its name and settings into the stream, the muxer its name into the track.
        "bsf:v": "filter_units=remove_types=6",
        "metadata:s:v": "encoder=AVC",
    },
    audio={"acodec": "aac", "audio_bitrate": "160k", "ac": 2, "flags:a": "+bitexact"},
)
