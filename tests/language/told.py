"""A talk to sum up: our own labelled one, and answers of a language model about it."""

import json
from pathlib import Path
from typing import Any

from bench.labelled import read_labelled, transcript_of
from cutroom.contracts.documents import Transcript

CLOCK = read_labelled(Path(__file__).parents[2] / "bench" / "talks" / "clock.json").transcript


def said(*lines: str, voices: str = "A") -> Transcript:
    """Sentences of five seconds, by each voice in turn."""
    return transcript_of([(line, 6.0 * n, 6.0 * n + 5, voices[n % len(voices)]) for n, line in enumerate(lines)])


def told(text: str, *sentences: int) -> dict[str, Any]:
    return {"text": text, "sentences": list(sentences)}


PENNIES = told("Nineteen pennies are on the weight now.", 46)
STOPPED = told("In 2011 the clock stopped for three days.", 7)
QUOTED = {"sentence": 14, "why": "It says what a clock is for."}


def notes(*points: dict[str, Any], quotes: tuple[dict[str, Any], ...] = (QUOTED,)) -> str:
    return json.dumps({"points": points, "quotes": quotes})


def draft(
    summary: list[dict[str, Any]], points: list[dict[str, Any]], titles: list[str], quotes: tuple[dict[str, Any], ...] = (QUOTED,)
) -> str:
    return json.dumps({"summary": summary, "points": points, "quotes": quotes, "titles": titles})
