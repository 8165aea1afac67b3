"""A small talk whose passages are known, and answers of a language model about it."""

import json
from typing import Any

from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import ClipChoice, Selection, Sentence, Transcript

LINES = [
    "The bakery on Main Street closed in 1998, and nobody noticed for a week.",
    "I noticed, because my father owned it.",
    "He never said a word about the money he had lost.",
    "Years later I found the ledger, and every page of it was blank.",
    "So what do you do with an empty ledger?",
    "You fill it, one honest number at a time.",
    "We opened again with four ovens and a loan of 900 dollars.",
    "The first winter nearly finished us, and the second one made us.",
    "People ask me what the secret is.",
    "There is none: you get up at three.",
]
SENTENCE_S = 6.0
WISHES = ClipWishes(count=2, min_s=10, max_s=30)


def transcript() -> Transcript:
    sentences = [
        Sentence(text=text, start_s=n * SENTENCE_S, end_s=n * SENTENCE_S + 5.5, first_word=n, last_word=n + 1)
        for n, text in enumerate(LINES)
    ]
    return Transcript(engine="captions", language="en", duration_s=60, words=[], sentences=sentences)


def passage(first: int, last: int, score: float, ordinal: int = 0) -> ClipChoice:
    """Sentences `first` to `last`, both included."""
    return ClipChoice(
        ordinal=ordinal,
        start_s=first * SENTENCE_S,
        end_s=last * SENTENCE_S + 5.8,
        first_sentence=first,
        last_sentence=last + 1,
        title="A title of our own",
        text=" ".join(LINES[first : last + 1]),
        score=score,
        score_parts={"opening": score},
        why="These seconds open with a claim.",
    )


CANDIDATES = [passage(0, 3, 60), passage(4, 6, 50), passage(3, 5, 45), passage(7, 9, 40), passage(8, 9, 30)]
SELECTION = Selection(clips=[passage(0, 3, 60, 1), passage(4, 6, 50, 2)], candidates=CANDIDATES, warnings=["Told before."])


def named(first: int, last: int, quote: str, reason: str = "It ends on a rule to keep.", title: str = "") -> dict[str, Any]:
    return {"first_sentence": first, "last_sentence": last, "title": title, "reason": reason, "quote": quote}


GOOD = [
    named(7, 9, "you get up at three", title="There is no secret: get up at three"),
    named(0, 3, "every page of it was blank", title="The blank ledger of the bakery"),
]
INVENTED = named(7, 9, "money is the root of all evil")


def answer(*passages: dict[str, Any]) -> str:
    return json.dumps({"passages": passages})
