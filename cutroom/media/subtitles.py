"""Subtitles that a recording carries: which streams there are, and one of text as SRT.

A script (standard library and PyAV only) lists them in a limited child process, as `probe` looks at a whole file.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cutroom.media.ffmpeg import FfmpegPlan

# Those that ffmpeg turns into text; pictures of letters (DVD, Blu-ray, DVB) are not among them.
TEXT_CODECS = ("subrip", "srt", "webvtt", "ass", "ssa", "mov_text", "text", "ttml")
# ISO 639-2, as containers have it, for the languages that differ in more than their third letter.
THREE_LETTERS = {
    "ger": "de", "deu": "de", "spa": "es", "fre": "fr", "fra": "fr", "chi": "zh", "zho": "zh", "jpn": "ja", "por": "pt",
    "dut": "nl", "nld": "nl", "swe": "sv", "pol": "pl", "cze": "cs", "ces": "cs", "gre": "el", "ell": "el", "tur": "tr",
    "ukr": "uk", "kor": "ko", "rum": "ro", "ron": "ro", "ind": "id", "may": "ms", "msa": "ms", "per": "fa", "fas": "fa",
    "heb": "he", "slv": "sl", "slo": "sk", "slk": "sk", "est": "et", "lav": "lv", "lit": "lt", "bul": "bg", "cat": "ca",
    "dan": "da", "hrv": "hr", "srp": "sr",
}  # fmt: skip


class Subtitles(NamedTuple):
    """A stream: its place among the subtitle streams, its codec, and its language as ISO 639-1, empty where none is told."""

    place: int
    codec: str
    language: str

    @property
    def is_text(self) -> bool:
        return self.codec in TEXT_CODECS


async def subtitles_of(path: Path, container: str) -> list[Subtitles]:
    """The subtitle streams of an uploaded video; none where they cannot be read."""
    from cutroom.media.child import child
    from cutroom.media.ffmpeg import DEMUXERS
    from cutroom.media.probe import PROBE_LIMITS, PROBE_WALL_S

    async with child([sys.executable, "-I", __file__, str(path), DEMUXERS[container]], PROBE_LIMITS) as process:
        try:
            out, _ = await asyncio.wait_for(process.communicate(), PROBE_WALL_S)
        except TimeoutError:
            return []
    if process.returncode != 0:
        return []
    return [Subtitles(place, codec, two_letters(language)) for place, (codec, language) in enumerate(json.loads(out))]


def two_letters(language: str) -> str:
    """`deu` -> `de`, `eng` -> `en`, `und` -> ``."""
    language = language.lower().replace("_", "-").split("-")[0]
    return "" if language == "und" else THREE_LETTERS.get(language, language[:2])


def chosen(streams: list[Subtitles], language: str) -> Subtitles | None:
    """The text stream in this language (ISO 639-1), else the first one; of another language than is spoken none.

    Without a wish, the first text stream.
    """
    texts = [stream for stream in streams if stream.is_text]
    wished = [stream for stream in texts if language and stream.language == language]
    neutral = [stream for stream in texts if not language or not stream.language]
    return next(iter([*wished, *neutral]), None)


def plan_subtitles(source: Path, container: str, duration_s: float, stream: Subtitles, out: Path) -> FfmpegPlan:
    """Write a text stream as SRT, on the recording's own clock."""
    from cutroom.media.ffmpeg import limits_for, open_source, plan

    given = open_source(source, container, codec_whitelist=",".join(TEXT_CODECS))
    # Without copyts ffmpeg counts from the first subtitle, the only stream that it reads.
    output = given[f"s:{stream.place}"].output(str(out), f="srt", c="srt").global_args("-copyts")
    return plan(output, duration_s=duration_s, limits=limits_for(duration_s))


def _listed(path: str, demuxer: str) -> list[Any]:
    import av

    with av.open(path, format=demuxer, options={"protocol_whitelist": "file"}, metadata_errors="ignore") as container:
        return [
            [stream.codec_context.codec.canonical_name if stream.codec_context else "", stream.metadata.get("language", "")]
            for stream in container.streams.subtitles
        ]


if __name__ == "__main__":
    print(json.dumps(_listed(sys.argv[1], sys.argv[2])))
