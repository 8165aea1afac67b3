"""Subtitles that a recording carries: which streams there are, and one of text as SRT.

A script (standard library and PyAV only) lists them in a limited child process, as `probe` looks at a whole file.
"""

from __future__ import annotations

import asyncio
import json
import re
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

# What ffmpeg calls streams that do not tell all that is said, but foreign passages and signs, remarks of the makers, songs
# or what is seen; and how their titles name them where nobody set the flag.
PARTIAL = ("forced", "comment", "lyrics", "karaoke", "descriptions", "visual_impaired")
PARTIAL_TITLE = re.compile(
    r"\b(forced|forcés?|forzad\w+|erzwungen\w*|signs|songs|lyrics|karaoke|[ck]omm?ent\w*|descri\w+)\b", re.IGNORECASE
)
SOUNDS_TITLE = re.compile(r"\b(sdh|hi|cc|hearing|sourds)\b", re.IGNORECASE)


class Subtitles(NamedTuple):
    """A stream: its place among the subtitle streams, its codec, and its language as ISO 639-1, empty where none is told.

    `partial`: it does not tell all that is said. `sounds`: it is for those who do not hear, and tells sounds beside words.
    """

    place: int
    codec: str
    language: str
    partial: bool = False
    sounds: bool = False

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
    return [as_told(place, **told) for place, told in enumerate(json.loads(out))]


def as_told(place: int, codec: str, language: str, title: str, flags: list[str]) -> Subtitles:
    """A stream by what its container says of it. `flags`: ffmpeg's dispositions."""
    partial = bool(PARTIAL_TITLE.search(title)) or not set(PARTIAL).isdisjoint(flags)
    sounds = bool(SOUNDS_TITLE.search(title)) or "hearing_impaired" in flags
    return Subtitles(place, codec, two_letters(language), partial, sounds)


def two_letters(language: str) -> str:
    """`deu` -> `de`, `eng` -> `en`, `und` -> ``."""
    language = language.lower().replace("_", "-").split("-")[0]
    return "" if language == "und" else THREE_LETTERS.get(language, language[:2])


def chosen(streams: list[Subtitles], language: str) -> Subtitles | None:
    """The text stream that tells what is said: in this language (ISO 639-1), else in one that is not told; none in another.

    Without a wish any language will do. Words alone come before words and sounds, then the first stream before later ones.
    """
    whole = [stream for stream in streams if stream.is_text and not stream.partial]
    usable = [stream for stream in whole if not language or stream.language in (language, "")]
    return min(usable, key=lambda stream: (language not in ("", stream.language), stream.sounds), default=None)


def plan_subtitles(source: Path, container: str, duration_s: float, stream: Subtitles, out: Path) -> FfmpegPlan:
    """Write a text stream as SRT, on the recording's own clock."""
    from cutroom.media.ffmpeg import limits_for, open_source, plan

    given = open_source(source, container, codec_whitelist=",".join(TEXT_CODECS))
    # Without copyts ffmpeg counts from the first subtitle, the only stream that it reads.
    output = given[f"s:{stream.place}"].output(str(out), f="srt", c="srt").global_args("-copyts")
    return plan(output, duration_s=duration_s, limits=limits_for(duration_s))


def _listed(path: str, demuxer: str) -> list[dict[str, Any]]:
    import av

    with av.open(path, format=demuxer, options={"protocol_whitelist": "file"}, metadata_errors="ignore") as container:
        return [
            {
                "codec": stream.codec_context.codec.canonical_name if stream.codec_context else "",
                "language": stream.metadata.get("language", ""),
                # MP4 names its tracks by their handlers.
                "title": stream.metadata.get("title") or stream.metadata.get("handler_name", ""),
                "flags": [flag.name for flag in type(stream.disposition) if flag in stream.disposition],
            }
            for stream in container.streams.subtitles
        ]


if __name__ == "__main__":
    print(json.dumps(_listed(sys.argv[1], sys.argv[2])))
