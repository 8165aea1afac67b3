"""promtool, and what an expression of PromQL asks for, held against the metrics that Cutroom has."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.metrics import Gauge, Histogram, Info, MetricWrapperBase

from cutroom.telemetry import metrics

ROOT = Path(__file__).parent.parent.parent
PROMETHEUS = ROOT / "deploy/prometheus"
RULES = PROMETHEUS / "rules/cutroom.yml"

TARGET_LABELS = {"job", "instance", "process"}  # what prometheus.yml gives to each series
OF_OTHERS = {
    "up": set[str](),
    "ALERTS": {"alertname", "alertstate", "severity", "part", "queue", "kind"},
    "process_resident_memory_bytes": set[str](),
    "temporal_worker_task_slots_available": {"worker_type", "task_queue"},
    "temporal_worker_task_slots_used": {"worker_type", "task_queue"},
}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"\b([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?")
_WORDS = {"and", "or", "unless", "offset", "bool"}


@cache
def programs() -> Path:
    """The folder of promtool and prometheus, which is fetched where this machine has none."""
    return Path(subprocess.run([ROOT / "scripts/prometheus.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())


def promtool(*words: str | Path) -> None:
    """Runs it; fails with what it said."""
    done = subprocess.run(
        [programs() / "promtool", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def known() -> dict[str, set[str]]:
    """Each series that Prometheus can have, with its own labels."""
    series = dict(OF_OTHERS)
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            series |= _series(metric)
    for rule in rules():
        if "record" in rule:
            (grouping,) = _GROUPING.findall(rule["expr"])
            series[rule["record"]] = _words(grouping)
    return series


def unknown(expression: str, series: Mapping[str, set[str]]) -> list[str]:
    """What the expression asks for and nobody has: series, and labels of them."""
    found = dict(asked(expression))
    wrong = [name for name in found if name not in series]
    for name, labels in found.items():
        wrong += [f"{name}{{{label}}}" for label in labels - TARGET_LABELS - series.get(name, labels)]
    grouped = {label for names in _GROUPING.findall(_STRING.sub('""', expression)) for label in _words(names)}
    return wrong + sorted(grouped - TARGET_LABELS - {label for name in found for label in series.get(name, ())})


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """(series, the labels it is selected by) of an expression."""
    plain = re.sub(r"\[[^]]*\]|\boffset\s+\w+", "", _GROUPING.sub("", _STRING.sub('""', expression)))
    for name, after, labels in _SELECTOR.findall(plain):
        if after != "(" and name not in _WORDS:
            yield name, set(re.findall(r"(\w+)\s*[=!]", labels))


def _series(metric: MetricWrapperBase) -> dict[str, set[str]]:
    name, labels = metric._name, set(metric._labelnames)
    if isinstance(metric, Histogram):
        return {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    if isinstance(metric, Info):
        return {f"{name}_info": {"version"}}
    return {name if isinstance(metric, Gauge) else f"{name}_total": labels}


def _words(names: str) -> set[str]:
    return set(re.findall(r"\w+", names))
