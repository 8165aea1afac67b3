"""The server's Compose file: that it is one, asks for its secrets, gives them to nobody else, and opens one door."""

import graphlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cutroom.local.s3 import S3
from cutroom.local.stack import CANCEL_S, PROCESSES
from cutroom.settings import Settings
from tests.deploy.compose import EXAMPLE, FILE, ROOT, Refused, asked, defaults, fill, made, make_env, project, variables
from tests.deploy.dockerfile import image, stages

COMMAND = "sh scripts/make-env.sh"
COLLECTOR = ROOT / "deploy/collector/Dockerfile"
GIVEN = {
    "LANGUAGE_API_KEY": "key-of-a-language-model",
    "SMTP_URL": "smtp://us:password-of-mail@mail.example:587",
    "STRIPE_LIVE_KEY": "live-key-of-stripe",
    "STRIPE_TEST_KEY": "test-key-of-stripe",
    "STRIPE_WEBHOOK_SECRETS": "secret-of-webhooks",
}
ENVIRONMENT = made() | GIVEN
PROJECT = project(ENVIRONMENT)
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
SECRETS = [name for name, value in variables(EXAMPLE.read_text()).items() if not value]
ONE_SHOT = {"prepare", "temporal-schema"}
PROCESS_OF = {name: name for name in PROCESSES} | {"models": "gpu"}
BIN = Path(sys.executable).parent

service = pytest.mark.parametrize("name", SERVICES)


def environment(name: str) -> dict[str, str]:
    return SERVICES[name].get("environment", {})


def seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


# --- the file and its variables ---------------------------------------------------------------------------------------------


def test_it_follows_the_compose_specification() -> None:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_example_is_refused_and_names_the_command_that_makes_a_good_one() -> None:
    with pytest.raises(Refused) as refused:
        project(variables(EXAMPLE.read_text()))
    assert COMMAND in str(refused.value)
    assert COMMAND in EXAMPLE.read_text()


@pytest.mark.parametrize("name", SECRETS)
def test_without_one_secret_it_is_refused(name: str) -> None:
    with pytest.raises(Refused, match=f"{name}.*{re.escape(COMMAND)}"):
        project(ENVIRONMENT | {name: ""})


def test_what_the_script_makes_is_private_new_each_time_and_fit_for_urls(tmp_path: Path) -> None:
    file = make_env(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    first, second = variables(file.read_text()), made()
    values = [env[name] for env in (first, second) for name in SECRETS]
    assert len(set(values)) == len(values)
    assert all(re.fullmatch("[A-Za-z0-9]{32}", value) for value in values)
    assert {name: first[name] for name in first if name not in SECRETS} == {
        name: value for name, value in variables(EXAMPLE.read_text()).items() if value
    }


def test_the_script_fills_what_is_empty_or_missing_and_touches_nothing_else(tmp_path: Path) -> None:
    mine = "# ours\nS3_ACCESS_KEY=mine\nexport S3_SECRET_KEY=mine\nPOSTGRES_PASSWORD=\nWHISPER_MODEL=\nPUBLIC_URL=https://a.example"
    (tmp_path / ".env").write_text(mine)
    text = make_env(tmp_path).read_text()
    assert re.match(re.escape(mine).replace("PASSWORD=", "PASSWORD=[A-Za-z0-9]{32}") + "\n", text)
    assert {f"export {name}" if name == "S3_SECRET_KEY" else name for name in SECRETS} <= variables(text).keys()
    assert make_env(tmp_path).read_text() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", ".env.example", "scripts"]


def test_the_example_holds_every_variable_and_shows_its_default() -> None:
    example = variables(re.sub("^# (?=[A-Z_]+=)", "", EXAMPLE.read_text(), flags=re.MULTILINE))
    assert {name for name in example if not name.startswith("COMPOSE_")} == asked()
    assert {name: fill(default, {}) for name, default in defaults()} == {name: example[name] for name, _ in defaults()}


# --- who is reached from where ----------------------------------------------------------------------------------------------


def test_only_the_front_is_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"front": ["127.0.0.1:8000:8000", "127.0.0.1:8233:8233"]}
    assert not any("network_mode" in service for service in SERVICES.values())


def test_only_the_front_the_api_the_model_worker_and_outbound_are_in_a_network_that_leads_out() -> None:
    assert PROJECT["networks"] == {"data": {"internal": True}, "watch": {"internal": True}, "outer": {}, "internet": {}}
    members = {net: {name for name, one in SERVICES.items() if net in one["networks"]} for net in PROJECT["networks"]}
    assert members == {
        "data": set(SERVICES) - {"grafana", "tempo"},
        "watch": {"prometheus", "grafana", "tempo", "collector", "front"},
        "outer": {"front"},
        "internet": {"api", "gpu", "models", "outbound"},
    }


def test_a_proxy_of_the_machine_is_not_asked_for_the_parts() -> None:
    for name in {*PROCESS_OF, "prepare"}:
        told = environment(name)
        assert set(told["NO_PROXY"].split(",")) == {"localhost", "127.0.0.1", "postgres", "temporal", "s3", "collector"}


def test_every_address_that_a_part_is_given_is_a_service() -> None:
    known = {*SERVICES, "127.0.0.1", "0.0.0.0"}
    ours = [value for name in SERVICES for value in environment(name).values() if value not in GIVEN.values()]
    for given in ours:  # what operators name, such as their mail server, is outside
        for host in re.findall(r"(?:://|@)(?:\w+:\w+@)?([a-z0-9.-]+)(?=[:/])", given) + re.findall(r"^([a-z-]+):\d+$", given):
            assert host in known
    nginx = (ROOT / "deploy/nginx/nginx.conf").read_text()
    assert set(re.findall(r"set \$\w+ ([a-z0-9-]+):\d+;", nginx)) == {"api", "s3", "temporal-ui", "grafana"}
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    names = {name for job in scraped for one in job.get("dns_sd_configs", []) for name in one["names"]}
    assert names == set(PROCESSES)
    assert SERVICES["models"]["networks"]["data"] == {"aliases": ["gpu"]}
    assert yaml.safe_load((COLLECTOR.parent / "config.yml").read_text())["exporters"]["otlp_grpc"]["endpoint"] == "tempo:4317"


# --- who knows what ---------------------------------------------------------------------------------------------------------


@service
def test_what_a_process_is_told_are_settings(name: str) -> None:
    told = {key for key in environment(name) if key.startswith("CUTROOM_")}
    assert told <= {f"CUTROOM_{key}".upper() for key in Settings.model_fields}


@pytest.mark.parametrize("name", PROCESS_OF)
def test_a_process_gets_the_secrets_that_it_gets_on_one_machine(name: str) -> None:
    secret = {key for key in PROCESSES[PROCESS_OF[name]][1] if key != "temporal_api_key"}  # this Temporal asks for none
    told = Settings(
        **{key.removeprefix("CUTROOM_").lower(): value for key, value in environment(name).items() if key.startswith("CUTROOM_")}
    )
    given = {key for key, value in told if hasattr(value, "get_secret_value") and value.get_secret_value()}
    assert given == secret


def test_no_secret_reaches_anybody_else() -> None:
    processes = set(PROCESS_OF)
    may_know = {
        "POSTGRES_PASSWORD": {"postgres"},
        "POSTGRES_OWNER_PASSWORD": {"postgres", "prepare"},
        "POSTGRES_APP_PASSWORD": {"postgres", "prepare", *processes},
        "POSTGRES_SYSTEM_PASSWORD": {"postgres", "prepare", "api", "control"},
        "POSTGRES_TEMPORAL_PASSWORD": {"postgres", "temporal", "temporal-schema"},
        "S3_ACCESS_KEY": {"s3", "prepare", *processes},
        "S3_SECRET_KEY": {"s3", "prepare", *processes},
        "GRAFANA_PASSWORD": {"grafana"},
        "LANGUAGE_API_KEY": {"outbound"},
        "SMTP_URL": {"outbound"},
        "STRIPE_LIVE_KEY": {"api", "outbound"},
        "STRIPE_TEST_KEY": {"api", "outbound"},
        "STRIPE_WEBHOOK_SECRETS": {"api"},
    }
    assert set(SECRETS) < set(may_know)
    assert {name: {one for one in SERVICES if ENVIRONMENT[name] in str(SERVICES[one])} for name in may_know} == may_know


# --- how each part is held --------------------------------------------------------------------------------------------------


@service
def test_a_part_is_confined_and_limited(name: str) -> None:
    one = SERVICES[name]
    assert one["cap_drop"] == ["ALL"]
    assert "cap_add" not in one
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["read_only"] is True
    assert one["logging"]["options"].keys() == {"max-size", "max-file"}
    limits = one["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert float(limits["cpus"]) <= 2, "Docker refuses more than the machine has"
    assert one["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")


@service
def test_a_part_says_whether_it_is_well(name: str) -> None:
    one = SERVICES[name]
    if name in ONE_SHOT:
        assert one.get("healthcheck", {"disable": True}) == {"disable": True}
    elif "build" not in one:
        assert one["healthcheck"]["test"][0] == "CMD"
        assert one["healthcheck"].keys() >= {"interval", "timeout", "retries", "start_period"}
    elif "target" in one["build"]:
        assert "healthcheck" not in one, "the image has one"
        assert image(one["build"]["target"]).health
    else:
        assert "HEALTHCHECK" in (ROOT / one["build"]["context"] / "Dockerfile").read_text()


@service
def test_an_image_is_built_here_or_pinned_by_tag_and_digest(name: str) -> None:
    one = SERVICES[name]
    if "build" in one:
        assert re.fullmatch(r"cutroom-(api|cpu|gpu|collector):local", one["image"])
        assert one["build"].get("target", "api") in stages()
    else:
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", one["image"])


def test_the_collectors_image_is_clean_and_pinned() -> None:
    assert subprocess.run([BIN / "hadolint", COLLECTOR], check=False).returncode == 0
    bases = re.findall(r"^FROM (\S+)", COLLECTOR.read_text(), re.MULTILINE)
    assert all(re.fullmatch(r"[a-z/-]+:\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", base) for base in bases)


@service
def test_what_is_mounted_is_there_and_cannot_be_written(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        source, _, target = mount.partition(":")
        if source.startswith("."):
            assert (ROOT / source).exists()
            assert target.endswith(":ro")
        else:
            assert source in PROJECT["volumes"]


def test_every_volume_is_used() -> None:
    used = {mount.partition(":")[0] for one in SERVICES.values() for mount in one.get("volumes", [])}
    assert set(PROJECT["volumes"]) <= used


# --- how it starts and stops ------------------------------------------------------------------------------------------------


def test_parts_start_once_what_they_need_is_ready() -> None:
    needs = {name: one.get("depends_on", {}) for name, one in SERVICES.items()}
    order = list(graphlib.TopologicalSorter(needs).static_order())
    assert order.index("prepare") < min(order.index(name) for name in PROCESS_OF)
    for needed, how in [pair for depends in needs.values() for pair in depends.items()]:
        expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
        assert how == {"condition": expected}
    assert set(needs["prepare"]) == {"postgres", "s3", "temporal"}
    for name in PROCESS_OF:
        assert set(needs[name]) == {"prepare"}


@pytest.mark.parametrize("name", PROCESS_OF)
def test_a_process_may_drain_before_it_is_killed(name: str) -> None:
    drain = float(environment(name)["CUTROOM_DRAIN_S"])
    assert drain + CANCEL_S < seconds(SERVICES[name]["stop_grace_period"])
    assert drain == (300 if PROCESS_OF[name] in ("media", "gpu") else 30)


def test_the_models_run_on_a_gpu_or_on_the_cpu_by_profile() -> None:
    assert {name: one["profiles"] for name, one in SERVICES.items() if "profiles" in one} == {
        "gpu": ["gpu"],
        "models": ["cpu-models"],
    }
    (device,) = SERVICES["gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "device_ids": ["0"], "capabilities": ["gpu"]}
    assert ENVIRONMENT["COMPOSE_PROFILES"] == "cpu-models"


def test_the_stores_start_gives_lost_uploads_back_as_the_embedded_one_does(tmp_path: Path) -> None:
    programs, told = tmp_path / "bin", tmp_path / "told"
    programs.mkdir()
    (programs / "versitygw").write_text(f'#!/bin/sh\necho "$@" > {told}\n')
    (programs / "versitygw").chmod(0o755)
    left: list[set[str]] = []
    for folder in (tmp_path / "embedded", tmp_path / "server"):
        uploads = folder / "cutroom/.sgwtmp/multipart/0f3a"
        for name in ("5c2b-one", f"77e1-two.{'a' * 32}-3.inprogress"):
            (uploads / name / "parts").mkdir(parents=True)
        if folder.name == "embedded":
            S3(tmp_path, folder, 1, "", "", "cutroom").prepare()
        else:
            env = {"PATH": f"{programs}:{os.defpath}"}
            subprocess.run(["sh", ROOT / "deploy/s3/start.sh", folder], env=env, check=True)
        left.append({path.name for path in uploads.iterdir()})
    assert left[0] == left[1] == {"5c2b-one", "77e1-two"}
    assert told.read_text().split()[-2:] == ["posix", str(tmp_path / "server")]
