"""Tiny sources for the media tests, made once per session by the real ffmpeg."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cutroom.media.ffmpeg import locate
from cutroom.media.presets import Canvas

MakeSource = Callable[..., Path]

# Frame n is one flat grey whose luma says n: up to 100 frames, two steps apart.
NUMBERED = "color=gray:s=96x54:r=25:d=4,geq=lum='20+2*N':cb=128:cr=128"
SMALL = Canvas(108, 192, top=22, bottom=45, left=6, right=16)


def ffmpeg(*args: str | Path) -> str:
    """Run the real binary; answers what it said."""
    done = subprocess.run(
        [str(locate()), "-hide_banner", "-nostdin", "-y", *map(str, args)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="session")
def make_source(tmp_path_factory: pytest.TempPathFactory) -> MakeSource:
    """make_source("name.mp4", *ffmpeg arguments before the file name)."""
    folder = tmp_path_factory.mktemp("sources")

    def make(name: str, *args: str) -> Path:
        path = folder / name
        if not path.exists():
            ffmpeg(*args, path)
        return path

    return make


@pytest.fixture(scope="session")
def talk(make_source: MakeSource) -> Path:
    """Two seconds of moving picture with a tone."""
    return make_source("talk.mp4", *lavfi("testsrc2=s=320x180:r=25:d=2", "sine=440:d=2"), "-pix_fmt", "yuv420p", "-shortest")


def lavfi(*graphs: str) -> list[str]:
    """Inputs made by filters."""
    return [part for graph in graphs for part in ("-f", "lavfi", "-i", graph)]
