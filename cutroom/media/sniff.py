"""What a file is, by its first bytes and never by its name."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cutroom.errors import BadInput

Container = Literal["mp4", "mov", "mkv", "webm"]
HEAD_BYTES = 4096

_QUICKTIME_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_STILL_BRANDS = {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"}
_TIMING = re.compile(r"^\s*\d+:\d{2}:\d{2}[,.]\d{1,3}\s*-->", re.MULTILINE)
_ASS = re.compile(r"(?:;[^\n]*\n\s*)*\[Script Info\]", re.IGNORECASE)
_TTML = re.compile(r"<(?:\w{1,20}:)?tt[\s>]")
_PLAYLIST = re.compile(
    r"^(#EXTM3U|ffconcat |\[playlist\]|<smil|<asx|<SmoothStreamingMedia)|<MPD[\s>]|^file\s+'", re.IGNORECASE | re.MULTILINE
)
_OTHERS = [  # offset, bytes, what to call it
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"ID3", "an MP3 sound file"),
    (0, b"\xff\xfb", "an MP3 sound file"),
    (8, b"WAVE", "a WAV sound file"),
    (8, b"AVI ", "an AVI video"),
    (0, b"OggS", "an Ogg file"),
    (0, b"fLaC", "a FLAC sound file"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"FLV\x01", "a Flash video"),
    (0, b"\x30\x26\xb2\x75", "a Windows Media file"),
    (0, b"\x00\x00\x01\xba", "an MPEG program stream"),
    (0, b"\x1f\x8b", "a gzip archive"),
]


@dataclass(frozen=True)
class Sniffed:
    """`container` only for a video."""

    kind: Literal["video", "captions", "image"]
    content_type: str
    container: Container | None = None


def sniff(path: Path) -> Sniffed:
    """Read the head of a file. Raises BadInput: empty_file, playlist_refused, unknown_format."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise BadInput("The file is empty; upload it again.", code="empty_file")
    known = _video(head) or _image(head) or _captions(head)
    if known is None:
        raise BadInput(
            f"This is {_looks_like(head)}, which cannot be used. Upload MP4, MOV, MKV or WebM video, SRT, WebVTT, ASS or "
            "TTML captions, or a JPEG, PNG or WebP picture.",
            code="unknown_format",
        )
    return known


def _video(head: bytes) -> Sniffed | None:
    if head[4:8] == b"ftyp" and head[8:12] not in _STILL_BRANDS:
        mov = head[8:12] == b"qt  "
        return Sniffed("video", "video/quicktime" if mov else "video/mp4", "mov" if mov else "mp4")
    if head[4:8] in _QUICKTIME_ATOMS:
        return Sniffed("video", "video/quicktime", "mov")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        webm = b"\x42\x82\x84webm" in head[:64]
        return Sniffed("video", "video/webm" if webm else "video/x-matroska", "webm" if webm else "mkv")
    return None


def _image(head: bytes) -> Sniffed | None:
    if head.startswith(b"\xff\xd8\xff"):
        return Sniffed("image", "image/jpeg")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Sniffed("image", "image/png")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Sniffed("image", "image/webp")
    return None


def _captions(head: bytes) -> Sniffed | None:
    text = _text(head)
    if text is None:
        return None
    if text.startswith("WEBVTT"):
        return Sniffed("captions", "text/vtt")
    if _PLAYLIST.search(text):
        raise BadInput("This is a playlist that points at other files; upload the video itself.", code="playlist_refused")
    if _ASS.match(text):
        return Sniffed("captions", "text/x-ssa")
    if _TTML.match(text) or (text.startswith("<?xml") and _TTML.search(text)):
        return Sniffed("captions", "application/ttml+xml")
    if _TIMING.search(text):
        return Sniffed("captions", "application/x-subrip")
    return None


def _text(head: bytes) -> str | None:
    """The head as text, or None where it holds bytes that no text has."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace").lstrip()
    if b"\x00" in head:
        return None
    return head.decode("utf-8-sig", errors="replace").lstrip()


def _looks_like(head: bytes) -> str:
    for offset, magic, name in _OTHERS:
        if head[offset:].startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF picture"
    text = _text(head)
    if text is None:
        return "a file of an unknown kind"
    return "a web page" if text[:200].lower().startswith(("<!doctype html", "<html")) else "text"
