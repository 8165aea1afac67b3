"""`cutroom reconcile`: what the schedules do, now: jobs, holds, uploads and deliveries each minute, card payments each hour."""

import asyncio
from enum import StrEnum
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console

from cutroom.contracts.reconciliation import Findings, Parts
from cutroom.settings import get_settings

app = typer.Typer()


class Scope(StrEnum):
    ALL = "all"
    JOBS = "jobs"
    HOLDS = "holds"
    DELIVERIES = "deliveries"
    PAYMENTS = "payments"


PARTS = {Scope.JOBS: Parts(parts=("jobs",)), Scope.HOLDS: Parts(parts=("holds",)), Scope.DELIVERIES: Parts(parts=("deliveries",))}


@app.command()
def reconcile(
    what: Annotated[Scope, typer.Argument(help="Only these.")] = Scope.ALL,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Mend what ended without saying so, and what Stripe and we tell differently; say what was found."""
    findings = asyncio.run(_reconcile(what))
    if as_json:
        Console().print_json(data=findings.model_dump())
    elif not findings.counts:
        Console().print("Nothing was found.")
    for kind, count in findings.counts.items() if not as_json else ():
        Console().print(f"{kind}: {count}")


async def _reconcile(what: Scope) -> Findings:
    from cutroom.temporal.engine import Engine

    engine = Engine(get_settings())
    counts: dict[str, int] = {}
    if what is not Scope.PAYMENTS:
        found = await engine.run("reconciliation", f"reconciliation/{uuid4().hex}", Findings, PARTS.get(what))
        counts.update(found.counts)
    if what in (Scope.ALL, Scope.PAYMENTS):
        found = await engine.run("payment_reconciliation", f"payment_reconciliation/{uuid4().hex}", Findings)
        counts.update(found.counts)
    return Findings(counts=counts)
