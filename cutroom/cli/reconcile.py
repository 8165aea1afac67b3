"""`cutroom reconcile`: hold jobs, holds and uploads against Temporal and the store now, without waiting for the schedule."""

import asyncio
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console

from cutroom.contracts.reconciliation import Findings
from cutroom.settings import get_settings

app = typer.Typer()


@app.command()
def reconcile(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Mend what ended without saying so, and say what was found."""
    findings = asyncio.run(_reconcile())
    if as_json:
        Console().print_json(data=findings.model_dump())
    elif not findings.counts:
        Console().print("Nothing was found.")
    for kind, count in findings.counts.items() if not as_json else ():
        Console().print(f"{kind}: {count}")


async def _reconcile() -> Findings:
    from cutroom.temporal.engine import Engine

    return await Engine(get_settings()).run("reconciliation", f"reconciliation/{uuid4().hex}", Findings)
