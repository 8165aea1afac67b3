"""The alerts: that Prometheus takes them, that each fires and clears when it should, and that somebody woken finds what to do."""

import re
from pathlib import Path

import pytest
import yaml

from cutroom.local.stack import PROCESSES
from tests.deploy.prometheus import PROMETHEUS, ROOT, alerts, known, promtool, rules, unknown

TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
MISSING = "CutroomCensusMissing"


def test_prometheus_accepts_the_configuration_and_the_rules() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


def test_prometheus_looks_for_services_that_compose_has_and_for_each_process_of_ours() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.temporal.yml").read_text())["services"]
    jobs = {job["job_name"]: job for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]}
    names = [name for found in jobs["cutroom"]["dns_sd_configs"] for name in found["names"]]
    assert sorted(names) == sorted(PROCESSES)
    assert {*names, "temporal"} <= services.keys()


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_the_alert_fires_and_clears_as_its_tests_say(file: Path) -> None:
    promtool("test", "rules", file)


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_is_seen_firing_and_silent_before_and_after(alert: str) -> None:
    tests = yaml.safe_load((PROMETHEUS / f"tests/{alert}.yml").read_text())["tests"]
    states = [[bool(look["exp_alerts"]) for look in test["alert_rule_test"] if look["alertname"] == alert] for test in tests]
    assert any(seen[0] is False and True in seen and seen[-1] is False for seen in states), "none in which it fires and clears"
    assert any(not any(seen) for seen in states) or alert == "CutroomTargetDown", "none in which it keeps silent"


@pytest.mark.parametrize(("name", "alert"), alerts().items(), ids=alerts())
def test_every_alert_says_how_bad_it_is_and_leads_to_its_section_of_the_runbook(
    name: str, alert: dict[str, dict[str, str]]
) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert {"summary", "description", "runbook_url"} == alert["annotations"].keys()
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in [heading.lower() for heading in headings]
    assert anchor == name.lower()


def test_rules_ask_only_for_metrics_and_labels_that_there_are() -> None:
    series = known()
    assert {expression: wrong for rule in rules() if (wrong := unknown(expression := rule["expr"], series))} == {}


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_the_tests_feed_the_rules_with_metrics_and_labels_that_there_are(file: Path) -> None:
    series = known()
    fed = [line["series"] for test in yaml.safe_load(file.read_text())["tests"] for line in test["input_series"]]
    assert {line: wrong for line in fed if (wrong := unknown(line, series))} == {}


def test_a_metric_or_label_that_is_not_there_is_noticed() -> None:
    series = {"cutroom_jobs": {"kind"}}
    assert unknown('max by (kind) (cutroom_jobs{kind="campaign", job="x"}) > 0', series) == []
    assert unknown("sum(rate(cutroom_job[5m] offset 30m)) > 0", series) == ["cutroom_job"]
    assert unknown('cutroom_jobs{status="failed"}', series) == ["cutroom_jobs{status}"]
    assert unknown("max by (queue) (cutroom_jobs)", series) == ["queue"]


def test_what_the_census_tells_is_not_taken_for_mended_before_the_missing_census_is_told_of() -> None:
    """An alert that reads the census must outlive the time after which a missing census fires."""
    census = {"cutroom_part_up", "cutroom_jobs", "cutroom_outbox_age_seconds", "cutroom_holds_without_job", "cutroom_queue"}
    takes = seconds(alerts()[MISSING]["for"])
    for name, alert in alerts().items():
        if name != MISSING and any(re.search(rf"\b{metric}", alert["expr"]) for metric in census):
            assert seconds(alert["keep_firing_for"]) > takes, name


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]
