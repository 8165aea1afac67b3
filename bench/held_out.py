"""Weights for transcripts that took no part in fitting them."""

from collections.abc import Sequence
from pathlib import Path

from bench.fit_selection import fit
from bench.labelled import Labelled, read_labelled
from cutroom.media.weights import WEIGHTS, Weights

OWN = Path(__file__).with_name("talks")
NEARBY = Path(__file__).parents[2] / "shared" / "transcripts"


def held_out_weights(given: Sequence[Labelled], paths: Sequence[Path]) -> list[Weights]:
    """For each transcript those that ship, or, where they were fitted on it, weights fitted anew on the others of them."""
    known = _known(given, paths)
    return [_weights(one, known) for one in given]


def _known(given: Sequence[Labelled], paths: Sequence[Path]) -> dict[str, Labelled]:
    """The transcripts that the shipped weights were fitted on, by fingerprint: those given, those beside them, and those nearby."""
    found = {one.fingerprint: one for one in given}
    for path in sorted({file for folder in {NEARBY, *(path.parent for path in paths)} for file in folder.glob("*.json")}):
        try:
            one = read_labelled(path)
        except (KeyError, TypeError, ValueError):
            continue  # another kind of file
        found.setdefault(one.fingerprint, one)
    return {mark: one for mark, one in found.items() if mark in WEIGHTS.fitted_on}


def _weights(one: Labelled, known: dict[str, Labelled]) -> Weights:
    others = [other for mark, other in known.items() if mark != one.fingerprint]
    return fit(others) if one.fingerprint in known and others else WEIGHTS
