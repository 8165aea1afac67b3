"""Parts put together to one transcript."""

from cutroom.contracts.documents import TranscriptPart, Word
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
