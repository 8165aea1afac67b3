"""Ranks the best passages again with a language model: asks it, lets it mend its answer once, and goes on without it otherwise.

What the model says of a passage counts as one more part of its score. Nothing here stops a job: a model that is away, or
whose answer does not hold, leaves the selection as it was, with a warning in it.
"""

from collections.abc import Callable, Sequence

import structlog

from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import ClipChoice, Selection, Transcript
from cutroom.errors import CutroomError
from cutroom.language.endpoint import Endpoint
from cutroom.language.ranking import SCHEMA, Checked, Pick, checked, offered, question, repair

VERSION = 1

MODEL_SHARE = 0.5  # of a score; the rest is what the passage had before

log = structlog.get_logger(__name__)

Choose = Callable[[Sequence[ClipChoice], int], list[ClipChoice]]
"""At most so many clips of candidates, best first by their scores."""


async def rerank(
    endpoint: Endpoint, transcript: Transcript, selection: Selection, wishes: ClipWishes, topic: str, choose: Choose
) -> Selection:
    """The selection chosen again from candidates that the model ranked; as it was where there is nothing to rank, or no usable
    answer.
    """
    passages = offered(selection.candidates)
    if len(passages) < 2:
        return selection
    try:
        answer = await _answer(endpoint, transcript, passages, wishes, topic)
    except CutroomError as error:
        log.warning("not_reranked", code=error.code, detail=error.detail)
        return _as_it_was(selection, error.detail)
    if answer.faults:
        log.warning("not_reranked", faults=len(answer.faults))
        return _as_it_was(selection, "What the language model answered, twice, does not hold against the recording.")
    candidates = rescored(selection.candidates, answer.picks)
    return selection.model_copy(update={"clips": choose(candidates, wishes.count), "candidates": candidates})


async def _answer(
    endpoint: Endpoint, transcript: Transcript, passages: Sequence[ClipChoice], wishes: ClipWishes, topic: str
) -> Checked:
    messages = question(transcript, passages, wishes, topic)
    answer = await endpoint.answer(messages, SCHEMA)
    found = checked(answer, transcript, passages, wishes)
    if not found.faults:
        return found
    log.info("answer_to_be_mended", faults=len(found.faults))
    mended = await endpoint.answer([*messages, *repair(answer, found.faults)], SCHEMA)
    return checked(mended, transcript, passages, wishes)


def _as_it_was(selection: Selection, why: str) -> Selection:
    return selection.model_copy(
        update={"warnings": [*selection.warnings, f"The clips were chosen without the language model. {why}"]}
    )


def rescored(candidates: Sequence[ClipChoice], picks: Sequence[Pick]) -> list[ClipChoice]:
    """Candidates, best first, when the model's order counts for `MODEL_SHARE`: 100 for its first, 0 where it ranks none."""
    ranked = {(pick.passage.start_s, pick.passage.end_s): (100 * (1 - n / len(picks)), pick) for n, pick in enumerate(picks)}
    scored = [_scored(passage, *ranked.get((passage.start_s, passage.end_s), (0.0, None))) for passage in candidates]
    scored.sort(key=lambda passage: (-passage.score, passage.start_s))
    return [passage.model_copy(update={"ordinal": ordinal}) for ordinal, passage in enumerate(scored, 1)]


def _scored(passage: ClipChoice, points: float, pick: Pick | None) -> ClipChoice:
    parts = {name: round((1 - MODEL_SHARE) * share, 1) for name, share in passage.score_parts.items()}
    changed: dict[str, object] = {
        "score": round((1 - MODEL_SHARE) * passage.score + MODEL_SHARE * points, 1),
        "score_parts": parts | {"model": round(MODEL_SHARE * points, 1)},
    }
    if pick is not None:
        changed["why"] = f"The language model chose it for \u201c{pick.quote}\u201d: {pick.reason}"
        changed["title"] = pick.title or passage.title
    return passage.model_copy(update=changed)
