"""`cutroom doctor`: what this machine has, and what to do about what it lacks."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from cutroom.settings import get_settings

if TYPE_CHECKING:
    from cutroom.local.finding import Finding

app = typer.Typer()

_COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Say part by part what is used, from where, which version. Exit code 1 where something needed is missing."""
    from cutroom.local.diagnosis import examine

    findings = examine(get_settings())
    if as_json:
        Console().print_json(data=[asdict(finding) for finding in findings])
    else:
        Console().print(_table(findings))
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


def _table(findings: "list[Finding]") -> Table:
    table = Table("part", "state", Column("used", overflow="fold"), "what to do")
    for finding in findings:
        state = f"[{_COLOURS[finding.state]}]{finding.state}[/]"
        table.add_row(finding.part, state, "\n".join(filter(None, (finding.used, finding.version, finding.source))), finding.advice)
    return table
