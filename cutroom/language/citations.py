"""Whether a summary holds against its transcript: what it cites is there, at those times, and its quotes were said so."""

from collections.abc import Sequence

from cutroom.contracts.documents import Summary, Transcript
from cutroom.errors import ToolFailed


def check(summary: Summary, transcript: Transcript) -> None:
    """Raises ToolFailed (`summary_wrong`) at the first thing that does not hold. Pure."""
    said = transcript.sentences
    timed = [(point.sentences, point.start_s, point.end_s) for point in summary.key_points]
    timed += [(chapter.sentences, chapter.start_s, chapter.end_s) for chapter in summary.chapters]
    timed += [(highlight.sentences, highlight.start_s, highlight.end_s) for highlight in summary.highlights]
    for places in [one.sentences for one in summary.summary] + [places for places, *_ in timed]:
        if not places or places != sorted(set(places)) or not (places[0] >= 0 and places[-1] < len(said)):
            raise _wrong("it cites sentences that are not there")
    for places, *times in timed:
        if tuple(times) != span(transcript, places):
            raise _wrong("a time is not that of its sentences")
    for highlight in summary.highlights:
        if not highlight.quote or highlight.quote not in text_of(transcript, highlight.sentences):
            raise _wrong("a quote was not said word for word")
    told = [place for chapter in summary.chapters for place in chapter.sentences]
    if told != [place for place, sentence in enumerate(said) if sentence.text.strip()]:
        raise _wrong("its chapters do not hold every sentence once, in order")


def text_of(transcript: Transcript, places: Sequence[int]) -> str:
    """What these sentences say, each as it stands there, one blank between them."""
    return " ".join(transcript.sentences[place].text for place in places)


def span(transcript: Transcript, places: Sequence[int]) -> tuple[float, float]:
    """Seconds from the first of these sentences to the last."""
    said = [transcript.sentences[place] for place in places]
    return min(sentence.start_s for sentence in said), max(sentence.end_s for sentence in said)


def _wrong(why: str) -> ToolFailed:
    return ToolFailed(f"The summary does not hold against the transcript: {why}.", code="summary_wrong")
