"""Namespaces of their own on the test server, so that no test sees what another does to one."""

from uuid import uuid4

import pytest
from temporalio.client import Client

from cutroom.settings import Settings
from cutroom.temporal.connection import connect
from cutroom.temporal.namespace import mend_namespace
from tests.conftest import TemporalServer


@pytest.fixture
async def nowhere(temporal_server: TemporalServer) -> Client:
    """A client of a namespace that nobody has made yet."""
    return await connect(Settings(temporal_address=temporal_server.address, temporal_namespace=f"test-{uuid4().hex}"))


@pytest.fixture
async def somewhere(nowhere: Client, temporal_server: TemporalServer) -> Client:
    """A client of a fresh namespace that lacks nothing."""
    await mend_namespace(nowhere, temporal_server.address)
    return nowhere
