"""Writes Grafana's dashboards, one page for each audience. After a change: `.venv/bin/python deploy/grafana/generate.py`.

The census is told by every control worker alike, hence `max by` and `min by` around its gauges; what processes count is summed.
"""

import json
import sys
from pathlib import Path

import engine
import money
import operators

PAGES = {"operator": operators.dashboard, "engine": engine.dashboard, "money": money.dashboard}


def main(folder: Path) -> None:
    for name, dashboard in PAGES.items():
        (folder / f"{name}.json").write_text(json.dumps(dashboard(), indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
