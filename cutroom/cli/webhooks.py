"""`cutroom webhooks`: where your systems are told what happens, and what became of each telling."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cutroom.cli.session import open_client
from cutroom.settings import get_settings

app = typer.Typer(name="webhooks", no_args_is_help=True, help="List and add webhook endpoints, see and replay deliveries.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_endpoints(as_json: AsJson = False) -> None:
    """All endpoints."""
    with open_client(get_settings()) as client:
        found = list(client.webhook_endpoints())
    if as_json:
        Console().print_json(data=[endpoint.model_dump(mode="json") for endpoint in found])
        return
    table = Table("endpoint", "mode", "url", "events", "state")
    for one in found:
        state = "on" if one.enabled else f"off: {one.disabled_reason}"
        table.add_row(one.id, one.mode, escape(one.url), " ".join(one.events), state)
    Console().print(table)


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="https, on the public internet.")],
    event: Annotated[
        list[str] | None, typer.Option(help="Repeat for several, such as --event clip.ready; all where left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint; its secret is shown this once."""
    with open_client(get_settings()) as client:
        made = client.create_webhook_endpoint(url, event or ["*"])
    if as_json:
        Console().print_json(data=made.model_dump(mode="json"))
        return
    Console(stderr=True).print(f"Made {made.id}. Its secret:", highlight=False)
    Console(soft_wrap=True).print(made.secret, markup=False, highlight=False)


@app.command()
def deliveries(
    endpoint: Annotated[str | None, typer.Option(help="Of this endpoint alone.")] = None,
    status: Annotated[str | None, typer.Option(help="pending, succeeded, failed or canceled.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What was sent, and what came of it, newest first."""
    with open_client(get_settings()) as client:
        found = [one for one, _ in zip(client.webhook_deliveries(endpoint, status), range(limit), strict=False)]
    if as_json:
        Console().print_json(data=[delivery.model_dump(mode="json") for delivery in found])
        return
    table = Table("delivery", "event", "endpoint", "status", "tries", "answer", "next")
    for one in found:
        answer = " ".join(filter(None, (str(one.http_status or ""), one.error_code)))
        due = f"{one.next_at:%Y-%m-%d %H:%M:%S}" if one.next_at else ""
        table.add_row(one.id, one.event_type, one.endpoint_id, one.status, str(len(one.attempts)), answer, due)
    Console().print(table)


@app.command()
def replay(delivery_id: Annotated[str, typer.Argument(help="Such as dlv_...")]) -> None:
    """Send an event once more."""
    with open_client(get_settings()) as client:
        again = client.replay_webhook_delivery(delivery_id)
    Console().print(again.id, markup=False, highlight=False)
