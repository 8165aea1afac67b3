"""A trace is handed on by its traceparent alone, and its spans are kept where people find them."""

import gzip
import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.baggage import get_all
from opentelemetry.propagate import extract, inject
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cutroom.telemetry import tracing
from cutroom.telemetry.tracing import FileExporter

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_what_clients_send_beside_the_traceparent_goes_no_further() -> None:
    context = extract({"traceparent": PARENT, "tracestate": "vendor=what-a-user-wrote", "baggage": "name=what-a-user-wrote"})
    handed_on: dict[str, str] = {}
    inject(handed_on, context)
    assert handed_on == {"traceparent": PARENT}
    assert get_all(context) == {}


def test_a_broken_traceparent_begins_no_trace() -> None:
    handed_on: dict[str, str] = {}
    inject(handed_on, extract({"traceparent": "00-nonsense"}))
    assert handed_on == {}


def test_who_continues_a_trace_is_in_it() -> None:
    assert tracing.current() == ""
    with tracing.continuing(PARENT):
        assert tracing.current() == PARENT
        assert tracing.trace_id(tracing.current()) == TRACE
    assert tracing.current() == ""


def test_without_a_trace_to_continue_the_current_one_goes_on() -> None:
    with tracing.continuing(PARENT), tracing.continuing(""):
        assert tracing.current() == PARENT


def test_spans_are_kept_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "traces" / "test.jsonl"
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(FileExporter(file)))
    with tracing.continuing(PARENT), provider.get_tracer("test").start_as_current_span("outer") as outer:
        outer.set_attribute("part", "1")
    provider.shutdown()
    (line,) = file.read_text().splitlines()
    span = json.loads(line)
    assert span["name"] == "outer"
    assert span["context"]["trace_id"] == f"0x{TRACE}"
    assert span["attributes"] == {"part": "1"}


def test_a_full_file_is_set_aside_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "LARGEST_FILE", 2000)
    file = tmp_path / "test.jsonl"
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(FileExporter(file)))
    for _ in range(30):
        provider.get_tracer("test").start_span("one").end()
    provider.shutdown()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.jsonl", "test.jsonl.1"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


def test_with_a_collector_the_spans_of_a_process_are_there_when_it_has_ended(tmp_path: Path) -> None:
    program = """
        from cutroom.settings import get_settings
        from cutroom.telemetry import tracing
        tracing.start(get_settings(), "media")
        with tracing.spanning("ffmpeg"):
            pass
    """
    with collector() as (url, received):
        environment = {**os.environ, "CUTROOM_OTLP_ENDPOINT": url, "CUTROOM_HOME": str(tmp_path)}
        subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment, check=True, timeout=60)
    (sent,) = received
    (of_process,) = ExportTraceServiceRequest.FromString(sent).resource_spans
    attributes = {attribute.key: attribute.value.string_value for attribute in of_process.resource.attributes}
    assert attributes["service.name"] == "cutroom-media"
    assert [span.name for scope in of_process.scope_spans for span in scope.spans] == ["ffmpeg"]
    assert not tracing.folder(tmp_path).exists()


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP receiver that keeps what it is sent."""
    received: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_a_collector_that_does_not_answer_holds_up_the_end_of_a_process_for_seconds_only(tmp_path: Path) -> None:
    program = """
        from cutroom.settings import get_settings
        from cutroom.telemetry import tracing
        tracing.start(get_settings(), "media")
        for _ in range(1200):
            with tracing.spanning("ffmpeg"):
                pass
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {**os.environ, "CUTROOM_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment, check=False, timeout=15)
    assert ended.returncode == 0


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Sequence[ReadableSpan]]]:
    """The spans of this test, recorded as a process of ours does."""
    exporter = InMemorySpanExporter()
    provider = tracing.provider(exporter, "test")
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))

    def spans() -> Sequence[ReadableSpan]:
        provider.force_flush()
        return exporter.get_finished_spans()

    yield spans
    provider.shutdown()


def test_an_error_is_named_by_its_type_and_never_in_its_words(recorded: Callable[[], Sequence[ReadableSpan]]) -> None:
    with pytest.raises(ValueError, match="a user"), tracing.spanning("ffmpeg"):
        raise ValueError("what a user wrote")
    (span,) = recorded()
    assert span.status.description == "ValueError"
    assert "what a user wrote" not in span.to_json()


def test_a_client_that_samples_does_not_decide_what_is_kept_of_ours(recorded: Callable[[], Sequence[ReadableSpan]]) -> None:
    with tracing.continuing(PARENT.removesuffix("01") + "00"), tracing.spanning("ours"):
        assert tracing.current().endswith("-01")
    assert [span.name for span in recorded()] == ["ours"]
