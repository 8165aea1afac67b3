"""Faces linked into tracks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cutroom.vision.faces import Face
from cutroom.vision.looks import PATCH_HEIGHT, PATCH_WIDTH, Look, Sighting
from cutroom.vision.tracks import link

GROUND = np.zeros((90, 160), np.uint8)


def sighting(x: float, tone: int = 0, size: float = 100, score: float = 0.9) -> Sighting:
    """A face by its centre, with all of its colours in one bin."""
    colours = np.zeros(128, np.float32)
    colours[tone] = 1
    return Sighting(Face(x - size / 2, 100, size, size, score), np.zeros((PATCH_HEIGHT, PATCH_WIDTH), np.uint8), colours)


def looks(*seen: list[Sighting]) -> list[Look]:
    return [Look(number / 5, faces, GROUND) for number, faces in enumerate(seen)]


def centres(seen: list[Look]) -> list[list[int]]:
    return [[round(face.centre[0]) for face in track.faces] for track in link(seen)]


def test_two_faces_that_stay_are_two_tracks() -> None:
    assert centres(looks(*[[sighting(300), sighting(900, 1)]] * 4)) == [[300] * 4, [900] * 4]


def test_a_face_that_walks_by_another_keeps_its_own_track() -> None:
    seen = looks(*[[sighting(600, 1), sighting(100 + 40 * number)] for number in range(26)])
    assert centres(seen) == [[600] * 26, [100 + 40 * number for number in range(26)]]


def test_a_face_hidden_for_a_while_is_the_same_when_it_comes_back_where_it_was() -> None:
    assert len(link(looks(*[[sighting(300)]] * 5, *[[]] * 20, *[[sighting(310)]] * 5))) == 1


def test_a_face_that_comes_back_elsewhere_after_seconds_is_another() -> None:
    assert len(link(looks(*[[sighting(300)]] * 5, *[[]] * 20, *[[sighting(450)]] * 5))) == 2


def test_a_stranger_who_takes_the_place_later_is_another() -> None:
    assert len(link(looks(*[[sighting(300)]] * 5, *[[]] * 20, *[[sighting(300, 7)]] * 5))) == 2


def test_a_faint_face_goes_on_with_a_track_but_begins_none() -> None:
    seen = looks(*[[sighting(300), sighting(900, score=0.35)]] * 3, *[[sighting(300, score=0.35)]] * 3)
    assert centres(seen) == [[300] * 6]


def test_between_two_sightings_a_face_is_on_the_way() -> None:
    [track] = link(looks([sighting(300)], [], [sighting(340)]))
    assert track.at(0.2).centre[0] == 320
    assert track.seen_at(0.2, 0.3)
    assert not track.seen_at(3.0, 1.0)


@given(st.lists(st.lists(st.tuples(st.integers(0, 1900), st.integers(0, 3)), max_size=4), max_size=20))
def test_no_sighting_is_in_two_tracks_and_no_track_in_one_place_twice(seen: list[list[tuple[int, int]]]) -> None:
    given_looks = looks(*[[sighting(x, tone) for x, tone in faces] for faces in seen])
    tracks = link(given_looks)
    used = [id(sighting) for track in tracks for sighting in track.sightings]
    assert len(used) == len(set(used))
    assert all(track.times == sorted(set(track.times)) for track in tracks)
