"""The parts of a transcript put together, none of their words lost or doubled."""

from collections.abc import Sequence

from cutroom.contracts.documents import Transcript, TranscriptPart, Word
from cutroom.speech.captions import in_order, merged
from cutroom.speech.language import language_name
from cutroom.speech.words import sentences_of, spoken_form

MANY = 0.2
# Two hearings of one word differ by no more, and mostly by less than two words of the same text are apart.
SAME_S = 0.4
NEAR_S = 0.1


def join_parts(engine: str, language: str, duration_s: float, parts: Sequence[TranscriptPart]) -> Transcript:
    """One transcript of parts in the order of time. No parts, or parts without words, give a transcript without words.

    `engine`: the planned one, where no part has words; else the one that gave most of them. `language`: as asked for; empty
    takes the one that most words are in, and a warning names the others.
    """
    words: list[Word] = []
    captioned = False
    for part in parts:
        captions = part.engine == "captions"
        words = merged(words, part.words) if captions and captioned else stitched(words, part.words, captioned, captions)
        captioned = captions
    words = in_order(words)
    guessed = sum(not word.aligned for word in words)
    engines, languages = (counted(parts, name) for name in ("engine", "language"))
    warnings = list(dict.fromkeys(warning for part in parts for warning in part.warnings))
    if len(languages) > 1 and not language:
        others = ", ".join(language_name(other) for other in list(languages)[1:])
        warnings.append(f"More than one language is spoken: mostly {language_name(next(iter(languages)))}, and {others}.")
    if guessed:
        warnings.append(f"The times of {guessed} of {len(words)} words are estimated: they were not found in the sound.")
    if guessed > MANY * len(words) and "captions" in engines:
        warnings.append("The captions fit the sound badly: check that they belong to this recording, and their timing.")
    return Transcript(
        engine=next(iter(engines), engine),
        language=language or next(iter(languages), ""),
        duration_s=duration_s,
        words=words,
        sentences=sentences_of(words),
        warnings=warnings,
    )


def counted(parts: Sequence[TranscriptPart], name: str) -> dict[str, int]:
    """Words of each engine or language, most first."""
    counts: dict[str, int] = {}
    for part in parts:
        if part.words and getattr(part, name):
            counts[getattr(part, name)] = counts.get(getattr(part, name), 0) + len(part.words)
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def stitched(words: Sequence[Word], more: Sequence[Word], keep: bool = False, prefer: bool = False) -> list[Word]:
    """Two runs of words as one, where the end of the first and the beginning of the second may have heard the same.

    Both have all words of the shared stretch but perhaps for the one at its edge, which was cut. So they are joined at a word
    that both have, the nearest to the middle of the stretch; else at its middle. `keep`: the first run is captions, and
    stays whole; `prefer`: the second is.
    """
    if not words or not more or more[0].start_s >= words[-1].end_s:
        return [*words, *more]
    first_s, last_s = more[0].start_s, words[-1].end_s
    middle_s = last_s if keep else first_s if prefer else (first_s + last_s) / 2
    shared = [i for i in range(len(words) - 1, -1, -1) if words[i].end_s > first_s - SAME_S]
    pairs = [
        (abs(middle(words[i]) - middle(other)) > NEAR_S, abs(middle(words[i]) - middle_s), -i, j)
        for i in shared
        for j, other in enumerate(more)
        if abs(middle(words[i]) - middle(other)) <= SAME_S and spoken_form(words[i].text) == spoken_form(other.text)
    ]
    if pairs and not keep and not prefer:
        _, _, i, j = min(pairs)
        return [*words[: 1 - i], *more[j + 1 :]]
    return [*(w for w in words if keep or middle(w) < middle_s), *(w for w in more if prefer or middle(w) >= middle_s)]


def middle(word: Word) -> float:
    return (word.start_s + word.end_s) / 2
