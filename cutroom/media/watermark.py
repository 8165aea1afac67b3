"""The mark that clips of some plans carry: a line in the lower corner, where no captions stand. Pure."""

from cutroom.media.captions import ass_time, head
from cutroom.media.presets import Canvas, CaptionStyle

TEXT = "made with Cutroom"

# Of a caption's line: 4% of a wide clip's height, less of a tall one's, where 4% would be as large as a caption.
_SIZE = 0.55
_EDGE = 0.08  # of its own line: dark around light, so that it can be read on any picture
_SEEN_THROUGH = 0x50  # of 0xFF


def mark(style: CaptionStyle, canvas: Canvas, length_s: float) -> str:
    """An ASS script that shows the mark through all of a clip, in the font of its captions."""
    size = _SIZE * canvas.text
    place = f"\\an4\\pos({canvas.left},{canvas.height - canvas.bottom // 2})"
    look = f"\\fs{size:.1f}\\bord{_EDGE * size:.1f}\\shad0\\alpha&H{_SEEN_THROUGH:02X}&"
    past_the_end = ass_time(round(length_s * 100) + 100)
    line = f"Dialogue: 0,{ass_time(0)},{past_the_end},Word,,0,0,0,,{{{place}{look}}}{TEXT}"
    return "\n".join([*head(style, canvas), line, ""])
