"""How much each feature of a passage counts: read from `weights.toml`, which `python -m bench.selection --fit` writes."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PLACE = Path(__file__).with_name("weights.toml")


@dataclass(frozen=True)
class Weights:
    """`points`: of each feature, 100 in all. The other four: the cues that make up a feature of that name, signed by whether
    a cue speaks for it or against it, absolute values adding up to 1. `fitted_on`: fingerprints of the labelled transcripts.
    """

    points: Mapping[str, float]
    opening: Mapping[str, float]
    standalone: Mapping[str, float]
    payoff: Mapping[str, float]
    closure: Mapping[str, float]
    fitted_on: tuple[str, ...] = ()


def read(text: str) -> Weights:
    given = tomllib.loads(text)
    cues = {name: given[name] for name in ("opening", "standalone", "payoff", "closure")}
    return Weights(points=given["fitted"] | given["prior"], fitted_on=tuple(given["fitted_on"]), **cues)


WEIGHTS = read(PLACE.read_text(encoding="utf-8"))
