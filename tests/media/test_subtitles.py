"""Subtitles that a recording carries."""

import os
import subprocess
from pathlib import Path

import pytest

from cutroom.media import ffmpeg, probe
from cutroom.media.subtitles import Subtitles, as_told, chosen, plan_subtitles, subtitles_of, two_letters
from cutroom.speech.captions_file import read_captions


@pytest.fixture
def subtitled(tmp_path: Path) -> Path:
    """Two seconds with English and German subtitles."""
    for name, text in (("en", "Good day."), ("de", "Guten Tag.")):
        (tmp_path / f"{name}.srt").write_text(f"1\n00:00:00,500 --> 00:00:01,500\n{text}\n")
    inputs = ["-f", "lavfi", "-i", "color=s=64x64:d=2", "-i", str(tmp_path / "en.srt"), "-i", str(tmp_path / "de.srt")]
    kept = ["-map", "0", "-map", "1", "-map", "2", "-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=ger"]
    video = tmp_path / "talk.mkv"
    subprocess.run([str(ffmpeg.locate()), "-v", "error", *inputs, *kept, "-c:s", "srt", str(video)], check=True, timeout=60)
    return video


def marked(video: Path, folder: Path, kept: list[str]) -> Path:
    """The same streams with other flags and titles."""
    copy = ["-i", str(video), "-map", "0", "-c", "copy", *kept, str(folder / "marked.mkv")]
    subprocess.run([str(ffmpeg.locate()), "-v", "error", *copy], check=True, timeout=60)
    return folder / "marked.mkv"


async def test_the_text_stream_in_the_wished_language_is_read(subtitled: Path, tmp_path: Path) -> None:
    streams = await subtitles_of(subtitled, "mkv")
    assert [stream.language for stream in streams] == ["en", "de"]
    stream = chosen(streams, "de")
    assert stream is not None
    await ffmpeg.run(plan_subtitles(subtitled, "mkv", 2.0, stream, tmp_path / "out.srt"))
    assert [(cue.start_s, cue.text) for cue in read_captions(tmp_path / "out.srt").cues] == [(0.5, "Guten Tag.")]


async def test_a_file_that_cannot_be_read_in_time_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_WALL_S", 0.5)
    os.mkfifo(tmp_path / "endless.mkv")
    assert await subtitles_of(tmp_path / "endless.mkv", "mkv") == []


def test_pictures_of_letters_and_other_languages_are_not_taken() -> None:
    bitmap, german, unnamed = Subtitles(0, "hdmv_pgs_subtitle", "en"), Subtitles(1, "subrip", "de"), Subtitles(2, "ass", "")
    assert chosen([bitmap, german, unnamed], "en") == unnamed
    assert chosen([bitmap, german], "en") is None
    assert chosen([bitmap, german], "") == german


def test_streams_that_do_not_tell_every_word_are_not_taken_and_those_with_sounds_come_last() -> None:
    forced, sounds, words = (
        Subtitles(0, "subrip", "en", partial=True),
        Subtitles(1, "subrip", "en", sounds=True),
        Subtitles(2, "ass", "en"),
    )
    assert chosen([forced, sounds, words], "en") == words
    assert chosen([forced, sounds, words], "") == words
    assert chosen([forced, sounds, Subtitles(3, "ass", "")], "en") == sounds
    assert chosen([forced], "en") is None
    assert chosen([forced], "") is None


@pytest.mark.parametrize(
    "kept", [["-disposition:s:0", "forced"], ["-disposition:s:0", "comment"], ["-metadata:s:s:0", "title=Signs & Songs"]]
)
async def test_a_container_tells_by_flag_or_title_which_stream_is_not_whole(
    subtitled: Path, tmp_path: Path, kept: list[str]
) -> None:
    streams = await subtitles_of(marked(subtitled, tmp_path, [*kept, "-disposition:s:1", "hearing_impaired"]), "mkv")
    assert [(stream.partial, stream.sounds) for stream in streams] == [(True, False), (False, True)]
    assert chosen(streams, "") == streams[1]


def test_common_titles_of_whole_streams_are_whole() -> None:
    titles = ("English", "SubtitleHandler", "Full", "English (SDH)", "Fran\u00e7ais", "Interview with the signer")
    assert not any(as_told(0, "subrip", "eng", title, ["default"]).partial for title in titles)
    assert [as_told(0, "subrip", "eng", title, []).sounds for title in ("English [CC]", "SDH", "Chinese")] == [True, True, False]


def test_languages_of_containers_have_two_letters_here() -> None:
    assert [two_letters(tag) for tag in ("eng", "ger", "und", "pt-BR", "spa")] == ["en", "de", "", "pt", "es"]
