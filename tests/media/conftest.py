"""Tiny sources, made once per session by the real ffmpeg."""

import hashlib
from pathlib import Path

import pytest

from tests.media.material import MakeSource, ffmpeg, lavfi


@pytest.fixture(scope="session")
def make_source(tmp_path_factory: pytest.TempPathFactory) -> MakeSource:
    """make_source("name.mp4", *ffmpeg arguments before the file name). Files of one name and other arguments are others."""
    folder = tmp_path_factory.mktemp("sources")

    def make(name: str, *args: str) -> Path:
        path = folder / hashlib.sha256("\0".join(args).encode()).hexdigest()[:12] / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            ffmpeg(*args, path)
        return path

    return make


@pytest.fixture(scope="session")
def talk(make_source: MakeSource) -> Path:
    """Two seconds of moving picture with a tone."""
    return make_source("talk.mp4", *lavfi("testsrc2=s=320x180:r=25:d=2", "sine=440:d=2"), "-pix_fmt", "yuv420p", "-shortest")
