"""What a file is, by its bytes."""

from pathlib import Path

import pytest

from cutroom.errors import BadInput
from cutroom.media.sniff import Sniffed, sniff


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (b"\0\0\0\x20ftypisom", Sniffed("video", "video/mp4", "mp4")),
        (b"\0\0\0\x14ftypqt  ", Sniffed("video", "video/quicktime", "mov")),
        (b"\0\0\0\x08wide\0\0\0\0mdat", Sniffed("video", "video/quicktime", "mov")),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", Sniffed("video", "video/webm", "webm")),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", Sniffed("video", "video/x-matroska", "mkv")),
        (b"\xff\xd8\xff\xe0", Sniffed("image", "image/jpeg")),
        (b"\x89PNG\r\n\x1a\n", Sniffed("image", "image/png")),
        (b"RIFF\0\0\0\0WEBP", Sniffed("image", "image/webp")),
        (b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi", Sniffed("captions", "application/x-subrip")),
        (b"\xef\xbb\xbf1\n0:00:01.5 --> 0:00:02.5\nHi", Sniffed("captions", "application/x-subrip")),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi".encode("utf-16"), Sniffed("captions", "application/x-subrip")),
        (b"[Script Info]\n; made by hand\nScriptType: v4.00+", Sniffed("captions", "text/x-ssa")),
        (b'<?xml version="1.0"?>\n<!-- a -->\n<tt xmlns="http://www.w3.org/ns/ttml">', Sniffed("captions", "application/ttml+xml")),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi", Sniffed("captions", "text/vtt")),
    ],
)
def test_bytes_tell_the_kind_whatever_the_name(tmp_path: Path, head: bytes, known: Sniffed) -> None:
    path = tmp_path / "anything.pdf"
    path.write_bytes(head)
    assert sniff(path) == known


@pytest.mark.parametrize(
    ("head", "code", "says"),
    [
        (b"", "empty_file", "empty"),
        (b"#EXTM3U\n#EXTINF:3\nhttp://example.com/a.ts", "playlist_refused", "playlist"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'", "playlist_refused", "playlist"),
        (b"file '/etc/passwd'\n", "playlist_refused", "playlist"),
        (b'<?xml version="1.0"?>\n<MPD xmlns="x">', "playlist_refused", "playlist"),
        (b"Dear reader, this is no video.", "unknown_format", "text"),
        (b"<!DOCTYPE html><html>", "unknown_format", "a web page"),
        (b"%PDF-1.7", "unknown_format", "a PDF document"),
        (b"ID3\x04\0\0\0\0", "unknown_format", "an MP3 sound file"),
        (b"\0\0\0\x18ftypheic", "unknown_format", "picture"),
        (b"\0\1\2\3\4\5", "unknown_format", "unknown kind"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, head: bytes, code: str, says: str) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(head)
    with pytest.raises(BadInput) as refused:
        sniff(path)
    assert refused.value.code == code
    assert says in refused.value.detail
    assert "reader" not in refused.value.detail
