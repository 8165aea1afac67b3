"""Grafana's dashboards: current, readable, and asking Prometheus only for what there is."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from cutroom.telemetry import metrics
from tests.deploy.prometheus import ROOT, asked, known, promtool, rules, unknown

GRAFANA = ROOT / "deploy/grafana"
PAGES = ("operator", "engine", "money")
COLUMNS = 24
OF_EVERY_SERIES = {"process", "instance", "alertname"}
VARIABLES = {"$__rate_interval": "1m", "$__range": "6h", "$mode": "live"}


def page(name: str) -> dict[str, Any]:
    return dict(json.loads((GRAFANA / f"dashboards/{name}.json").read_text()))


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in page(name)["panels"] if panel["type"] != "row"]


def expressions(name: str) -> Iterator[str]:
    """Each expression of a page as Grafana would send it."""
    for panel in panels(name):
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            yield expression


def test_the_pages_are_what_the_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", GRAFANA / "generate.py", tmp_path], check=True)
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert written == {file.name: file.read_text() for file in (GRAFANA / "dashboards").iterdir()}
    assert set(written) == {f"{name}.json" for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_every_panel_says_what_it_shows_in_which_unit_and_names_its_series(name: str) -> None:
    for panel in panels(name):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]
        assert panel["datasource"]["uid"] == "prometheus", panel["title"]


@pytest.mark.parametrize("name", PAGES)
def test_panels_stand_beside_each_other_within_the_page(name: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in page(name)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in page(name)["panels"]}) == len(page(name)["panels"])


@pytest.mark.parametrize("name", PAGES)
def test_prometheus_understands_every_expression(name: str, tmp_path: Path) -> None:
    asked_for = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions(name))]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": name, "rules": asked_for}]}))
    promtool("check", "rules", file)


@pytest.mark.parametrize("name", PAGES)
def test_expressions_ask_only_for_metrics_and_labels_that_there_are(name: str) -> None:
    series = known()
    assert {expression: wrong for expression in expressions(name) if (wrong := unknown(expression, series))} == {}


@pytest.mark.parametrize("name", PAGES)
def test_series_are_called_by_labels_that_the_expression_leaves(name: str) -> None:
    for panel in panels(name):
        for target in panel["targets"]:
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                kept = " ".join(re.findall(r"by \(([^)]*)\)", target["expr"]))
                assert label in re.findall(r"\w+", kept) or (not kept and label in OF_EVERY_SERIES), (panel["title"], label)


def test_every_metric_of_ours_is_on_a_page() -> None:
    recorded = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
    shown = {name for page_name in PAGES for expression in expressions(page_name) for name, _ in asked(expression)}
    shown |= {name for record in shown & recorded.keys() for name, _ in asked(recorded[record])}
    ours = {metric._name for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)}
    assert {
        metric for metric in ours if not any(re.fullmatch(rf"{metric}(_total|_info|_bucket|_sum|_count)?", name) for name in shown)
    } == set()


def test_grafana_is_told_of_the_sources_that_the_panels_ask() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/cutroom.yml").read_text())["datasources"]
    assert {source["uid"]: source["url"] for source in sources} == {
        "prometheus": "http://prometheus:9090",
        "tempo": "http://tempo:3200",
    }


def test_grafana_finds_the_pages_where_compose_puts_them() -> None:
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/cutroom.yml").read_text())["providers"]
    volumes = yaml.safe_load((ROOT / "docker-compose.temporal.yml").read_text())["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in volumes
