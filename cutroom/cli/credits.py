"""`cutroom credits`: what there is, what happened, buying and giving more, and mending what was wrong."""

import time
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cutroom.cli.paying import TestCard, pay_page, stand_in_of
from cutroom.cli.session import open_client
from cutroom.errors import SetupError
from cutroom.settings import get_settings

app = typer.Typer(name="credits", no_args_is_help=True, help="Show, grant and correct credits.")

CREDITS_WITHIN_S = 30.0

Moment = datetime | None
Reason = Annotated[str, typer.Option(help="Kept in the books.")]
Key = Annotated[str | None, typer.Option(help="Typing the same key again does nothing more.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(as_json: AsJson = False) -> None:
    """The organisation's credits."""
    with open_client(get_settings()) as client:
        balance = client.balance()
    if as_json:
        Console().print_json(data=balance.model_dump(mode="json"))
        return
    names = ("available", "held", "spent", "expired", "revoked", "granted", "plan")
    table = Table(*names)
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
    table = Table("at", "what", "for", "credits", "why")
    for entry in found:
        moved = ", ".join(f"{account} {amount:+d}" for account, amount in sorted(entry.amounts.items()))
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.phase, entry.operation_id, moved, escape(entry.reason))
    Console().print(table)


@app.command()
def statement(
    since: Annotated[
        Moment, typer.Option("--from", help="First day or time, of UTC; 366 days before the end where left out.")
    ] = None,
    until: Annotated[Moment, typer.Option("--to", help="The day or time it ends before; now where left out.")] = None,
) -> None:
    """All entries of a period between two balances, oldest first, as CSV."""
    with open_client(get_settings()) as client:
        typer.echo(client.statement(since, until), nl=False)


@app.command()
def buy(
    name: Annotated[str, typer.Argument(help="A pack, or with --plan a plan; GET /v1/prices names them.")],
    plan: Annotated[bool, typer.Option("--plan", help="Subscribe to a plan.")] = False,
    card: Annotated[
        TestCard | None, typer.Option(help="Pay at once with a test card; at the stand-in of this machine's own stack alone.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Print the page that sells a pack or a plan, or pay there with a test card."""
    settings = get_settings()
    with open_client(settings) as client:
        before = client.balance().granted
        back = settings.api_url or f"http://127.0.0.1:{settings.api_port}"
        page = client.open_checkout(f"{back}/docs", f"{back}/docs", **{"plan" if plan else "pack": name}).url
        if card is None:
            typer.echo(page)
            if show:
                typer.launch(page)
            return
        if not stand_in_of(settings):
            raise SetupError("Test cards are typed into Stripe's own page; leave --card out, and open it.", code="cards_not_set_up")
        pay_page(page, card)
        deadline = time.monotonic() + CREDITS_WITHIN_S
        while client.balance().granted == before and time.monotonic() < deadline:
            time.sleep(0.2)
        Console().print(f"Paid; {client.balance().available} credits are available.")


@app.command()
def grant(
    amount: Annotated[int, typer.Argument(help="Credits to give.")], reason: Reason = "granted by hand", key: Key = None
) -> None:
    """Give credits to the token's organisation."""
    with open_client(get_settings()) as client:
        client.grant(amount, reason, key=key)
        Console().print(f"Granted {amount}; {client.balance().available} are available.")


@app.command(context_settings={"ignore_unknown_options": True})
def adjust(
    amount: Annotated[int, typer.Argument(help="Credits to add, or below zero to take away.")], reason: Reason, key: Key = None
) -> None:
    """Correct the credits of the token's organisation, never below zero."""
    with open_client(get_settings()) as client:
        client.adjust(amount, reason, key=key)
        Console().print(f"Corrected by {amount:+d}; {client.balance().available} are available.")


@app.command()
def refund(
    job_id: Annotated[str, typer.Argument(help="The job.")],
    amount: Annotated[int, typer.Argument(help="Credits to give back of what it spent.")],
    reason: Reason,
    key: Key = None,
) -> None:
    """Give back credits that a job spent."""
    with open_client(get_settings()) as client:
        client.refund(job_id, amount, reason, key=key)
        Console().print(f"Gave back {amount}; {client.balance().available} are available.")
