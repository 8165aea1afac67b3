"""Interlaced pictures made whole: two fields, each of them every other row as it was stored, become one frame. Pure."""

from typing import Any

from cutroom.contracts.media import MediaFacts

# Filters that turn by degrees clockwise.
_TURNS: dict[int, list[tuple[str, ...]]] = {
    90: [("transpose", "clock")],
    180: [("hflip",), ("vflip",)],
    270: [("transpose", "cclock")],
}


def deinterlaced(video: Any, media: MediaFacts) -> Any:
    """The upright picture of a source, one frame of every two fields where it is interlaced."""
    if not media.interlaced:
        return video
    # ffmpeg turns what it decodes before any filter sees it; turned back, fields are rows again.
    back = _turned(video, -media.rotation % 360)
    return _turned(back.filter("bwdif", mode="send_frame"), media.rotation)


def _turned(video: Any, clockwise: int) -> Any:
    for name, *how in _TURNS.get(clockwise, []):
        video = video.filter(name, *how)
    return video
