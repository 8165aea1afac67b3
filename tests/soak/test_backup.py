"""The restore drill: a stack at work is backed up, lost with its disk, and made anew from the file elsewhere.

Run with -s to see the figures.
"""

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import httpx
import psycopg
import pytest
from rich.console import Console

from cutroom.client import Client
from cutroom.client.uploading import sha256_of
from cutroom.local.home import Home
from cutroom.local.locks import only_stack
from cutroom.local.stack import embedded_postgres, storage
from cutroom.settings import Settings
from cutroom.store.objects import ObjectStore
from tests.soak.rig import CAMPAIGN_S, WISHES, Rig, until

pytestmark = pytest.mark.soak

T = TypeVar("T")

QUIET = Console(stderr=True, quiet=True)
IN_FLIGHT = timedelta(seconds=1)  # a transaction that had begun at the instant may have ended after it
HISTORY = (
    "select 'event', job_id, seq::text, kind, data::text from job_events where at < %(until)s",
    "select 'posting', operation_id, phase, grant_id || account, amount::text from ledger_postings"
    " join ledger_operations using (org_id, operation_id, phase) where at < %(until)s",
    "select 'version', clip_id, version::text, '', files::text from clip_versions where created_at < %(until)s",
    "select 'asset', id, filename, sha256, '' from assets where created_at < %(until)s",
)


class Kept(NamedTuple):
    """What a home has of the time before an instant: lines of its history, and the objects of its store with their sizes."""

    history: set[tuple[str, ...]]
    objects: dict[str, int]


class Jobs(NamedTuple):
    finished: str
    paused: str
    transcribing: str
    rendering: str
    queued: str

    @property
    def named(self) -> dict[str, str]:
        """Those that had not ended."""
        return {name: job_id for name, job_id in self._asdict().items() if name != "finished"}


def test_a_stack_lost_at_work_goes_on_from_its_backup(servers_folder: Path) -> None:
    rig = Rig.at(servers_folder / "drill")
    rig.start()
    file, place = servers_folder / "drill.cutroom", servers_folder / "elsewhere" / "home"
    with rig.client() as client:
        jobs = at_work(rig, client)
        steps = {name: client.job(job_id).step for name, job_id in jobs.named.items()}
        facts, backup_s = timed(lambda: json.loads(rig.command("backup", str(file), "--json")))
        at, made = datetime.fromisoformat(facts["created_at"]), rig.made()
        before = asyncio.run(kept(rig.settings, rig.home, at, at))
        files = downloaded(client, jobs.finished, servers_folder / "before")
    lose(rig)

    place.parent.mkdir()
    _, restore_s = timed(lambda: rig.command("restore", str(file), CUTROOM_HOME=str(place)))
    after = asyncio.run(kept_at_rest(place, at))
    assert (before.history - after.history, before.objects.items() - after.objects.items()) == (set(), set())
    assert after == before

    restored = Rig.of(place, rig.recording)
    up_s = restored.start()
    with restored.client() as client:
        assert downloaded(client, jobs.finished, servers_folder / "after") == files
        client.resume(jobs.paused)
        ended_s = all_succeed(restored, client, jobs)
        require_sums(client)
        assert restored.open_holds() == []
        assert json.loads(restored.command("reconcile", "--json"))["counts"] == {}
        found = findings(restored)
    repeated = Counter(step for step, _, _ in restored.made() & made)
    restored.stop()
    print(f"\nheld {facts['held_s'] * 1000:.0f} ms; backup {backup_s:.0f} s, restore {restore_s:.0f} s, up {up_s:.0f} s")
    print(f"{facts['objects']} objects, {sum(facts['rows'].values())} rows, {file.stat().st_size / 1e6:.0f} MB; lost: nothing")
    print(f"at the instant: {steps}")
    print(f"seconds from then to each end: {ended_s}")
    print(f"made again: {dict(repeated)}; findings: {found}")
    assert (facts["missing"], facts["damaged"], found) == ([], [], [])


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """What `call` answers, and the seconds that it took."""
    began = time.monotonic()
    return call(), time.monotonic() - began


def at_work(rig: Rig, client: Client) -> Jobs:
    """A campaign that has ended, and four that have not: paused, transcribing, rendering, just asked for."""
    known = client.upload(rig.recording).id
    finished = client.create_campaign(known, **WISHES).id
    assert rig.finished(client, finished).status == "succeeded"
    paused = client.create_campaign(known, **WISHES).id
    client.pause(paused)
    until(lambda: client.job(paused).status == "paused", CAMPAIGN_S)
    fresh, work = client.upload(rig.fresh_recording()).id, rig.made()
    rendering = client.create_campaign(known, count=3, min_s=9, max_s=12).id
    until(lambda: rig.is_making("render_clip", work), CAMPAIGN_S)
    transcribing = client.create_campaign(fresh, **WISHES).id
    until(lambda: rig.is_making("transcribe_chunk", work), CAMPAIGN_S)
    jobs = Jobs(finished, paused, transcribing, rendering, client.create_campaign(known, **WISHES).id)
    assert set(jobs[1:]) >= set(rig.open_holds()) >= {paused, transcribing, jobs.queued}
    return jobs


def downloaded(client: Client, job_id: str, folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of each file of a job, as it comes from the store."""
    folder.mkdir()
    return {file.name: sha256_of(client.download(file, folder)) for file in client.files(job_id)}


def lose(rig: Rig) -> None:
    """Kill everything, and remove all that it kept."""
    rig.kill()
    with only_stack(rig.home):  # the kernel needs a moment to end them
        shutil.rmtree(embedded_postgres(rig.settings, rig.home).home)
    shutil.rmtree(rig.home.path)


async def kept(settings: Settings, home: Home, at: datetime, put_until: datetime) -> Kept:
    with psycopg.connect(embedded_postgres(settings, home).url("superuser")) as database:
        lines = [line for query in HISTORY for line in database.execute(query, {"until": at - IN_FLIGHT})]
    listed = await ObjectStore(settings).list_all()
    return Kept(set(lines), {found.key: found.size for found in listed if found.changed_at <= put_until})


async def kept_at_rest(place: Path, at: datetime) -> Kept:
    """Of a home whose stack does not run."""
    home = Home.at(place)
    with only_stack(home) as lock:
        async with storage(Settings(home=place), home, lock, QUIET) as settings:
            return await kept(settings, home, at, datetime.now(UTC))


def all_succeed(rig: Rig, client: Client, jobs: Jobs) -> dict[str, int]:
    """Each job that was open succeeds and is paid once; seconds until each had ended."""
    began, ended_s = time.monotonic(), dict[str, int]()

    def all_ended() -> bool:
        waiting = jobs.named.keys() - ended_s.keys()
        ended_s.update({name: round(time.monotonic() - began) for name in waiting if client.job(jobs.named[name]).ended})
        return len(ended_s) == len(jobs.named)

    until(all_ended, CAMPAIGN_S, 0.5)
    assert {name: client.job(job_id).status for name, job_id in jobs.named.items()} == dict.fromkeys(jobs.named, "succeeded")
    assert {rig.settles(client, job_id) for job_id in jobs} == {1}
    return ended_s


def require_sums(client: Client) -> None:
    """What the ledger says line by line is what it says in sum, and every credit is somewhere."""
    balance, sums = client.balance().model_dump(), Counter[str]()
    for entry in client.entries():
        sums.update(entry.amounts)
    accounts = ("available", "held", "spent", "expired", "revoked")
    assert {name: sums[name] for name in accounts} == {name: balance[name] for name in accounts}
    assert sum(sums[name] for name in accounts) == balance["granted"]
    assert balance["held"] == 0


def findings(rig: Rig) -> list[str]:
    """What reconciliation noted since the organisation was made."""
    headers = {"Authorization": f"Bearer {rig.home.token_file.read_text().strip()}"}
    answer = httpx.get(f"{rig.run()['addresses']['api']}/v1/admin/findings", headers=headers)
    return [finding["kind"] for finding in answer.raise_for_status().json()["items"]]
