"""How one shot is shown: the layout, and who is cut to."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom.contracts.documents import CropKeyframe, FramedShot
from cutroom.contracts.media import Aspect, Span
from cutroom.media.camera import Rail, crop_size
from cutroom.media.interest import most_interesting
from cutroom.media.scene import TURN_S, Actor, Scene
from cutroom.vision.faces import Face
from cutroom.vision.looks import PATCH_HEIGHT, PATCH_WIDTH, Look, Sighting
from cutroom.vision.screens import Screen
from cutroom.vision.tracks import Track

PICTURE = (1920, 1080)
GROUND = np.full((90, 160), 90, np.uint8)


def person(x: float, speaks: list[float], y: float = 450, size: float = 200, drift: float = 0) -> Actor:
    """A face by its centre, five looks a second, and how surely it speaks in each."""
    seen = []
    for look in range(len(speaks)):
        face = Face(x + drift * look - size / 2, y - size / 2, size, size, 0.9)
        seen.append(Sighting(face, np.zeros((PATCH_HEIGHT, PATCH_WIDTH), np.uint8), np.zeros(128, np.float32)))
    return Actor(Track([look / 5 for look in range(len(speaks))], seen), np.array(speaks))


def framed(
    *cast: Actor, aspect: Aspect = "9:16", screen: Screen | None = None, starts: tuple[float, ...] = (), looks: int = 50
) -> list[FramedShot]:
    looks = max((len(actor.scores) for actor in cast), default=looks)
    seen = [Look(number / 5, [], GROUND, 0.0, screen) for number in range(looks)]
    rail = Rail(PICTURE, crop_size(*PICTURE, aspect))
    return Scene(rail, aspect, 30.0, Span(start_s=0.0, end_s=looks / 5), seen, cast, starts).framed()


def shows(box: CropKeyframe, actor: Actor) -> bool:
    return all(
        box.x <= face.x and face.x + face.w <= box.x + box.w and box.y <= face.y and face.y + face.h <= box.y + box.h
        for face in actor.track.faces
    )


def turns(*lengths: int) -> tuple[list[float], list[float]]:
    """Scores of two people who speak in turn, for so many looks each."""
    first = [1.0 if number % 2 == 0 else -0.4 for number, length in enumerate(lengths) for _ in range(length)]
    return first, [0.6 - score for score in first]


def test_who_speaks_is_cut_to_where_the_sentence_begins() -> None:
    one, other = (person(x, scores) for x, scores in zip((400, 1500), turns(25, 25), strict=True))
    first, second = framed(one, other, starts=(0.3, 5.3))
    assert (first.end_s, second.start_s) == (5.3, 5.3)
    assert shows(first.keyframes[0], one)
    assert shows(second.keyframes[0], other)
    assert [first.moving, second.moving] == [False, False]


def test_a_sentence_that_begins_at_the_very_edge_of_a_shot_draws_no_cut_to_it() -> None:
    for lengths, start in (((6, 25), 0.5), ((25, 6), 5.8)):
        shots = framed(*(person(x, scores) for x, scores in zip((400, 1500), turns(*lengths), strict=True)), starts=(start,))
        assert len(shots) == 2
        assert min(shot.end_s - shot.start_s for shot in shots) > 1.1


def test_a_short_yes_is_not_cut_to() -> None:
    one, other = (person(x, scores) for x, scores in zip((400, 1500), turns(25, 5, 25), strict=True))
    [shot] = framed(one, other)
    assert shows(shot.keyframes[0], one)


def test_two_people_whom_one_crop_holds_are_not_cut_between() -> None:
    one, other = (person(x, scores, size=120) for x, scores in zip((800, 1100), turns(25, 25), strict=True))
    [shot] = framed(one, other)
    assert shows(shot.keyframes[0], one)
    assert shows(shot.keyframes[0], other)
    [square] = framed(*(person(x, scores, size=150) for x, scores in zip((600, 1300), turns(25, 25), strict=True)), aspect="1:1")
    assert square.keyframes[0].w == 1080


@pytest.mark.parametrize("aspect", ["9:16", "4:5"])
def test_quick_dialogue_is_shown_one_above_the_other(aspect: Aspect) -> None:
    one, other = (person(x, scores) for x, scores in zip((350, 1550), turns(8, 8, 8, 8, 8), strict=True))
    [shot] = framed(one, other, aspect=aspect)
    assert shot.layout == "two_up"
    assert shows(shot.keyframes[0], one)
    assert shows(shot.second[0], other)
    across, down = map(int, aspect.split(":"))
    for box in (*shot.keyframes, *shot.second):
        assert abs(box.w / box.h - across / (down / 2)) < 0.02


def slide(left: float, right: float) -> Screen:
    return Screen(True, left, 80, right, 900)


def test_a_wide_slide_is_shown_as_wide_as_the_clip() -> None:
    [shot] = framed(screen=slide(100, 1700))
    assert shot.layout == "screen"
    box = shot.keyframes[0]
    assert box.x < 100 < 1700 < box.x + box.w


def test_a_slide_whose_words_fit_the_crop_is_cropped_to_them() -> None:
    [shot] = framed(screen=slide(200, 700))
    assert shot.layout == "crop"
    assert shot.keyframes[0].x < 200 < 700 < shot.keyframes[0].x + 608


def test_a_slide_with_a_small_speaker_shows_both() -> None:
    speaker = person(1700, [0.0] * 50, y=850, size=140)
    [shot] = framed(speaker, screen=slide(100, 1400))
    assert shot.layout == "inset"
    assert shot.keyframes[0].x < 100 < 1400 < shot.keyframes[0].x + shot.keyframes[0].w
    assert shows(shot.second[0], speaker)


def test_a_person_before_a_drawn_ground_is_a_person() -> None:
    [shot] = framed(person(900, [0.0] * 50, size=400), screen=slide(100, 1700))
    assert shot.layout == "crop"


def test_a_face_that_walks_is_followed_and_one_lost_and_found_in_place_is_no_cut() -> None:
    [walk] = framed(person(300, [0.0] * 50, drift=25))
    assert walk.moving
    again = person(420, [0.0] * 50)
    gone = Actor(Track(again.track.times[:20], again.track.sightings[:20]), again.scores[:20])
    back = Actor(Track(again.track.times[30:], again.track.sightings[30:]), again.scores[30:])
    assert len(framed(gone, back, looks=50)) == 1


def test_where_things_move_is_shown_however_long_the_shot_is() -> None:
    rng, pictures = np.random.default_rng(1), [GROUND.copy() for _ in range(400)]
    for number, picture in enumerate(pictures):
        picture[30:60, 120 + number % 7 : 140 + number % 7] = rng.integers(0, 255, (30, 20))
    rail = Rail(PICTURE, crop_size(*PICTURE, "9:16"))
    tracemalloc.start()
    begin = most_interesting(pictures, rail)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert begin is not None
    assert begin < 120 * 12 < 130 * 12 < begin + rail.side
    assert held < 2_000_000


def test_a_source_of_the_clips_shape_is_shown_whole() -> None:
    [shot] = framed(person(400, [0.0] * 20), aspect="16:9")
    assert (shot.keyframes[0].w, shot.keyframes[0].h) == PICTURE


people = st.builds(
    lambda x, y, size, drift, scores: person(x, scores, y, size, drift),
    st.floats(0, 1920),
    st.floats(0, 1080),
    st.floats(1, 900),
    st.floats(-40, 40),
    st.lists(st.floats(-2, 2), min_size=1, max_size=60),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(people, max_size=4),
    st.sampled_from(["9:16", "1:1", "4:5", "16:9"]),
    st.one_of(st.none(), st.builds(slide, st.floats(0, 900), st.floats(901, 1920))),
    st.lists(st.floats(0, 12), max_size=5),
)
def test_any_scene_is_tiled_by_shots_whose_boxes_are_even_inside_the_picture_and_of_one_size(
    cast: list[Actor], aspect: Aspect, screen: Screen | None, starts: list[float]
) -> None:
    shots = framed(*cast, aspect=aspect, screen=screen, starts=tuple(starts))
    edges = [shots[0].start_s, *(shot.end_s for shot in shots)]
    assert edges[0] == 0.0
    assert edges == sorted(set(edges))
    assert [shot.start_s for shot in shots] == edges[:-1]
    for shot in shots:
        assert bool(shot.second) == (shot.layout in ("two_up", "inset"))
        assert len(shot.keyframes) == 1 or shot.moving
        for path in (shot.keyframes, shot.second):
            assert len({(box.w, box.h) for box in path}) <= 1
            assert all(side % 2 == 0 and side >= 0 for box in path for side in (box.x, box.y, box.w, box.h))
            assert all(box.x + box.w <= PICTURE[0] and box.y + box.h <= PICTURE[1] for box in path)
            assert [box.t_s for box in path] == sorted({box.t_s for box in path})
        assert shot.keyframes[0].t_s == shot.start_s
        assert shot.keyframes[-1].t_s < shot.end_s
        if shot.layout == "crop":
            assert (shot.keyframes[0].w, shot.keyframes[0].h) == crop_size(*PICTURE, aspect)
    assert all(shot.end_s - shot.start_s > TURN_S - 1.7 for shot in shots[1:-1])
    assert len(shots) == 1 or min(shot.end_s - shot.start_s for shot in (shots[0], shots[-1])) > 0.95
