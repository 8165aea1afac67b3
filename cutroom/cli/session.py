"""Reaching the API from the command line: the one of settings, or this machine's own stack."""

from cutroom.client import Client
from cutroom.errors import SetupError
from cutroom.settings import Settings


def open_client(settings: Settings) -> Client:
    """A client of CUTROOM_API_URL with CUTROOM_API_TOKEN, or of the embedded stack. Raises SetupError without a token."""
    url = settings.api_url or f"http://127.0.0.1:{settings.api_port}"
    token = settings.api_token.get_secret_value()
    kept = settings.home.expanduser() / "token"
    if not token and kept.exists():
        token = kept.read_text().strip()
    if not token:
        raise SetupError(
            "There is no token: start the stack with `cutroom up`, or set CUTROOM_API_TOKEN (and CUTROOM_API_URL).",
            code="token_missing",
        )
    return Client(url, token)
