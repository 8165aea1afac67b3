"""Thousands of short sequences of money, alone and in races, on real PostgreSQL; ten thousand of them in `make soak`.

Before each operation commits, the database itself checks that the operation's postings sum to zero, that each grant's
columns are the sums of its postings, and that `available + held + spent + expired + revoked = granted`. The answers of
each moment (one call, or two on two connections at once) and the balance at the end must be the model's, for one order
of the calls that raced.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from cutroom.contracts.base import JobRef
from cutroom.errors import CutroomError
from cutroom.store import corrections, ledger
from cutroom.store.database import psycopg_url
from tests.conftest import DatabaseUrls
from tests.money.model import Model, Step

SEQUENCES = int(os.environ.get("CUTROOM_LEDGER_SEQUENCES", "1000"))
JOBS = 3
DAY_0 = datetime(2026, 11, 1, tzinfo=UTC)

AUDIT = """
create function audit_operation() returns trigger language plpgsql as $$
begin
    if (select sum(amount) from ledger_postings
        where org_id = new.org_id and operation_id = new.operation_id and phase = new.phase) <> 0 then
        raise exception 'the postings of an operation do not sum to zero';
    end if;
    if exists (
        select 1 from grants g where g.org_id = new.org_id and (
            select coalesce(jsonb_object_agg(account, amount), '{}') from (
                select account, sum(amount) as amount from ledger_postings p
                where p.org_id = g.org_id and p.grant_id = g.id and account <> 'issued'
                group by account having sum(amount) <> 0) sums
        ) <> jsonb_strip_nulls(jsonb_build_object(
            'available', nullif(g.available, 0), 'held', nullif(g.held, 0), 'spent', nullif(g.spent, 0),
            'expired', nullif(g.expired, 0), 'revoked', nullif(g.revoked, 0)))
        or g.available + g.held + g.spent + g.expired + g.revoked <> g.granted
    ) then
        raise exception 'a grant is not the sum of its postings';
    end if;
    return null;
end $$;
create constraint trigger audit_operation after insert on ledger_operations
    deferrable initially deferred for each row execute function audit_operation();
"""

ORGANISATIONS = "insert into organisations (id, name) select 'org_' || n, 'test' from generate_series(1, %(count)s) n"
THEIR_JOBS = """
insert into jobs (id, org_id, kind, mode, status, step, error_code, error_detail, last_seq)
select 'cmp_' || n || '_' || j, 'org_' || n, 'campaign', 'live', 'queued', '', '', '', 0
from generate_series(1, %(count)s) n, generate_series(0, %(jobs)s) j
"""


class Crash(Exception):
    """The process dies after the statements, before the commit."""


class Bank:
    """Two connections of the app role, and fresh organisations with three jobs each."""

    def __init__(self, app_url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.engine = create_async_engine(psycopg_url(app_url))
        self.connections: list[AsyncConnection] = []
        self.organisations = 0
        self.entered: dict[AsyncConnection, str] = {}

    async def open(self) -> None:
        for _ in range(2):
            connection = await self.engine.connect()
            await connection.execute(text("set synchronous_commit = off"))
            await connection.commit()
            self.connections.append(connection)

    async def close(self) -> None:
        for connection in self.connections:
            await connection.close()
        await self.engine.dispose()

    def next_organisation(self) -> str:
        self.organisations += 1
        return f"org_{self.organisations}"


@pytest.fixture(scope="module")
def bank(database_urls: DatabaseUrls) -> Iterator[Bank]:
    with psycopg.connect(database_urls.owner) as owner:
        owner.execute(AUDIT)
    count = SEQUENCES + 5_000  # shrinking a failure takes some too
    with psycopg.connect(database_urls.system) as system:
        system.execute(ORGANISATIONS, {"count": count})
        system.execute(THEIR_JOBS, {"count": count, "jobs": JOBS - 1})
    bank = Bank(database_urls.app)
    bank.loop.run_until_complete(bank.open())
    yield bank
    bank.loop.run_until_complete(bank.close())
    bank.loop.close()


class Run:
    """One sequence in one organisation, beside it a model for each order in which its races may have gone."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.org_id = bank.next_organisation()
        self.models = [Model()]
        self.grant_ids: dict[int, str] = {}
        self.day = 0

    async def moment(self, *steps: Step) -> None:
        """Do one step, or two at once, and compare with the model."""
        lanes = zip(steps, self.bank.connections, strict=False)
        answers = await asyncio.gather(*(self.do(step, connection) for step, connection in lanes))
        if len(set(steps)) > 1:
            expected = [self.expect(deepcopy(model), order, steps) for model in self.models for order in ((0, 1), (1, 0))]
        else:
            expected = [self.expect(model, range(len(steps)), steps) for model in self.models]
        self.models = [model for model, told in expected if told == answers]
        assert self.models, f"{steps} answered {answers}; expected {[told for _, told in expected]}"

    async def crash(self, step: Step) -> None:
        """Do a step that is never committed: nothing of it may stay."""
        with suppress(Crash, CutroomError):
            async with self.session(self.bank.connections[0]) as session:
                await self.call(session, step)
                raise Crash

    async def end(self) -> None:
        """Compare the balance with the model's."""
        async with self.session(self.bank.connections[0]) as session:
            balance = await ledger.balance(session, self.org_id, "live", now=self.now)
        assert astuple(balance) in [model.balance(self.day) for model in self.models]

    def expect(self, model: Model, order: Iterable[int], steps: tuple[Step, ...]) -> tuple[Model, list[object]]:
        """The model after the steps in this order, and their answers."""
        answers = {place: model.do(steps[place], self.day) for place in order}
        return model, [answers[place] for place in range(len(steps))]

    @property
    def now(self) -> datetime:
        return DAY_0 + timedelta(days=self.day)

    @asynccontextmanager
    async def session(self, connection: AsyncConnection) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(connection) as session, session.begin():
            if self.bank.entered.get(connection) != self.org_id:
                await session.execute(text("select set_config('app.org_id', :org, false)"), {"org": self.org_id})
            yield session
        # Not before: a transaction that is rolled back takes the setting with it.
        self.bank.entered[connection] = self.org_id

    async def do(self, step: Step, connection: AsyncConnection) -> object:
        try:
            async with self.session(connection) as session:
                return await self.call(session, step)
        except CutroomError as error:
            return type(error).__name__

    async def call(self, session: AsyncSession, step: Step) -> object:
        job = JobRef(org_id=self.org_id, job_id=f"cmp_{self.org_id.removeprefix('org_')}_{step.key}")
        match step.does:
            case "grant":
                ends = None if step.ends is None else DAY_0 + timedelta(days=step.ends)
                name = f"grant-{step.key}"
                given = await ledger.grant(session, self.org_id, "live", step.amount, "test", name, ends, now=self.now)
                self.grant_ids[step.key] = given
                return None
            case "hold":
                await ledger.hold(session, job, "live", step.amount, now=self.now)
            case "settle":
                settled = await ledger.settle(session, job, step.amount, now=self.now)
                return (settled.spent, settled.released)
            case "refund":
                await corrections.refund(session, job, step.amount, "test", f"refund-{step.key}", now=self.now)
            case "adjust":
                await corrections.adjust(session, self.org_id, "live", step.amount, "test", f"adjust-{step.key}", now=self.now)
            case "revoke":
                part = {"amount": step.amount, "operation_id": f"part-{step.key}"} if step.amount else {}
                grant_id = self.grant_ids.get(step.key, "grt_none")
                return await corrections.revoke(session, self.org_id, [grant_id], **part, now=self.now)
            case "expire":
                await ledger.expire_due(session, self.now)
        return None


JOB_KEYS = range(JOBS)
GRANTS = [Step("grant", key, amount, ends) for key in range(2) for amount in (10, 25, 40) for ends in (None, 2, 8)]
HOLDS = [Step("hold", key, amount) for key in JOB_KEYS for amount in (5, 10, 25)]
SETTLES = [Step("settle", key, amount) for key in JOB_KEYS for amount in (0, 5, 10)]
REFUNDS = [Step("refund", key, amount) for key in JOB_KEYS for amount in (5, 10)]
ADJUSTMENTS = [Step("adjust", key, amount) for key, amount in ((0, 10), (0, -5), (1, -5), (1, -25))]
REVOKES = [Step("revoke", key, amount) for key in range(2) for amount in (0, 0, 5, 20)]
STEP = st.sampled_from([*HOLDS, *SETTLES, *GRANTS[::2], *REFUNDS, *ADJUSTMENTS, *REVOKES, Step("expire"), Step("expire")])
# Days that pass before, the step, and what befalls it: nothing, the same call at once, another at once, a crash and a retry.
FATE = st.sampled_from(("alone", "alone", "twice", "raced", "crashed"))
MOMENT = st.tuples(st.sampled_from((0, 0, 1, 2, 7)), STEP, FATE, STEP)
# What was before: only a grant, or also a hold on it, or also what was spent of that.
BEFORE = st.sampled_from(((), (HOLDS[1],), (HOLDS[1], SETTLES[1]), (HOLDS[1], SETTLES[2])))


@settings(max_examples=SEQUENCES, deadline=None, phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck))
@given(first=st.sampled_from(GRANTS), before=BEFORE, moments=st.lists(MOMENT, min_size=1, max_size=3), replayed=st.integers(0, 4))
def test_every_sequence_keeps_the_sums_and_does_what_the_model_does(
    bank: Bank, first: Step, before: tuple[Step, ...], moments: list[tuple[int, Step, str, Step]], replayed: int
) -> None:
    async def play() -> None:
        run = Run(bank)
        for step in (first, *before):
            await run.moment(step)
        for passed, step, fate, other in moments:
            run.day += passed
            if fate == "crashed":
                await run.crash(step)
            await run.moment(*{"twice": (step, step), "raced": (step, other)}.get(fate, (step,)))
        if replayed < len(moments):
            await run.moment(moments[replayed][1])
        await run.end()

    bank.loop.run_until_complete(play())
