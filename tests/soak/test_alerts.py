"""The alerts for real: Prometheus scrapes a running stack while its parts are stopped, and rings; it is quiet before and after.

Prometheus, its rules and its intervals are those of deploy/prometheus; only its targets are found on loopback.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cutroom.client import Client
from cutroom.contracts.ids import new_id
from cutroom.local.leash import leashed
from cutroom.local.organisation import LOCAL_ORG
from cutroom.local.ports import free_port
from cutroom.local.stack import WORKERS, metrics_port
from cutroom.store import outbox
from cutroom.store.database import Database
from cutroom.store.tables import Outbox
from tests.deploy.prometheus import PROMETHEUS, programs
from tests.soak.rig import WISHES, Rig, until

pytestmark = pytest.mark.soak

FIRES_S = 360.0  # what rings last: three minutes in a queue, seen by the census, scraped and evaluated
CLEARS_S = 300.0  # three minutes for which an alert goes on, and as much
OF_THE_MACHINE = "CutroomDiskLow"


@dataclass
class Watch:
    """A running Prometheus, and how long after what was done to the stack each alert began and ended."""

    url: str
    since: dict[str, float] = field(default_factory=dict)
    times: list[str] = field(default_factory=list)

    def firing(self) -> set[str]:
        """Names of the alerts that fire, each with what it is about: `CutroomNoWorker gpu`."""
        alerts = self.ask("alerts")["alerts"]
        return {_called(alert["labels"]) for alert in alerts if alert["state"] == "firing"} - {OF_THE_MACHINE}

    def ever_fired(self) -> set[str]:
        series = self.ask("query", query='count_over_time(ALERTS{alertstate="firing"}[1h])')["result"]
        return {_called(one["metric"]) for one in series if one["metric"]["alertname"] != OF_THE_MACHINE}

    def broken(self, *alerts: str) -> None:
        """From now on these are expected to begin."""
        self.since |= dict.fromkeys(alerts, time.monotonic())

    def fire(self, *alerts: str) -> None:
        """Wait until each of them fires; what they tell of is mended right after."""
        self._see(alerts, lambda alert: alert in self.firing(), "fired", FIRES_S)
        self.since |= dict.fromkeys(alerts, time.monotonic())

    def clear(self, *alerts: str) -> None:
        """Wait until none of them fires."""
        self._see(alerts, lambda alert: alert not in self.firing(), "cleared", CLEARS_S)

    def _see(self, alerts: Iterable[str], happened: Callable[[str], bool], what: str, seconds: float) -> None:
        waiting = list(alerts)

        def all_seen() -> bool:
            for alert in filter(happened, waiting.copy()):
                self.times.append(f"{alert}: {what} after {time.monotonic() - self.since[alert]:.0f} s")
                waiting.remove(alert)
            return not waiting

        until(all_seen, seconds, 1)

    def targets_up(self) -> bool:
        targets = self.ask("targets")["activeTargets"]
        return len(targets) == 1 + len(WORKERS) and all(target["health"] == "up" for target in targets)

    def ask(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=30).raise_for_status().json()
        return dict(answer["data"])


@pytest.fixture
def watch(rig: Rig, tmp_path: Path) -> Iterator[Watch]:
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration(rig)))
    command = [
        str(programs() / "prometheus"),
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with subprocess.Popen(leashed(command)) as process:
        watch = Watch(f"http://127.0.0.1:{port}")
        try:
            until(lambda: answers(watch.url) and watch.targets_up(), 120, 1)
            yield watch
        finally:
            process.terminate()
            print(*watch.times, sep="\n")


def configuration(rig: Rig) -> dict[str, Any]:
    """Ours, with the processes of this rig for targets."""
    ours = dict(yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text()))
    ports = {"api": rig.settings.api_port} | {worker: metrics_port(rig.settings, worker) for worker in WORKERS}
    targets = [{"targets": [f"127.0.0.1:{port}"], "labels": {"process": name}} for name, port in ports.items()]
    scraped = [{"job_name": "cutroom", "static_configs": targets}]
    return ours | {"rule_files": [str(PROMETHEUS / "rules/*.yml")], "scrape_configs": scraped}


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").is_success
    except httpx.TransportError:
        return False


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """SIGSTOP while the body runs: the process keeps its connections and answers nobody."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def blocked_outbox(rig: Rig) -> Iterator[None]:
    """A signal to a workflow that never starts waits in the outbox while the body runs."""
    row: list[Outbox] = []

    async def change(begin: bool) -> None:
        database = Database(rig.settings.database_system_url.get_secret_value(), pool_size=1)
        try:
            async with database.transaction(None) as session:
                if begin:
                    row.append(await outbox.add(session, LOCAL_ORG, "signal", f"campaign/{new_id('cmp')}", {"signal": "resume"}))
                else:
                    await outbox.done(session, row[0])
        finally:
            await database.close()

    asyncio.run(change(True))
    try:
        yield
    finally:
        asyncio.run(change(False))


def test_each_alert_rings_while_something_is_wrong_and_clears_once_it_is_mended(rig: Rig, client: Client, watch: Watch) -> None:
    assert rig.process is not None
    pids = {part: rig.pid(part) for part in ("gpu", "s3", "control")}
    upload = client.upload(rig.fresh_recording())
    slow = ("CutroomOutboxStuck", "CutroomNoWorker gpu", "CutroomQueueDelay gpu", "CutroomTargetDown gpu")
    silent = ("CutroomCensusMissing", "CutroomTargetDown control")
    assert watch.firing() == set()
    with stopped(rig.process.pid):  # the supervisor would start anew what does not answer
        with stopped(pids["gpu"]), blocked_outbox(rig):
            job = client.create_campaign(upload.id, **WISHES)
            watch.broken(*slow)
            watch.fire(*slow)
        client.cancel(job.id)
        watch.broken("CutroomPartDown store")
        with stopped(pids["s3"]):
            watch.fire("CutroomPartDown store")
        watch.clear("CutroomPartDown store", *slow)
        assert watch.firing() == set()
        watch.broken(*silent)
        with stopped(pids["control"]):
            watch.fire(*silent)
        watch.clear(*silent)
    assert watch.firing() == set()
    assert watch.ever_fired() == {*slow, *silent, "CutroomPartDown store"}
    assert rig.finished(client, job.id).status == "canceled"


def _called(labels: dict[str, str]) -> str:
    about = [labels[name] for name in ("part", "queue", "process") if name in labels]
    return " ".join([labels["alertname"], *about])
