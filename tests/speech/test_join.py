"""Parts put together to one transcript."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import TranscriptPart, Word
from cutroom.speech.chunks import OVERLAP_S
from cutroom.speech.join import join_parts


def part(*words: Word, language: str = "en", warnings: tuple[str, ...] = ()) -> TranscriptPart:
    return TranscriptPart(engine="whisper", language=language, words=list(words), warnings=list(warnings))


def word(text: str, start_s: float, end_s: float, aligned: bool = True) -> Word:
    return Word(text=text, start_s=start_s, end_s=end_s, aligned=aligned)


def test_no_parts_give_an_empty_transcript() -> None:
    joined = join_parts("none", "", 12.5, [])
    assert (joined.engine, joined.language, joined.duration_s) == ("none", "", 12.5)
    assert (joined.words, joined.sentences, joined.warnings) == ([], [], [])


def test_a_sentence_may_begin_in_one_part_and_end_in_the_next() -> None:
    joined = join_parts("whisper", "en", 9, [part(word("We", 0, 1), word("went", 1, 2)), part(word("home.", 2, 3))])
    assert [sentence.text for sentence in joined.sentences] == ["We went home."]


def test_the_language_is_the_one_asked_for_else_the_one_most_parts_heard() -> None:
    parts = [part(word("a", 0, 1)), part(word("b", 1, 2), language="de"), part(word("c", 2, 3), language="de")]
    assert join_parts("whisper", "", 3, parts).language == "de"
    assert join_parts("whisper", "fr", 3, parts).language == "fr"


def test_parts_that_touch_do_not_overlap() -> None:
    joined = join_parts("whisper", "en", 9, [part(word("a", 0, 1.2)), part(word("b", 1.1, 2))])
    assert joined.words[0].end_s <= joined.words[1].start_s


def test_each_warning_is_said_once_and_estimated_words_are_counted() -> None:
    parts = [part(word("a", 0, 1), warnings=("Careful.",)), part(word("b", 1, 2, aligned=False), warnings=("Careful.",))]
    warnings = join_parts("captions", "en", 2, parts).warnings
    assert warnings.count("Careful.") == 1
    assert any(warning.startswith("The times of 1 of 2 words are estimated") for warning in warnings)


@st.composite
def cut_speech(draw: st.DrawFn) -> tuple[list[Word], list[float]]:
    """Words after one another, and moments at which two chunks meet, far enough apart for a chunk of their own."""
    now, said = 0.0, []
    for text in draw(st.lists(st.sampled_from(["the", "a", "of", "no", "yes", "and", "so"]), min_size=1, max_size=60)):
        now += draw(st.floats(0, 0.4))
        length = draw(st.floats(0.15, 0.6))
        said.append(word(text, now, now + length))
        now += length
    cuts = draw(st.lists(st.floats(0, now), max_size=4))
    return said, [cut for one, cut in zip([-5.0, *sorted(cuts)], sorted(cuts), strict=False) if cut - one >= 4.0]


@given(cut_speech(), st.randoms(use_true_random=False))
def test_chunks_that_meet_anywhere_lose_and_double_no_word(talk: tuple[list[Word], list[float]], chance: Random) -> None:
    """Each chunk hears a second beyond its cuts, a little unlike the other, and what its edge cuts in two as something else."""
    said, cuts = talk
    parts = []
    for start_s, end_s in pairwise([-10.0, *cuts, said[-1].end_s + 10]):
        first_s, last_s = start_s - OVERLAP_S / 2, end_s + OVERLAP_S / 2
        heard = []
        for one in said:
            if one.end_s > first_s and one.start_s < last_s:
                whole = one.start_s >= first_s and one.end_s <= last_s
                moved = chance.uniform(-0.02, 0.02)
                heard.append(word(one.text if whole else "hm", max(one.start_s, first_s) + moved, min(one.end_s, last_s) + moved))
        parts.append(part(*heard))
    joined = join_parts("whisper", "en", 99, parts)
    assert [one.text for one in joined.words] == [one.text for one in said]


def test_what_captions_tell_stays_whole_where_a_recogniser_heard_it_too() -> None:
    told = TranscriptPart(engine="captions", language="en", words=[word("so", 0, 1), word("it", 1, 1.5), word("ends", 1.5, 2)])
    heard = part(word("and", 1.6, 2.05), word("more", 2.1, 3), word("comes", 3, 4))
    assert [one.text for one in join_parts("captions", "en", 9, [told, heard]).words] == ["so", "it", "ends", "more", "comes"]
    later = told.model_copy(update={"words": [word("then", 3.4, 4), word("this", 4, 5)]})
    texts = [one.text for one in join_parts("captions", "en", 9, [told, heard, later]).words]
    assert texts == ["so", "it", "ends", "more", "then", "this"]


def test_the_languages_that_are_spoken_less_are_named() -> None:
    parts = [part(word("a", 0, 1), word("b", 1, 2)), part(word("c", 2, 3), language="de"), part(word("d", 3, 4), language="fr")]
    joined = join_parts("whisper", "", 4, parts)
    assert joined.language == "en"
    assert joined.warnings == ["More than one language is spoken: mostly English, and German, French."]


def test_the_engine_named_is_the_one_that_gave_most_words() -> None:
    assert join_parts("captions", "en", 9, [part(word("a", 0, 1))]).engine == "whisper"
