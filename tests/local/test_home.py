"""Private files of the home folder."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cutroom.local.home import write_private


def test_writers_at_once_leave_one_whole_private_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_private(file, text), texts * 5))
    assert file.read_text() in texts
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["token"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "token"
    write_private(file, "first")
    with pytest.raises(UnicodeEncodeError):
        write_private(file, "\ud800")
    assert file.read_text() == "first"
    assert os.listdir(tmp_path) == ["token"]
