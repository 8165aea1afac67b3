"""What the media tests share: recipes of tiny sources, and short ways to make and look at files."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

from cutroom.contracts.documents import Sentence, Transcript, Word
from cutroom.contracts.media import MediaFacts
from cutroom.media.ffmpeg import locate
from cutroom.media.presets import Canvas
from cutroom.media.probe import Policy, probe
from cutroom.media.sniff import sniff

MakeSource = Callable[..., Path]

# Frame n is one flat grey whose luma says n: up to 100 frames, two steps apart.
NUMBERED = "color=gray:s=96x54:r=25:d=4,geq=lum='20+2*N':cb=128:cr=128"
VP8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]
POLICY = Policy(source_s=4 * 3600, side_px=8192, fps=240, streams=16)
SMALL = Canvas(108, 192, top=22, bottom=45, left=6, right=16, text=9, text_y=129)


def ffmpeg(*args: str | Path) -> str:
    """Run the real binary; answers what it said."""
    done = subprocess.run(
        [str(locate()), "-hide_banner", "-nostdin", "-y", *map(str, args)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def lavfi(*graphs: str) -> list[str]:
    """Inputs made by filters."""
    return [part for graph in graphs for part in ("-f", "lavfi", "-i", graph)]


def facts(path: Path, policy: Policy = POLICY) -> MediaFacts:
    container = sniff(path).container
    assert container is not None
    return asyncio.run(probe(path, container, policy))


def transcript(words: list[Word], ends: list[int] | None = None) -> Transcript:
    """`ends`: indexes of words that close a sentence."""
    closing = sorted({*(ends or []), len(words) - 1}) if words else []
    sentences = []
    first = 0
    for last in closing:
        said = words[first : last + 1]
        text = " ".join(word.text for word in said)
        sentences.append(Sentence(text=text, start_s=said[0].start_s, end_s=said[-1].end_s, first_word=first, last_word=last + 1))
        first = last + 1
    return Transcript(engine="captions", language="en", duration_s=600, words=words, sentences=sentences)


def spoken(text: str, start_s: float = 10.0, word_s: float = 0.3) -> list[Word]:
    return [
        Word(text=part, start_s=start_s + number * word_s, end_s=start_s + (number + 0.9) * word_s)
        for number, part in enumerate(text.split())
    ]


TONE = "aevalsrc='0.5*sin(2*PI*440*t)*between(t,1,2)':d=3"
LATE_PICTURE = [*lavfi(TONE), "-itsoffset", "0.4", *lavfi(NUMBERED), "-map", "0:a", "-map", "1:v"]
LATE_SOUND = [*lavfi(NUMBERED), "-itsoffset", "0.5", *lavfi(TONE)]
LOSSLESS = ["-qp", "0", "-pix_fmt", "yuv420p"]
EVERY = list(range(100))
# How each is made, and which of the numbered frames a player shows at n / 25 seconds.
SOURCES = {
    "steady.mp4": ([*lavfi(NUMBERED, TONE), *LOSSLESS, "-bf", "2"], EVERY),
    "no-edit-list.mp4": ([*lavfi(NUMBERED, TONE), *LOSSLESS, "-bf", "2", "-use_editlist", "0"], [0, *EVERY]),
    "steady.mov": ([*lavfi(NUMBERED), *LOSSLESS], EVERY),
    "steady.mkv": ([*lavfi(NUMBERED, TONE), *LOSSLESS], EVERY),
    "steady.webm": ([*lavfi(NUMBERED, TONE), "-c:v", "libvpx-vp9", "-lossless", "1", "-deadline", "realtime"], EVERY),
    "late-picture.mp4": ([*LATE_PICTURE, *LOSSLESS], [0] * 10 + EVERY),
    "late-picture.mkv": ([*LATE_PICTURE, *LOSSLESS], [0] * 10 + EVERY),
    "held.mp4": (
        [*lavfi(NUMBERED), *LOSSLESS, "-vf", "select='not(between(n,10,29))'", "-fps_mode", "passthrough"],
        [n if n < 10 or n > 29 else 9 for n in EVERY],
    ),
}
