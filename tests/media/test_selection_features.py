"""Each feature of a passage prefers what it is named for, and its weights make a score of a hundred."""

from collections.abc import Sequence

import numpy as np
import pytest

from bench.fit_selection import written
from cutroom.media.features import Line, Talk
from cutroom.media.weights import WEIGHTS, read
from tests.media.talks import PLAIN, sound


def features(*lines: Line, cuts_s: Sequence[float] = (), min_s: float = 3, max_s: float = 10) -> list[dict[str, float]]:
    """Of each line alone."""
    places = np.arange(len(lines))
    columns = Talk(lines, min_s, max_s, cuts_s).features(places, places)
    return [{name: float(column[place]) for name, column in columns.items()} for place in places]


@pytest.mark.parametrize(
    ("feature", "better", "worse"),
    [
        ("opening", "Why does everybody in this town hate waiting in 2024?", PLAIN),
        ("standalone", PLAIN, "And it was like that too."),
        ("payoff", "So that is why nobody will ever wait in this shop again, not once.", "Is it?"),
        ("substance", PLAIN, "Subscribe to the newsletter, the link is on the website."),
        ("audible", PLAIN, "On this slide you can see the red line go up."),
        ("certainty", PLAIN, "Um, I mean, it was sort of, I don't know, in the corner."),
        ("references", PLAIN, "As I said earlier, the second one stands in the corner."),
        ("precision", PLAIN, "It was something like that, and this was the other part of it."),
        ("story", "He said no, but then she went, because last summer he had called.", PLAIN),
        ("numbers", "In 1998 we sold 400 of them for 12 dollars.", PLAIN),
        ("contrast", "The oven did not stop, but the baker never came back.", PLAIN),
        ("fullness", PLAIN, "No."),
    ],
)
def test_each_feature_of_the_text_prefers_what_it_is_named_for(feature: str, better: str, worse: str) -> None:
    one, other, _ = features(Line(better, 0, 5), Line(worse, 6, 11), Line(PLAIN, 12, 17))
    assert one[feature] > other[feature]


def test_features_of_the_sound_and_the_clock_prefer_what_they_are_named_for() -> None:
    loud, soft, slow = features(
        Line(PLAIN, 0, 5, None, sound(loudness_db=4, pitch_range_st=8, laughter=1)),
        Line(PLAIN, 7, 12, None, sound(loudness_db=-4)),
        Line(PLAIN, 12.1, 22, None, sound(pitch_range_st=2, words_per_s=1)),
        cuts_s=[0.1, 5.2],
        max_s=7,
    )
    assert loud["energy"] > 0.5 > soft["energy"]
    assert loud["pitch"] > 0.5 > slow["pitch"]
    assert loud["reaction"] > soft["reaction"] == 0.5
    assert loud["pace"] > slow["pace"]
    assert loud["pauses"] > soft["pauses"]
    assert loud["length"] > slow["length"]
    assert loud["shots"] == 1 > soft["shots"] == 0.5


def test_a_voice_that_rises_where_others_fall_has_energy() -> None:
    rising, falling, _ = features(
        *(Line(PLAIN, 6 * i, 6 * i + 5, None, sound(loudness_change_db=db)) for i, db in enumerate((3, -6, -3)))
    )
    assert rising["energy"] > 0.5 > falling["energy"]


def test_what_is_not_known_of_sound_and_picture_is_neutral() -> None:
    (alone,) = features(Line(PLAIN, 0, 5))
    assert [alone[name] for name in ("energy", "pitch", "reaction", "shots")] == [0.5] * 4


def test_english_cues_say_nothing_of_another_language() -> None:
    german = ("Willkommen zum Podcast, bitte abonniert den Newsletter.", "So war das damals in der alten Stadt am Fluss.")
    one, other, _ = features(*(Line(text, 6 * i, 6 * i + 5) for i, text in enumerate((*german, "Der Ofen steht am Fenster."))))
    assert [one[name] for name in ("substance", "audible", "certainty")] == [1, 1, 1]
    assert one["story"] == other["story"] == 0


def test_weights_add_up_to_a_hundred_points_over_the_features_there_are() -> None:
    assert sum(WEIGHTS.points.values()) == pytest.approx(100, abs=0.1)
    assert min(WEIGHTS.points.values()) >= 0
    assert features(Line(PLAIN, 0, 5))[0].keys() == WEIGHTS.points.keys()
    for cues in (WEIGHTS.opening, WEIGHTS.standalone, WEIGHTS.payoff, WEIGHTS.closure):
        assert sum(map(abs, cues.values())) == pytest.approx(1, abs=0.01)


def test_weights_that_are_written_are_read_again() -> None:
    again = read(written(WEIGHTS))
    assert again.points == pytest.approx(WEIGHTS.points, abs=0.006)
    assert again.opening == pytest.approx(WEIGHTS.opening, abs=0.001)
    assert again.fitted_on == WEIGHTS.fitted_on
