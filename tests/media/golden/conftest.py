"""The one source that all golden clips are made of."""

from pathlib import Path

import pytest

from tests.media.golden.pictures import make_source


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("golden"))
