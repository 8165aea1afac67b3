"""How a panel, a row and a page are written in Grafana's JSON. What is on them: operators.py, engine.py, money.py.

A panel knows its size and not its place: `page` fills the 24 columns from left to right and begins a new line where one is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

COLUMNS = 24
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
SCHEMA_VERSION = 39  # Grafana brings older ones up to date by itself

GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"
AWAY_OR_UP = {"0": {"text": "away", "color": RED}, "1": {"text": "up", "color": GREEN}}


@dataclass(frozen=True)
class Query:
    """An expression of PromQL and how its series are called: text with {{labels}}."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its unit and the instant query that fills it."""

    title: str
    unit: str
    expr: str


@dataclass(frozen=True)
class Steps:
    """Colours by value: `below` up to the first limit, then that of each limit."""

    below: str
    limits: tuple[tuple[float, str], ...] = ()

    def json(self) -> Json:
        first: list[Json] = [{"value": None, "color": self.below}]
        return {"mode": "absolute", "steps": [*first, *({"value": value, "color": color} for value, color in self.limits)]}


PLAIN = Steps(BLUE)
NONE_IS_WELL = Steps(GREEN, ((1, RED),))
ONE_IS_WELL = Steps(RED, ((1, GREEN),))


def row(title: str) -> Json:
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": COLUMNS, "h": 1}}


def stat(
    title: str,
    what: str,
    unit: str,
    *queries: Query,
    steps: Steps = PLAIN,
    names: Json | None = None,
    size: tuple[int, int] = (6, 4),
) -> Json:
    """Values of now in large type, coloured. `names`: texts for single values."""
    defaults: Json = {"unit": unit, "thresholds": steps.json(), "color": {"mode": "thresholds"}, "noValue": "unknown"}
    if names:
        defaults["mappings"] = [{"type": "value", "options": names}]
    options = {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
    }
    return _panel("stat", title, what, size, defaults, options) | {"targets": _targets(queries, instant=True)}


def lines(
    title: str,
    what: str,
    unit: str,
    *queries: Query,
    limit: float | None = None,
    stacked: bool = False,
    size: tuple[int, int] = (12, 8),
) -> Json:
    """Values over time. `limit`: where the alert rings, drawn as a line."""
    custom: Json = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if stacked else 5,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    defaults: Json = {"unit": unit, "min": 0, "color": {"mode": "palette-classic"}, "custom": custom}
    if limit is not None:
        defaults["thresholds"] = Steps("transparent", ((limit, RED),)).json()
        custom["thresholdsStyle"] = {"mode": "line"}
    options = {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel("timeseries", title, what, size, defaults, options) | {"targets": _targets(queries)}


def table(title: str, what: str, *columns: Column, by: str, size: tuple[int, int] = (24, 10)) -> Json:
    """One line for each value of the label `by`, one column for each query, sorted by the first."""
    alone = len(columns) == 1  # Grafana numbers the values of several queries only
    fields = {"Value" if alone else f"Value #{_ref(number)}": column for number, column in enumerate(columns)}
    overrides = [
        {"matcher": {"id": "byName", "options": column.title}, "properties": [{"id": "unit", "value": column.unit}]}
        for column in columns
    ]
    names = {field: column.title for field, column in fields.items()}
    order = {field: place for place, field in enumerate([by, *fields])}
    sort = [{"displayName": columns[0].title, "desc": True}]
    panel = _panel("table", title, what, size, {"unit": columns[0].unit, "noValue": "none"}, {"showHeader": True, "sortBy": sort})
    panel["fieldConfig"]["overrides"] = overrides
    panel["transformations"] = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": names, "indexByName": order}},
    ]
    queries = [Query(column.expr, column.title) for column in columns]
    panel["targets"] = [target | {"format": "table"} for target in _targets(queries, instant=True)]
    return panel


def alert_table(title: str, what: str, size: tuple[int, int] = (24, 6)) -> Json:
    """What fires now, a line for each, with the labels that say where."""
    panel = _panel("table", title, what, size, {"unit": "none", "noValue": "Nothing fires."}, {"showHeader": True})
    firing = _targets([Query('ALERTS{alertstate="firing"}', "{{alertname}}")], instant=True)
    panel["targets"] = [target | {"format": "table"} for target in firing]
    hidden = {name: True for name in ("Time", "Value", "__name__", "alertstate", "job")}
    order = {name: place for place, name in enumerate(("alertname", "severity", "part", "queue", "kind", "process", "instance"))}
    panel["transformations"] = [
        {"id": "organize", "options": {"excludeByName": hidden, "renameByName": {}, "indexByName": order}},
    ]
    return panel


def page(
    uid: str, title: str, what: str, panels: Sequence[Json], *, hours: int, choices: dict[str, list[str]] | None = None
) -> Json:
    """A dashboard. `choices`: variables that the reader picks, each with its values, the first of them at the start."""
    return {
        "uid": f"cutroom-{uid}",
        "title": title,
        "description": what,
        "tags": ["cutroom"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": f"now-{hours}h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "title": "Cutroom", "tags": ["cutroom"], "asDropdown": False, "keepTime": True}],
        "templating": {"list": [_choice(name, values) for name, values in (choices or {}).items()]},
        "panels": _placed(panels),
    }


def _placed(panels: Sequence[Json]) -> list[Json]:
    placed: list[Json] = []
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        size = panel["gridPos"]
        if x + size["w"] > COLUMNS:
            x, y, height = 0, y + height, 0
        placed.append(panel | {"id": number, "gridPos": size | {"x": x, "y": y}})
        x, height = x + size["w"], max(height, size["h"])
    return placed


def _panel(kind: str, title: str, what: str, size: tuple[int, int], defaults: Json, options: Json) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": what,
        "datasource": PROMETHEUS,
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def _targets(queries: Sequence[Query], *, instant: bool = False) -> list[Json]:
    return [
        {
            "refId": _ref(number),
            "datasource": PROMETHEUS,
            "editorMode": "code",
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": instant,
            "range": not instant,
        }
        for number, query in enumerate(queries)
    ]


def _choice(name: str, values: list[str]) -> Json:
    options = [{"text": value, "value": value, "selected": value == values[0]} for value in values]
    return {"type": "custom", "name": name, "label": name, "query": ",".join(values), "options": options, "current": options[0]}


def _ref(number: int) -> str:
    return chr(ord("A") + number)
