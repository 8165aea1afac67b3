"""One stack for all soak tests, killed and started again by them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cutroom.client import Client
from tests.soak.rig import Rig


@pytest.fixture(scope="session")
def rig(servers_folder: Path) -> Iterator[Rig]:
    rig = Rig.at(servers_folder)
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture
def client(rig: Rig) -> Iterator[Client]:
    with rig.client() as client:
        yield client


@pytest.fixture(scope="session")
def asset(rig: Rig) -> str:
    """A recording on which a campaign has been finished, so that later ones find what belongs to the recording."""
    with rig.client() as client:
        asset = client.upload(rig.recording).id
        job = rig.finished(client, client.create_campaign(asset, count=1, min_s=5, max_s=8).id)
    assert job.status == "succeeded", job
    return asset
