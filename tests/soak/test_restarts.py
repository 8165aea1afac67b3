"""Rolling restarts under campaigns: each part is asked to end, drains and is started again; no campaign fails.

CUTROOM_SOAK_RESTARTS says under how many campaigns at once (20).
"""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutroom.client import Client
from tests.soak.rig import WISHES, Rig, until

pytestmark = pytest.mark.soak

CAMPAIGNS = int(os.environ.get("CUTROOM_SOAK_RESTARTS", "20"))
WORKERS = ("control", "outbound", "media", "gpu")
ROUNDS = 3
LONG_DRAIN_S = 600  # longer than any step takes, on a loaded machine too
AT_ONCE = 3  # activities that run at the same time: two of `cpu-media`, one of `gpu`
ALL_S = 3600.0  # for a loaded machine
Work = Counter[tuple[str, str, str, str]]


@pytest.fixture(scope="module")
def patient(servers_folder: Path, recording: Path) -> Iterator[Rig]:
    """A stack whose parts take the time that their steps need to end."""
    rig = Rig.of(servers_folder / "restarts", recording, CUTROOM_DRAIN_S=str(LONG_DRAIN_S))
    rig.start()
    yield rig
    rig.stop(2 * LONG_DRAIN_S)


def begin(rig: Rig, client: Client, count: int) -> list[str]:
    """Campaigns, each on a recording of its own, the first of them about to render."""
    before = work(rig)
    assets = [client.upload(rig.fresh_recording()).id for _ in range(count)]
    jobs = [client.create_campaign(asset, **WISHES).id for asset in assets]
    until(lambda: any(step.startswith("render_clip") for step, *_ in work(rig) - before), ALL_S)
    return jobs


def work(rig: Rig) -> Work:
    """How often each artifact was made. The recordings differ by their last bytes alone, so the jobs tell the work apart."""
    lines = (line for line in rig.lines("making") if line["produced_by"] != "log")
    return Counter((line["produced_by"], line["part"], line["job_id"], line["fingerprint"]) for line in lines)


def restart(rig: Rig, part: str) -> None:
    """SIGTERM for one part; its supervisor starts it again."""
    pid = rig.pid(part)
    os.kill(pid, signal.SIGTERM)
    until(lambda: rig.healthy_again(part, pid), 2 * LONG_DRAIN_S)


def all_end_right(rig: Rig, client: Client, jobs: list[str]) -> None:
    assert Counter(rig.finished(client, job, ALL_S).status for job in jobs) == {"succeeded": len(jobs)}
    assert {rig.settles(client, job) for job in jobs} == {1}
    assert rig.open_holds() == []


def repeated(rig: Rig, before: Work) -> Work:
    return Counter({made: times for made, times in (work(rig) - before).items() if times > 1})


def test_no_campaign_fails_and_no_step_is_repeated_while_everything_is_restarted_in_turn(patient: Rig) -> None:
    with patient.client() as client:
        before, began = work(patient), time.monotonic()
        jobs = begin(patient, client, CAMPAIGNS)
        restarts = 0
        for _ in range(ROUNDS):
            still = sum(not client.job(job).ended for job in jobs)
            print(f"\n{time.monotonic() - began:.0f} s: {still} campaigns run", end="")
            for part in (*WORKERS, "api"):
                restart(patient, part)
                restarts += 1
        all_end_right(patient, client, jobs)
        print(f"\n{len(jobs)} campaigns, {restarts} restarts, {time.monotonic() - began:.0f} s")
    assert repeated(patient, before) == {}
    notes = re.findall(r"(\w+) ended with (-?\d+)", patient.home.log("supervisor").read_text())
    assert Counter(part for part, _ in notes) == dict.fromkeys((*WORKERS, "api"), ROUNDS)
    assert {status for part, status in notes if part in WORKERS} == {"0"}


def test_a_stack_that_is_ended_and_started_again_repeats_nothing_either(patient: Rig) -> None:
    with patient.client() as client:
        before = work(patient)
        jobs = begin(patient, client, AT_ONCE)
        patient.stop(2 * LONG_DRAIN_S)
        patient.start()
        all_end_right(patient, client, jobs)
    assert repeated(patient, before) == {}


def test_who_cannot_wait_for_the_drain_asks_twice(patient: Rig) -> None:
    with patient.client() as client:
        jobs = begin(patient, client, 1)
        drains = len([*patient.lines("draining")])
        assert patient.process is not None
        patient.process.send_signal(signal.SIGINT)
        until(lambda: len([*patient.lines("draining")]) > drains, 60)
        patient.stop(60)
        patient.start()
        all_end_right(patient, client, jobs)


def test_with_the_default_drain_no_more_than_the_steps_in_flight_are_repeated(patient: Rig) -> None:
    patient.stop(2 * LONG_DRAIN_S)
    del patient.environment["CUTROOM_DRAIN_S"]
    patient.start()
    with patient.client() as client:
        before = work(patient)
        jobs = begin(patient, client, 2 * AT_ONCE)
        for part in (*WORKERS, "api"):
            restart(patient, part)
        all_end_right(patient, client, jobs)
    twice = repeated(patient, before)
    print(f"\nrepeated {[step for step, *_ in twice]}")
    assert len(twice) <= AT_ONCE, twice
    assert set(twice.values()) <= {2}, twice
