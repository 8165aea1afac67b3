"""The stand-in as a part of the embedded stack."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cutroom.local.leash import leashed


@dataclass(frozen=True)
class CardServer:
    """One stand-in. `folder` holds its state; its events go to the API on `api_port`, signed with `hook_secret`."""

    folder: Path
    port: int
    api_port: int
    live_key: str = field(repr=False)
    test_key: str = field(repr=False)
    hook_secret: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str]:
        return leashed([sys.executable, "-m", "cutroom.local.cards", str(self.folder)])

    def environment(self) -> dict[str, str]:
        """The keys travel here and not on the command line, which everyone can read."""
        ours = {
            "CARDS_PORT": str(self.port),
            "API_PORT": str(self.api_port),
            "STRIPE_LIVE_KEY": self.live_key,
            "STRIPE_TEST_KEY": self.test_key,
            "STRIPE_WEBHOOK_SECRETS": self.hook_secret,
        }
        path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
        return {"PATH": os.defpath, **path, **{f"CUTROOM_{name}": value for name, value in ours.items()}}

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def finish(self) -> None:
        """Nothing is needed once it answers."""
