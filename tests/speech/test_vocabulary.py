"""Names and terms are spelled as the customer does, and other words are left alone."""

import pytest

from cutroom.contracts.documents import Word
from cutroom.speech.aligners import aligners
from cutroom.speech.vocabulary import spelled_as

ORDINARY = ("IT", "US", "WHO", "Meet")
TERMS = ("Cutroom", "Kubernetes", "Ada Lovelace", "PostgreSQL", "Siobhan")


def spelled(text: str, terms: tuple[str, ...] = TERMS) -> str:
    words = [Word(text=word, start_s=float(i), end_s=i + 0.9) for i, word in enumerate(text.split())]
    repaired, _ = spelled_as(words, terms, "en", aligners().knows)
    assert [word.start_s for word in repaired] == sorted(word.start_s for word in repaired)
    assert repaired[-1].end_s == pytest.approx(words[-1].end_s)
    return " ".join(word.text for word in repaired)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("We use cut room, every day.", "We use Cutroom, every day."),
        ("Then kubernetties starts.", "Then Kubernetes starts."),
        ("It was ada lovelace!", "It was Ada Lovelace!"),
        ("(cutroom) is here.", "(Cutroom) is here."),
    ],
)
def test_near_misses_are_repaired_with_their_punctuation(heard: str, meant: str) -> None:
    assert spelled(heard) == meant


@pytest.mark.parametrize(
    "heard",
    [
        "The bedroom is upstairs.",
        "A culture of its own.",
        "They cut the room in half.",
        "I had a lovely lace.",
        "Governesses came.",
    ],
)
def test_other_words_stay_as_they_are(heard: str) -> None:
    assert spelled(heard) == heard


@pytest.mark.parametrize("heard", ["And it is raining.", "They told us.", "Who is there?", "We eat meat."])
def test_ordinary_words_in_a_text_with_capitals_were_meant_so(heard: str) -> None:
    assert spelled(heard, ORDINARY) == heard


def test_without_a_vocabulary_nothing_changes() -> None:
    assert spelled("Anything at all.", ()) == "Anything at all."
