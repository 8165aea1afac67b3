"""The sentence that says why a passage was chosen: every phrase of it can be checked against the passage."""

from collections.abc import Mapping

import numpy as np

from cutroom.media.cues import SURE_TO_CONCLUDE
from cutroom.media.features import Talk

MOST = 3


def why(talk: Talk, first: int, last: int, length_s: float, points: Mapping[str, float]) -> str:
    """What speaks for lines `first` to `last`: the truths about them whose features have the most points, in a readable order."""
    told = {name: phrase for name, holds, phrase in _truths(talk, first, last) if holds}
    strongest = sorted(told, key=lambda name: -points.get(name, 0.0))[:MOST]
    phrases = [phrase for name, phrase in told.items() if name in strongest]
    if not phrases:
        return f"These {length_s:.0f} seconds are the best of what the wished length allows."
    *most, final = phrases
    return f"These {length_s:.0f} seconds {', '.join(most)}{' and ' if most else ''}{final}."


def _truths(talk: Talk, first: int, last: int) -> list[tuple[str, bool, str]]:
    """A feature, whether it can be told of the passage, and the phrase that follows `These seconds`."""
    one, other = np.array([first]), np.array([last])
    figures, quotes = (round(float(talk.over(cue, one, other)[0])) for cue in ("figure", "quoting"))
    asked = talk.over("asking", one, other - 1)[0] > 0
    db = float(talk.loudness_db(one, other)[0])
    opening = (
        ("open with a question", talk.found["asking"][first] > 0),
        ("open with a figure", talk.found["figure"][first] > 0),
        ("open with a time or a scene", talk.found["scene"][first] > 0),
    )
    opens = next((phrase for phrase, holds in opening if holds), "")
    return [
        ("topic", bool(talk.on_topic and talk.fit(one, other)[0] > 0), "speak of what you asked for"),
        ("opening", bool(opens), opens),
        ("question", bool(asked) and "question" not in opens, "put a question and go on from it"),
        ("voice", len(talk.voices) > 1 and float(talk.voice(one, other)[0]) == 1, "stay with one voice"),
        ("numbers", figures >= 2, f"name {figures} figures"),
        ("story", quotes >= 2, "tell what people said or thought"),
        ("callback", bool(talk.subjects.returning(first, last)), "return at the end to words of their beginning"),
        ("energy", talk.has_sound and db >= 1, f"are {db:.0f} dB louder than the talk on the whole"),
        ("pauses", bool(min(talk.rests[first], talk.rests[last + 1]) >= 0.75), "stand between two pauses"),
        ("reaction", bool(talk.reactions[last] >= 0.5), "end as the room reacts"),
        ("payoff", bool(talk.english and SURE_TO_CONCLUDE.match(talk.low[last])), "end on a conclusion"),
    ]
