"""`cutroom credits`: what there is, what happened, and giving more."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cutroom.cli.session import open_client
from cutroom.settings import get_settings

app = typer.Typer(name="credits", no_args_is_help=True, help="Show and grant credits.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(as_json: AsJson = False) -> None:
    """The organisation's credits."""
    with open_client(get_settings()) as client:
        balance = client.balance()
    if as_json:
        Console().print_json(data=balance.model_dump(mode="json"))
        return
    table = Table("available", "held", "spent", "expired", "revoked", "granted")
    names = ("available", "held", "spent", "expired", "revoked", "granted")
    table.add_row(*(str(getattr(balance, name)) for name in names))
    Console().print(table)


@app.command()
def entries(as_json: AsJson = False) -> None:
    """Each operation of the ledger, newest first."""
    with open_client(get_settings()) as client:
        found = list(client.entries())
    if as_json:
        Console().print_json(data=[entry.model_dump(mode="json") for entry in found])
        return
    table = Table("at", "what", "for", "credits")
    for entry in found:
        moved = ", ".join(f"{account} {amount:+d}" for account, amount in sorted(entry.amounts.items()))
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.phase, entry.operation_id, moved)
    Console().print(table)


@app.command()
def grant(
    amount: Annotated[int, typer.Argument(help="Credits to give.")],
    reason: Annotated[str, typer.Option(help="Kept in the books.")] = "granted by hand",
    key: Annotated[str | None, typer.Option(help="Typing the same key again grants nothing more.")] = None,
) -> None:
    """Give credits to the token's organisation."""
    with open_client(get_settings()) as client:
        client.grant(amount, reason, key=key)
        Console().print(f"Granted {amount}; {client.balance().available} are available.")
