"""Deaths before and after each commit and each outside call of a summary's payment: nobody is charged twice, or for nothing.

The matrix is printed by `pytest -s`.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import stripe
from pydantic import SecretStr

import activities.payment_reconciliation as reconciling
from activities.base import Task
from activities.resources import open_resources
from cutroom.contracts.base import JobRef
from cutroom.local.cards.server import CardServer
from cutroom.settings import Settings
from cutroom.store import reconciliation
from tests.cards.days import read_day, today
from tests.cards.faults import PRICE, Fault, Played, play
from tests.conftest import DatabaseUrls, S3Server, TemporalServer, card_settings

CALLS = [
    ("open_payment", "create_customer", "succeeded"),
    ("open_payment", "create_intent", "succeeded"),
    ("look_at_payment", "get_intent", "succeeded"),
    ("capture_payment", "get_intent", "succeeded"),
    ("capture_payment", "capture", "succeeded"),
    ("release_payment", "get_intent", "released"),
    ("release_payment", "cancel", "released"),
    ("release_payment", "get_intent", "refunded"),
    ("release_payment", "refund", "refunded"),
]
COMMITS = [  # those that write
    ("open_payment", "commit 2", "succeeded"),  # the customer
    ("open_payment", "commit 3", "succeeded"),  # that the intent is being asked for
    ("open_payment", "commit 4", "succeeded"),  # the intent
    ("look_at_payment", "commit 2", "succeeded"),
    ("capture_payment", "commit 2", "succeeded"),  # that the capture is being asked for
    ("capture_payment", "commit 3", "succeeded"),  # the capture
    ("record_summary", "commit 1", "succeeded"),
    ("release_payment", "commit 3", "released"),
    ("release_payment", "commit 3", "refunded"),
]
MATRIX = [Fault(step, call, moment, ending) for step, call, ending in CALLS for moment in ("before", "after", "unanswered")]
MATRIX += [Fault(step, commit, moment, ending) for step, commit, ending in COMMITS for moment in ("before", "after")]
# Done at Stripe, and noted nowhere: in every run. The rest, which takes minutes, by `make soak`.
QUICK = [fault for fault in MATRIX if fault.moment == "after" and not fault.point.startswith("commit")]
STATUS = {"succeeded": "succeeded", "released": "failed", "refunded": "failed"}


@pytest.fixture(scope="module")
def settings(
    card_server: CardServer,
    database_urls: DatabaseUrls,
    s3_server: S3Server,
    temporal_server: TemporalServer,
    temporal_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(database_urls.app),
        database_system_url=SecretStr(database_urls.system),
        temporal_address=temporal_server.address,
        temporal_namespace=temporal_namespace,
        s3_endpoint=s3_server.endpoint,
        s3_access_key=SecretStr(s3_server.access_key),
        s3_secret_key=SecretStr(s3_server.secret_key),
        s3_bucket=s3_server.bucket,
        **card_settings(card_server),
    )


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, settings: Settings, card_server: CardServer) -> dict[Fault, Played]:
    """What was asked for of the matrix, some jobs at a time."""
    asked = [
        item.callspec.params.get("fault")
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    faults = [fault for fault in asked if isinstance(fault, Fault)] or QUICK  # other tests have faults of their own
    sdk = stripe.StripeClient(card_server.test_key, base_addresses={"api": card_server.url}, max_network_retries=0)
    return {each.fault: each for each in asyncio.run(play(settings, sdk, faults))}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=str(fault), marks=() if fault in QUICK else pytest.mark.soak) for fault in MATRIX]
)
def test_a_death_charges_nobody_twice_and_loses_nothing(fault: Fault, played: dict[Fault, Played]) -> None:
    job = played[fault]
    print(f"{fault.step:16} {fault.moment:10} {fault.point:15} -> {job.status:9} charged {job.charged:3} of {PRICE.total}")
    assert job.met
    assert job.status == STATUS[fault.ending]
    assert (len(job.intents), job.customers) == (1, 1)
    assert job.taken == (0 if fault.ending == "released" else PRICE.total)
    assert job.charged == (PRICE.total if fault.ending == "succeeded" else 0)
    assert job.held == 0
    assert set(job.worked) == {"requires_capture"}


async def test_reconciliation_then_finds_nothing(
    settings: Settings, played: dict[Fault, Played], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "SETTLES_WITHIN", -timedelta(hours=1))
    organisations = {each.job.org_id for each in played.values()}
    async with open_resources(settings) as resources:
        task = Task(resources, "test", JobRef(org_id="", job_id=""), "", "test", 1, tmp_path)
        found = await read_day(task, today())
        ours = [intent for intent in found.intents if intent.metadata["organisation"] in organisations]
        assert len(ours) == len(played)
        differences = await reconciling.compare_payments(task, found.model_copy(update={"intents": ours}))
        assert (differences.counts, differences.release, differences.strays) == ({}, [], [])
        async with resources.all_organisations.transaction(None) as session:
            assert (await reconciliation.findings(session, None, 50)).items == []
