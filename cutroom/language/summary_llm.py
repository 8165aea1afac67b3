"""A summary written by a language model: notes of each stretch, then the whole from what of them held. The offline one otherwise.

Each question may be mended once. Nothing here stops a job: a model that is away, or whose answers do not hold, leaves the summary
that needs none, with a warning in it.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from cutroom.contracts.documents import Chapter, CitedText, Highlight, KeyPoint, Summary, Transcript
from cutroom.contracts.summary import SummaryWishes
from cutroom.errors import CutroomError, Unreachable
from cutroom.language.citations import check, span
from cutroom.language.endpoint import Endpoint, Message
from cutroom.language.ranking import repair
from cutroom.language.summary import summarise
from cutroom.language.writing import Checker, Draft, N, Notes, Told, chunks, read, reading, writing

VERSION = 2

AT_ONCE = 4  # questions

log = structlog.get_logger(__name__)


async def write(endpoint: Endpoint, model: str, transcript: Transcript, wanted: SummaryWishes) -> Summary:
    """Raises BadInput (`no_speech`) where nothing was said. `model`: what the summary names as its engine."""
    offline = await asyncio.to_thread(summarise, transcript, wanted)
    try:
        draft = await _draft(endpoint, transcript, wanted, offline.chapters)
        written = _summary(draft, transcript, wanted, offline, model)
    except CutroomError as error:
        log.warning("not_written", code=error.code, detail=error.detail)
        warning = f"The summary was made without the language model. {error.detail}"
        return offline.model_copy(update={"warnings": [*offline.warnings, warning]})
    return written


async def _draft(endpoint: Endpoint, transcript: Transcript, wanted: SummaryWishes, chapters: Sequence[Chapter]) -> Draft:
    translated = wanted.language not in ("", transcript.language)
    gate = asyncio.Semaphore(AT_ONCE)

    async def notes(run: list[int]) -> Notes:
        checker = Checker(transcript, frozenset(run), translated)
        async with gate:
            return await _asked(endpoint, reading(transcript, run, wanted), Notes, checker.notes)

    try:
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(notes(run)) for run in chunks(transcript)]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    taken = [task.result() for task in reads]
    cited = {place for part in taken for point in part.points for place in point.sentences}
    checker = Checker(transcript, frozenset(cited | {quote.sentence for part in taken for quote in part.quotes}), translated)
    question = writing(transcript, taken, chapters, wanted)
    return await _asked(endpoint, question, Draft, lambda draft: checker.draft(draft, chapters))


async def _asked(endpoint: Endpoint, question: Sequence[Message], kind: type[N], checked: Callable[[N], tuple[N, list[str]]]) -> N:
    """What of the answer holds, mended once where not all of it does. Raises Unreachable (`language_unusable`) where neither
    answer can be read.
    """
    messages, found = [*question], None
    faults: list[str]
    for _ in range(2):
        answer: str = await endpoint.answer(messages, kind.model_json_schema())
        said = read(answer, kind)
        faults = ["The answer is not the JSON object that was asked for."]
        if said is not None:
            found, faults = checked(said)
        if not faults:
            break
        log.info("answer_to_be_mended", faults=len(faults))
        messages = [*question, *repair(answer, faults)]
    if found is None:
        raise _unheld()
    return found


def _summary(draft: Draft, transcript: Transcript, wanted: SummaryWishes, offline: Summary, model: str) -> Summary:
    """Raises Unreachable (`language_unusable`) where too little of the draft holds, ToolFailed (`summary_wrong`) never."""
    points = [_key_point(one, transcript) for one in draft.points[: wanted.key_points]]
    if not draft.summary or (wanted.key_points and not points):
        raise _unheld()
    quoted = {quote.sentence: quote.why for quote in draft.quotes[: wanted.highlights]}
    summary = Summary(
        summary=[CitedText(text=one.text, sentences=one.sentences) for one in draft.summary],
        key_points=sorted(points, key=lambda point: point.sentences),
        chapters=[
            chapter.model_copy(update={"title": title or chapter.title})
            for chapter, title in zip(offline.chapters, draft.titles, strict=True)
        ],
        highlights=[_highlight(place, why, transcript) for place, why in sorted(quoted.items())] or offline.highlights,
        language=wanted.language or transcript.language,
        engine=model,
    )
    check(summary, transcript)
    return summary


def _key_point(told: Told, transcript: Transcript) -> KeyPoint:
    start_s, end_s = span(transcript, told.sentences)
    return KeyPoint(text=told.text, sentences=told.sentences, start_s=start_s, end_s=end_s)


def _highlight(place: int, why: str, transcript: Transcript) -> Highlight:
    start_s, end_s = span(transcript, [place])
    return Highlight(quote=transcript.sentences[place].text, sentences=[place], start_s=start_s, end_s=end_s, why=why)


def _unheld() -> Unreachable:
    return Unreachable("What the language model answered, twice, does not hold against the recording.", code="language_unusable")
