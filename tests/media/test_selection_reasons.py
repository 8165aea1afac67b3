"""What is said of why a clip was chosen holds of the clip."""

from collections.abc import Sequence

import pytest

from cutroom.media.cues import CONCLUDING
from cutroom.media.features import Line, Talk
from cutroom.media.reasons import _truths
from cutroom.speech.prosody import SentenceSound
from tests.media.talks import PLAIN, TALK, choose, sound, transcript


def test_the_reasons_of_a_clip_hold_of_its_text() -> None:
    talk = transcript(TALK)
    for clip in choose(talk, count=5, min_s=15, max_s=40).clips:
        opening, ending = talk.sentences[clip.first_sentence].text, talk.sentences[clip.last_sentence - 1].text
        assert ("open with a question" in clip.why) <= ("?" in opening)
        assert ("end on a conclusion" in clip.why) <= bool(CONCLUDING.match(ending.lower()))


def reasons(*texts: str, speakers: Sequence[str | None] = (), sounds: Sequence[SentenceSound] = (), gap_s: float = 0.1) -> str:
    """Why a passage of these texts would be taken, all truths told, out of a talk that has plain lines on both sides."""
    said = [PLAIN, *texts, PLAIN]
    lines = [
        Line(
            text,
            i * (5 + gap_s),
            i * (5 + gap_s) + 5,
            speakers[i - 1] if speakers and 0 < i < len(said) - 1 else "B" if speakers else None,
            sounds[i - 1] if sounds and 0 < i < len(said) - 1 else sound() if sounds else None,
        )
        for i, text in enumerate(said)
    ]
    return ", ".join(phrase for _, holds, phrase in _truths(Talk(lines, 3, 60), 1, len(texts)) if holds)


@pytest.mark.parametrize(
    ("phrase", "holds", "fails"),
    [
        ("open with a question", ["Why does nobody wait?", PLAIN], ["Nobody waits.", "Why?"]),
        ("open with a figure", ["In all we sold 400 lamps.", PLAIN], ["We sold lamps, one by one.", "It was 400."]),
        ("open with a time or a scene", ["It was last summer.", PLAIN], ["It was near the river.", PLAIN]),
        ("put a question and go on from it", [PLAIN, "But why?", PLAIN], [PLAIN, PLAIN, "But why?"]),
        ("name 2 figures", ["We sold 400 lamps.", "They cost 9 dollars."], ["We sold 400 lamps.", PLAIN]),
        (
            "tell what people said or thought",
            ["The mayor said no.", "Then she asked me why."],
            ["It goes without saying that the firm called Lamp calls.", "As I said, that said, it is called a wire."],
        ),
        (
            "return at the end to words of their beginning",
            ["The violin was broken.", PLAIN, "They were gone.", "Nobody mended the violin."],
            ["The violin was broken.", "They were gone.", "It rained.", "Nobody mended the piano."],
        ),
        ("end on a conclusion", [PLAIN, "That is why nobody waits."], [PLAIN, "So yesterday we went to the shop."]),
        ("end on a conclusion", [PLAIN, "The lesson is to wait."], [PLAIN, "You went to the shop."]),
    ],
)
def test_a_phrase_of_the_reasons_is_told_of_texts_of_which_it_is_true_alone(
    phrase: str, holds: list[str], fails: list[str]
) -> None:
    assert phrase in reasons(*holds)
    assert phrase not in reasons(*fails)


def test_a_reason_of_the_sound_or_the_clock_is_told_where_it_was_measured() -> None:
    assert "stand between two pauses" in reasons(PLAIN, gap_s=1)
    assert "stand between two pauses" not in reasons(PLAIN, gap_s=0.5)
    assert "stay with one voice" in reasons(PLAIN, PLAIN, speakers=["A", "A"])
    assert "stay with one voice" not in reasons(PLAIN, PLAIN, speakers=["A", "B"])
    assert "are 4 dB louder than the talk" in reasons(PLAIN, sounds=[sound(loudness_db=4)])
    assert "louder" not in reasons(PLAIN, sounds=[sound(loudness_db=0.4)])
    assert "end as the room reacts" in reasons(PLAIN, PLAIN, sounds=[sound(), sound(laughter=1)])
    assert "end as the room reacts" not in reasons(PLAIN, PLAIN, sounds=[sound(laughter=1), sound()])
