"""Metrics are a contract: named in one place, documented, bounded; and a page serves them."""

import math
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from cutroom.errors import SetupError, Unreachable
from cutroom.local.ports import free_port
from cutroom.settings import Settings
from cutroom.telemetry import metrics, page
from cutroom.telemetry.calls import measured

DOCUMENT = Path(__file__).parents[2] / "docs/metrics.md"
SUFFIX = {"counter": "_total", "info": "_info"}
Row = tuple[str, str, frozenset[str]]  # name as it is served, type, labels


def defined() -> set[Row]:
    rows = set()
    for metric in (value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)):
        (described,) = metric.describe()
        labels = {"version", "process"} if described.type == "info" else metric._labelnames
        rows.add((described.name + SUFFIX.get(described.type, ""), described.type, frozenset(labels)))
    return rows


def documented() -> set[Row]:
    lines = re.findall(r"^\| `(cutroom_\w+)` \| (\w+) \| ([\w, ]*) \|", DOCUMENT.read_text(), re.MULTILINE)
    return {(name, kind, frozenset(labels.split(", "))) for name, kind, labels in lines}


def calls(outcome: str) -> float:
    labels = {"service": "test", "operation": "ask", "outcome": outcome}
    return metrics.REGISTRY.get_sample_value("cutroom_call_seconds_count", labels) or 0.0


def test_every_metric_is_documented_with_its_type_and_labels_and_no_other() -> None:
    assert documented() == defined()


def test_no_metric_has_a_label_that_could_hold_an_id() -> None:
    bounded = {
        *("account", "code", "folder", "kind", "method", "mode", "operation", "outcome", "part", "phase", "process", "queue"),
        *("route", "service", "status", "step", "version"),
    }
    assert set().union(*(labels for _, _, labels in defined())) <= bounded


def test_a_metric_without_labels_would_tell_0_where_nobody_can_tell() -> None:
    assert all(labels for _, _, labels in defined())


def test_a_call_counts_as_answered_refused_or_unreachable() -> None:
    before = {outcome: calls(outcome) for outcome in ("ok", "refused", "unreachable")}
    with measured("test", "ask"):
        pass
    with pytest.raises(KeyError), measured("test", "ask"):
        raise KeyError
    with pytest.raises(Unreachable), measured("test", "ask"):
        raise Unreachable("away")
    assert {outcome: calls(outcome) - before[outcome] for outcome in before} == {"ok": 1, "refused": 1, "unreachable": 1}


def test_a_call_that_was_canceled_counts_as_nothing() -> None:
    before = [calls(outcome) for outcome in ("ok", "refused", "unreachable")]
    with pytest.raises(KeyboardInterrupt), measured("test", "ask"):
        raise KeyboardInterrupt
    assert [calls(outcome) for outcome in ("ok", "refused", "unreachable")] == before


async def test_a_worker_serves_its_metrics_and_its_health() -> None:
    port = free_port()
    async with page.serving(Settings(metrics_port=port)), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        served = await client.get("/metrics")
    assert served.headers["content-type"].startswith("text/plain; version=")
    assert "process_cpu_seconds" in {family.name for family in text_string_to_metric_families(served.text)}


async def test_a_taken_port_is_an_error_that_names_its_setting() -> None:
    settings = Settings(metrics_port=free_port())
    async with page.serving(settings):
        with pytest.raises(SetupError, match="CUTROOM_METRICS_PORT"):
            async with page.serving(settings):
                pass


async def test_port_0_serves_nothing() -> None:
    async with page.serving(Settings(metrics_port=0)):
        pass


def test_a_folder_that_is_gone_leaves_the_page_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    metrics.watch_disk(folder)
    free = {"folder": "home"}
    assert (metrics.REGISTRY.get_sample_value("cutroom_disk_free_bytes", free) or 0) > 0
    folder.rmdir()
    assert math.isnan(metrics.REGISTRY.get_sample_value("cutroom_disk_free_bytes", free) or 0)
