"""How payloads travel: pydantic models as JSON, through a codec where settings name one."""

import base64
from collections.abc import Sequence

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec
from temporalio.exceptions import ApplicationError

from cutroom.contracts.base import JobRef
from cutroom.errors import SetupError, Unreachable
from cutroom.settings import Settings
from cutroom.temporal.connection import connect, data_converter

JOB = JobRef(org_id="org_1", job_id="cmp_1")


class Scrambling(PayloadCodec):
    """Turns bytes around, so that a test sees whether it was asked."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload(metadata={"encoding": b"binary/scrambled"}, data=p.SerializeToString()[::-1]) for p in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(p.data[::-1]) for p in payloads]


async def test_a_model_comes_back_as_it_went() -> None:
    converter = data_converter(Settings())
    payloads = await converter.encode([JOB])
    assert await converter.decode(payloads, [JobRef]) == [JOB]


async def test_the_named_codec_sees_every_payload() -> None:
    converter = data_converter(Settings(payload_codec="tests.temporal.test_connection:Scrambling"))
    payloads = await converter.encode([JOB])
    assert b"cmp_1" not in payloads[0].data
    assert await converter.decode(payloads, [JobRef]) == [JOB]


async def test_what_failures_say_goes_through_the_codec_too() -> None:
    converter = data_converter(Settings(payload_codec="tests.temporal.test_connection:Scrambling"))
    from temporalio.api.failure.v1 import Failure

    failure = Failure()
    await converter.encode_failure(ApplicationError("a sentence about the job"), failure)
    assert b"sentence" not in failure.SerializeToString()
    assert base64.b64encode(b"sentence") not in failure.SerializeToString()


def test_a_codec_that_cannot_be_loaded_says_how_to_name_one() -> None:
    with pytest.raises(SetupError, match=r"package\.module:factory") as caught:
        data_converter(Settings(payload_codec="nowhere:nothing"))
    assert caught.value.code == "payload_codec_unknown"


async def test_no_server_is_an_error_of_its_own() -> None:
    with pytest.raises(Unreachable) as caught:
        await connect(Settings(temporal_address="127.0.0.1:9"))
    assert caught.value.code == "temporal_unavailable"
