"""The Dockerfile, read as an engine reads it: what each target says once the stages that it builds on have spoken."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser
from dockerfile_parse.parser import image_from
from dockerfile_parse.util import extract_key_values

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "Dockerfile"


@dataclass
class Image:
    """What an image's own instructions are. Lists are exec forms: a shell form is no JSON, and raises ValueError."""

    base: str
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = ""
    stop_signal: str = ""
    ports: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def hear(self, instruction: str, value: str) -> None:
        """Take one instruction."""
        if instruction == "ENV":
            self.env |= extract_key_values(True, {}, self.env, value)
        elif instruction == "LABEL":
            self.labels |= extract_key_values(False, {}, {}, value)
        elif instruction == "EXPOSE":
            self.ports += value.split()
        elif instruction == "USER":
            self.user = value
        elif instruction == "WORKDIR":
            self.folder = value
        elif instruction == "STOPSIGNAL":
            self.stop_signal = value
        elif instruction == "ENTRYPOINT":
            self.entrypoint = json.loads(value)
        elif instruction == "CMD":
            self.command = json.loads(value)
        elif instruction == "HEALTHCHECK":
            self.health = json.loads(value.partition("CMD")[2])


@cache
def stages() -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """By name: what the stage is built from, and its instructions."""
    found: dict[str, tuple[str, list[dict[str, Any]]]] = {}
    for instruction in DockerfileParser(str(DOCKERFILE)).structure:
        if instruction["instruction"] == "FROM":
            base, name = image_from(instruction["value"])
            found[name] = base, []
        elif instruction["instruction"] != "COMMENT":
            found[name][1].append(instruction)
    return found


def image(target: str) -> Image:
    """The image of a target."""
    base, instructions = stages()[target]
    result = image(base) if base in stages() else Image(base)
    for instruction in instructions:
        result.hear(instruction["instruction"], instruction["value"])
    return result
