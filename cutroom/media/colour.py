"""Pictures of any kind brought to size and to BT.709, limited range, 8 bits, square pixels, which a clip's file says it is.

HDR (BT.2100) is tone-mapped so that its reference white, 203 cd/m2 (ITU-R BT.2408), comes out near white: linear light, the
gamut of BT.709, then a curve that leaves what is dark as it is and bends highlights of up to 1000 cd/m2 into range.
"""

from typing import Any

from cutroom.contracts.media import Colour

REFERENCE_WHITE = 203
_PEAK = 1000 / REFERENCE_WHITE
_TRANSFER = {"pq": "smpte2084", "hlg": "arib-std-b67", "bt2020": "bt2020-10"}


def to_bt709(video: Any, colour: Colour, width: int, height: int, **options: Any) -> Any:
    """`options` go to the filter `scale`."""
    if colour in _TRANSFER:
        scaled = video.filter("scale", width, height, **options)
        return _from_bt2020(scaled, colour).filter("format", "yuv420p").filter("setsar", 1)
    if colour != "bt709":
        options |= {"flags": "bicubic+accurate_rnd+full_chroma_int"}  # else a change of matrix loses two levels in all channels
    matrices = {"in_color_matrix": colour, "out_color_matrix": "bt709", "out_range": "tv"}
    return video.filter("scale", width, height, **matrices, **options).filter("format", "yuv420p").filter("setsar", 1)


def _from_bt2020(video: Any, colour: Colour) -> Any:
    told = {"transferin": _TRANSFER[colour], "primariesin": "bt2020", "matrixin": "bt2020nc"}
    whole = video.filter("format", "yuv444p10le")  # zscale refuses an odd side where chroma is halved
    light = whole.filter("zscale", **told, transfer="linear", primaries="bt709", matrix="gbr", npl=REFERENCE_WHITE)
    light = light.filter("format", "gbrpf32le")
    if colour != "bt2020":
        light = light.filter("tonemap", "mobius", peak=_PEAK, desat=0)
    back = light.filter("zscale", transfer="bt709", primaries="bt709", matrix="bt709", range="limited")
    return back.filter("format", "yuv444p")
