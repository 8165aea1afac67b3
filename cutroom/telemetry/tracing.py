"""Traces: one for each request, through the outbox, the workflow and its steps, down to ffmpeg and the store.

A trace is handed on as a W3C `traceparent` and nothing else: what clients send along beside it (tracestate, baggage) is text
of theirs, and would end in workflow histories, which cannot be erased. Spans go to a collector where settings name one, else
to a file per process in the home folder, which `cutroom jobs trace` reads.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.textmap import CarrierT, Getter, Setter, default_getter, default_setter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import cutroom
from cutroom.settings import MIB, Settings

LARGEST_FILE = 32 * MIB
QUEUED = 2048
WRITTEN_EVERY_MS = 1000
COLLECTOR_WITHIN_S = 2
TRACEPARENT = "traceparent"

_tracer = trace.get_tracer("cutroom")


class TraceParent(TraceContextTextMapPropagator):
    """W3C trace context without `tracestate`."""

    def extract(self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter) -> Context:
        return super().extract({TRACEPARENT: getter.get(carrier, TRACEPARENT) or []}, context)

    def inject(self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter) -> None:
        own: dict[str, str] = {}
        super().inject(own, context)
        if TRACEPARENT in own:
            setter.set(carrier, TRACEPARENT, own[TRACEPARENT])


propagate.set_global_textmap(TraceParent())


def start(settings: Settings, process: str) -> None:
    """Record this process's spans from now on. `process`: api, control, outbound, media, gpu."""
    trace.set_tracer_provider(provider(_exporter(settings, process), process))


def provider(exporter: SpanExporter, process: str) -> TracerProvider:
    """What records spans and hands them to `exporter`."""
    resource = Resource.create({"service.name": f"cutroom-{process}", "service.version": cutroom.__version__})
    # Every trace is kept whole: a client that samples its own must not decide what can be seen of ours.
    recording = TracerProvider(resource=resource, sampler=ALWAYS_ON)
    # One batch may hold all that waits, so that a collector which does not answer holds up our end once, not batch by batch.
    recording.add_span_processor(BatchSpanProcessor(exporter, QUEUED, WRITTEN_EVERY_MS, QUEUED))
    return recording


def current() -> str:
    """The `traceparent` of the span that we are in; empty where nothing is recorded."""
    carrier: dict[str, str] = {}
    TraceParent().inject(carrier)
    return carrier.get(TRACEPARENT, "")


def trace_id(traceparent: str) -> str:
    """The trace's id, 32 hex digits, of a `traceparent`; empty of an empty one."""
    return traceparent.split("-")[1] if traceparent else ""


@contextmanager
def continuing(traceparent: str) -> Iterator[None]:
    """Spans of the body belong to the trace of `traceparent`; of an empty one, to the current trace."""
    if not traceparent:
        yield
        return
    token = context.attach(TraceParent().extract({TRACEPARENT: traceparent}))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def spanning(name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A span around the body. Where the body raises it is marked with the error's type, never with its words: they may quote
    what a user wrote."""
    with _tracer.start_as_current_span(name, kind=kind, record_exception=False, set_status_on_exception=False) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise


@contextmanager
def within(name: str) -> Iterator[None]:
    """A span of the current trace. Where there is none, none is begun: a probe that nobody asked for is no trace of its own."""
    if not trace.get_current_span().get_span_context().is_valid:
        yield
        return
    with spanning(name):
        yield


def folder(home: Path) -> Path:
    """Where the spans of a machine without a collector are kept."""
    return home / "traces"


def _exporter(settings: Settings, process: str) -> SpanExporter:
    if settings.otlp_endpoint:
        return OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=COLLECTOR_WITHIN_S)
    return FileExporter(folder(settings.home.expanduser()) / f"{process}.jsonl")


class FileExporter(SpanExporter):
    """One span a line, as OpenTelemetry writes JSON. A full file is set aside once, so that two at most are kept."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handler = RotatingFileHandler(file, maxBytes=LARGEST_FILE, backupCount=1)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self._handler.emit(logging.makeLogRecord({"msg": span.to_json(indent=None)}))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._handler.close()
