"""`python -m cutroom.local.cards FOLDER`: the stand-in on loopback, until it is asked to stop. Keys come by the environment."""

import sys
from pathlib import Path

import uvicorn

from cutroom.local.cards.app import Keys, create_app
from cutroom.local.cards.state import State
from cutroom.settings import get_settings


def main(folder: Path) -> None:
    settings = get_settings()
    url = f"http://127.0.0.1:{settings.cards_port}"
    keys = Keys(
        live=settings.stripe_live_key.get_secret_value(),
        test=settings.stripe_test_key.get_secret_value(),
        hook_url=f"http://127.0.0.1:{settings.api_port}/hooks/stripe",
        hook_secret=settings.stripe_webhook_secrets.get_secret_value(),
    )
    app = create_app(State(folder / "state.db"), keys, url)
    uvicorn.run(app, host="127.0.0.1", port=settings.cards_port, access_log=False, log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
