"""docker-compose.temporal.yml, read as Docker Compose reads it: variables filled in, anchors merged."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.temporal.yml"
EXAMPLE = ROOT / ".env.example"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<kind>:-|:\?)(?P<rest>(?:[^{}]|\{[^{}]*\})*))?\}")


class Refused(Exception):
    """A variable that must have a value has none; says what the file says then."""


def variables(text: str) -> dict[str, str]:
    """Those of an environment file."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def make_env(folder: Path) -> Path:
    """The environment file that the script makes, or completes, in a checkout of that folder."""
    (folder / "scripts").mkdir(exist_ok=True)
    for name in (".env.example", "scripts/make-env.sh"):
        shutil.copyfile(ROOT / name, folder / name)
    subprocess.run(["sh", folder / "scripts/make-env.sh"], check=True)
    return folder / ".env"


def made() -> dict[str, str]:
    """A good environment, as the script makes it."""
    with tempfile.TemporaryDirectory() as folder:
        return variables(make_env(Path(folder)).read_text())


def project(environment: Mapping[str, str]) -> dict[str, Any]:
    """The whole project. Raises Refused."""
    filled: dict[str, Any] = _filled(yaml.safe_load(FILE.read_text()), environment)
    return filled


def defaults() -> Iterator[tuple[str, str]]:
    """(variable, what stands in for it) of every use that has one."""
    for found in _VARIABLE.finditer(FILE.read_text()):
        if found["kind"] == ":-":
            yield found["name"], found["rest"]


def asked() -> set[str]:
    """Every variable that the file asks for, also those within others' defaults."""
    return set(re.findall(r"\$\{(\w+)", FILE.read_text()))


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment) for item in value]
    return fill(value, environment) if isinstance(value, str) else value


def fill(text: str, environment: Mapping[str, str]) -> str:
    """The text with its variables replaced: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`. Raises Refused."""

    def one(found: re.Match[str]) -> str:
        value = environment.get(found["name"], "")
        if value or not found["kind"]:
            return value
        if found["kind"] == ":?":
            raise Refused(f"{found['name']}: {found['rest']}")
        return fill(found["rest"], environment)

    return _VARIABLE.sub(one, text)
