"""How clips look and sound, as data: the frame, the encoder, the caption styles."""

from dataclasses import astuple, dataclass
from typing import Any

from cutroom.contracts.media import Aspect, Resolution, short_side


@dataclass(frozen=True)
class Canvas:
    """A clip's picture in pixels, and the margins that the platforms' own buttons and texts cover.

    Captions of usual size are `text` pixels a line; the middle of their lines stands at `text_y`.
    """

    width: int
    height: int
    top: int
    bottom: int
    left: int
    right: int
    text: int
    text_y: int

    @property
    def side(self) -> int:
        """The shorter one."""
        return min(self.width, self.height)


CANVASES: dict[Aspect, Canvas] = {
    "9:16": Canvas(1080, 1920, top=220, bottom=450, left=60, right=164, text=92, text_y=1350),
    "4:5": Canvas(1080, 1350, top=90, bottom=150, left=60, right=60, text=84, text_y=1105),
    "1:1": Canvas(1080, 1080, top=70, bottom=90, left=60, right=60, text=76, text_y=905),
    "16:9": Canvas(1920, 1080, top=60, bottom=80, left=120, right=120, text=78, text_y=915),
}


def canvas_of(aspect: Aspect, resolution: Resolution) -> Canvas:
    """The aspect's canvas with a shorter side as the resolution says; margins and texts keep their shares of it."""
    full = CANVASES[aspect]
    scale = short_side(resolution) / full.side
    return Canvas(*(round(pixels * scale) for pixels in astuple(full)))


MOST_SLIDE = 0.6  # of the canvas's height is an inset's slide, so that the speaker below it can be seen


@dataclass(frozen=True)
class CaptionStyle:
    """Sizes are shares of the canvas's `text`, colours 0xRRGGBB.

    A group is at most `most_words` words on one or two lines; a silence longer than `pause_s` begins a new one, and the
    last word of a group stays for `linger_s` where nothing follows. The active word is lit by colour alone: a larger one
    would push its neighbours about.
    """

    font_file: str
    font_name: str
    size: float
    outline: float
    shadow: float
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
        size=1.0,
        outline=0.08,
        shadow=0.02,
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

    Sound under `silence` is left as it is: raising it would only bring up noise.
    """

    video: dict[str, Any]
    audio: dict[str, Any]
    most_fps: float = 60.0
    keyframe_s: float = 5.0
    sample_rate: int = 48000
    loudness: float = -14.0
    true_peak: float = -2.5  # AAC adds up to a decibel: -1.5 in the file
    silence: float = -50.0
    fade_s: float = 0.01


H264 = Encoding(
    video={
        "vcodec": "libx264",
        "preset": "veryfast",
        "crf": 19.5,
        # Less searching, and fewer bits moved from detail to flat walls: a fourth less work than the preset alone at crf 20,
        # for a tenth more bits at most; captioned talks come out a little nearer to the source, films up to 0.0003 of SSIM less.
        "x264-params": "subme=1:aq-mode=1:aq-strength=0.75",
        "profile:v": "high",
        "pix_fmt": "yuv420p",
        "flags:v": "+cgop+bitexact",
        # The encoder writes its name and settings into the stream, the muxer its name into the track.
        "bsf:v": "filter_units=remove_types=6",
        "metadata:s:v": "encoder=AVC",
    },
    audio={"acodec": "aac", "audio_bitrate": "160k", "ac": 2, "flags:a": "+bitexact"},
)
