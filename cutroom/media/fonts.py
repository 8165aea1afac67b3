"""The caption font: DejaVu Sans Bold (free licence), which matplotlib carries; and how wide text is in it."""

import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from cutroom.errors import SetupError

_MEASURED_AT = 1000


@cache
def font_file(name: str) -> Path:
    """A font of matplotlib's own folder, found without importing matplotlib. Raises SetupError."""
    found = find_spec("matplotlib")
    if found is not None and found.origin is not None:
        path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        if path.is_file():
            return path
    raise SetupError("The caption font is missing: install the package matplotlib again.", code="font_missing")


@cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_file(name), _MEASURED_AT, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def text_width(text: str, font: str, ass_size: float) -> float:
    """Pixels that `text` takes at this ASS font size.

    ASS sizes are ascent plus descent, not the em. Wide characters, which the font lacks, come from a system font and are
    counted as a full line height each.
    """
    face = _font(font)
    ascent, descent = face.getmetrics()
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    narrow = "".join(char for char in text if unicodedata.east_asian_width(char) not in "WF")
    return ass_size * (face.getlength(narrow) / (ascent + descent) + wide)
