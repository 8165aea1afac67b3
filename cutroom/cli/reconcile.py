"""`cutroom reconcile`: what the schedules do, now: jobs, holds and uploads each minute, card payments each hour."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console

from cutroom.contracts.reconciliation import Findings
from cutroom.settings import get_settings

app = typer.Typer()


class Scope(StrEnum):
    ALL = "all"
    JOBS = "jobs"
    PAYMENTS = "payments"


WORKFLOWS: Mapping[Scope, Sequence[str]] = {
    Scope.ALL: ("reconciliation", "payment_reconciliation"),
    Scope.JOBS: ("reconciliation",),
    Scope.PAYMENTS: ("payment_reconciliation",),
}


@app.command()
def reconcile(
    what: Annotated[Scope, typer.Argument(help="Only these.")] = Scope.ALL,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Mend what ended without saying so, and what Stripe and we tell differently; say what was found."""
    findings = asyncio.run(_reconcile(WORKFLOWS[what]))
    if as_json:
        Console().print_json(data=findings.model_dump())
    elif not findings.counts:
        Console().print("Nothing was found.")
    for kind, count in findings.counts.items() if not as_json else ():
        Console().print(f"{kind}: {count}")


async def _reconcile(workflows: Sequence[str]) -> Findings:
    from cutroom.temporal.engine import Engine

    engine = Engine(get_settings())
    found = [await engine.run(kind, f"{kind}/{uuid4().hex}", Findings) for kind in workflows]
    return Findings(counts={kind: count for each in found for kind, count in each.counts.items()})
