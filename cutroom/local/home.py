"""The folder that holds all state of the embedded stack, and its generated passwords."""

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path


def _password() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Secrets:
    """Made once per home. `instance` names what has to live outside the home folder."""

    superuser: str = field(default_factory=_password)
    owner: str = field(default_factory=_password)
    app: str = field(default_factory=_password)
    system: str = field(default_factory=_password)
    s3_access_key: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    s3_secret_key: str = field(default_factory=_password)
    card_live_key: str = field(default_factory=lambda: f"stand_in_live_{_password()}")
    card_test_key: str = field(default_factory=lambda: f"stand_in_test_{_password()}")
    card_hook_secret: str = field(default_factory=lambda: f"whsec_{_password()}")
    instance: str = field(default_factory=lambda: secrets.token_hex(6))


@dataclass(frozen=True)
class Home:
    """Paths inside the home folder. Sub-folders are private; the folder itself may be passed through (PostgreSQL is not root)."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """The home at `path`, made where it is missing."""
        home = cls(path.expanduser().resolve())
        home.path.mkdir(parents=True, exist_ok=True)
        home.path.chmod(0o711)
        for name in ("logs", "run"):
            home.folder(name)
        return home

    def folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def log(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def ready_file(self, name: str) -> Path:
        """A worker touches it once it polls."""
        return self.path / "run" / f"{name}.ready"

    @property
    def run_file(self) -> Path:
        return self.path / "run.json"

    @property
    def token_file(self) -> Path:
        return self.path / "token"

    def secrets(self) -> Secrets:
        """The passwords of this home, made on first use; those that an older home lacks are added."""
        file = self.path / "secrets.json"
        kept = json.loads(file.read_text()) if file.exists() else {}
        if not {each.name for each in fields(Secrets)} <= kept.keys():
            kept = asdict(Secrets(**kept))
            write_private(file, json.dumps(kept, indent=2))
        return Secrets(**kept)


def write_private(file: Path, text: str) -> None:
    """Writes `file` whole or not at all, readable by nobody else; of several writers at once the last one wins."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
