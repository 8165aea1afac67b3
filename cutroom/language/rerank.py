"""Ranks the best passages again with a language model: asks it, lets it mend its answer once, and goes on without it otherwise.

What the model says of a passage counts as one more part of its score. Nothing here stops a job: a model that is away, or
whose answer does not hold, leaves the selection as it was, with a warning in it.
"""

from collections.abc import Sequence

import structlog

from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import ClipChoice, Selection, Transcript
from cutroom.errors import CutroomError
from cutroom.language.endpoint import Endpoint
from cutroom.language.ranking import SCHEMA, Checked, Pick, checked, offered, question, repair

VERSION = 1

MODEL_SHARE = 0.5  # of a score; the rest is what the passage had before

log = structlog.get_logger(__name__)


async def rerank(endpoint: Endpoint, transcript: Transcript, selection: Selection, wishes: ClipWishes, topic: str) -> Selection:
    """The selection with its candidates ranked by the model; as it was where there is nothing to rank, or no usable answer."""
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
    return reranked(selection, answer.picks, wishes)


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


def reranked(selection: Selection, picks: Sequence[Pick], wishes: ClipWishes) -> Selection:
    """The best passages by score, when the model's order counts for `MODEL_SHARE` of it: 100 for its first, 0 where unranked."""
    place = {(pick.passage.start_s, pick.passage.end_s): number for number, pick in enumerate(picks)}
    candidates = []
    for passage in selection.candidates:
        number = place.get((passage.start_s, passage.end_s))
        points = 0.0 if number is None else 100 * (1 - number / len(picks))
        candidates.append(_scored(passage, points, None if number is None else picks[number]))
    candidates.sort(key=lambda passage: (-passage.score, passage.start_s))
    clips: list[ClipChoice] = []
    for passage in candidates:
        if len(clips) < wishes.count and all(passage.end_s <= clip.start_s or clip.end_s <= passage.start_s for clip in clips):
            clips.append(passage.model_copy(update={"ordinal": len(clips) + 1}))
    numbered = [passage.model_copy(update={"ordinal": number}) for number, passage in enumerate(candidates, 1)]
    return selection.model_copy(update={"clips": clips, "candidates": numbered})


def _scored(passage: ClipChoice, points: float, pick: Pick | None) -> ClipChoice:
    parts = {name: round((1 - MODEL_SHARE) * share, 1) for name, share in passage.score_parts.items()}
    changed = {
        "score": round((1 - MODEL_SHARE) * passage.score + MODEL_SHARE * points, 1),
        "score_parts": parts | {"model": round(MODEL_SHARE * points, 1)},
    }
    if pick is not None:
        changed["why"] = f"The language model chose it for \u201c{pick.quote}\u201d: {pick.reason}"
        changed["title"] = pick.title or passage.title
    return passage.model_copy(update=changed)
