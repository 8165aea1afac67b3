"""`cutroom tokens`: who may call the API, and with which rights."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cutroom.cli.session import open_client
from cutroom.settings import get_settings

app = typer.Typer(name="tokens", no_args_is_help=True, help="List, make and revoke tokens.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """All tokens, revoked ones too."""
    with open_client(get_settings()) as client:
        found = list(client.tokens())
    if as_json:
        Console().print_json(data=[token.model_dump(mode="json") for token in found])
        return
    table = Table("token", "name", "mode", "scopes", "revoked")
    for token in found:
        table.add_row(token.id, token.name, token.mode, " ".join(token.scopes), "yes" if token.revoked_at else "")
    Console().print(table)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="To tell it apart.")],
    scope: Annotated[list[str], typer.Option(help="Repeat for several, such as --scope jobs:read.")],
    mode: Annotated[str | None, typer.Option(help="live or test; yours where it is left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token; its text is shown this once."""
    with open_client(get_settings()) as client:
        made = client.create_token(name, scope, mode)
    if as_json:
        Console().print_json(data=made.model_dump(mode="json"))
    else:
        Console().print(made.token, markup=False, highlight=False)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="Such as tok_...")]) -> None:
    """From now on nobody gets in with it."""
    with open_client(get_settings()) as client:
        client.revoke_token(token_id)
