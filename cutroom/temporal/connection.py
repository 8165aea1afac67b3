"""Connecting to Temporal: address, TLS, API key, namespace, and how payloads are written."""

import asyncio
import importlib

from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from temporalio.service import RPCError

from cutroom.errors import SetupError
from cutroom.settings import Settings
from cutroom.temporal.tls import not_connected, tls_config

# A server that takes the connection and then says nothing would hold a caller for good.
CONNECT_LIMIT_S = 10.0


def data_converter(settings: Settings) -> DataConverter:
    """Pydantic models as JSON, through the codec that `CUTROOM_PAYLOAD_CODEC` names; failures are encoded like payloads.

    Raises SetupError (`payload_codec_unknown`) where the codec cannot be loaded.
    """
    if not settings.payload_codec:
        return pydantic_data_converter
    module, _, factory = settings.payload_codec.partition(":")
    try:
        codec: PayloadCodec = getattr(importlib.import_module(module), factory)()
    except (ImportError, AttributeError) as error:
        raise SetupError(
            f"CUTROOM_PAYLOAD_CODEC names {settings.payload_codec}, which cannot be loaded: write package.module:factory.",
            code="payload_codec_unknown",
        ) from error
    return DataConverter(
        payload_converter_class=pydantic_data_converter.payload_converter_class,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
        payload_codec=codec,
    )


def address(settings: Settings) -> str:
    """host:port of the Temporal server in use."""
    return settings.temporal_address or f"127.0.0.1:{settings.temporal_port}"


async def connect(settings: Settings) -> Client:
    """A connected client. Raises Unreachable (`temporal_unavailable`), SetupError (`temporal_tls_misconfigured`)."""
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            return await Client.connect(
                address(settings),
                namespace=settings.temporal_namespace,
                tls=tls_config(settings),
                api_key=settings.temporal_api_key.get_secret_value() or None,
                data_converter=data_converter(settings),
                interceptors=[TracingInterceptor()],
            )
    except (RuntimeError, RPCError, TimeoutError) as error:
        raise not_connected(str(error)) from error
