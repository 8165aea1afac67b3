"""Where the crop stands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import CropKeyframe, Framing, ShotEvent, Shots
from cutroom.contracts.media import MediaFacts, Span
from cutroom.errors import BadInput
from cutroom.media.camera import crop_size
from cutroom.media.framing import plan_framing
from cutroom.media.scene import FIT_OVER
from cutroom.vision.faces import Face
from cutroom.vision.looks import PATCH_HEIGHT, PATCH_WIDTH, Look, Sighting

RATE = 5.0
SIZE = 200.0
GROUND = np.full((90, 160), 90, np.uint8)


def recording(width: int = 1920, height: int = 1080, fps: float = 30.0) -> MediaFacts:
    return MediaFacts(container="mp4", duration_s=60.0, width=width, height=height, fps=fps, video_codec="h264", has_audio=True)


def cut_at(*frames: int, fps: float = 30.0, dissolve: tuple[int, int] | None = None) -> Shots:
    events = [ShotEvent(kind="cut", start_frame=frame, end_frame=frame) for frame in frames]
    if dissolve:
        events = [ShotEvent(kind="dissolve", start_frame=dissolve[0], end_frame=dissolve[1])]
    return Shots(fps=fps, frame_count=1800, cuts=list(frames), events=events)


def span(start_s: float, end_s: float) -> Span:
    return Span(start_s=start_s, end_s=end_s)


def face(x: float, y: float = 400.0, size: float = SIZE) -> Face:
    """A face by the centre of its box."""
    return Face(x - size / 2, y - size / 2, size, size, 0.9)


def looks(*seen: list[Face], start_s: float = 0.0) -> list[Look]:
    return [Look(start_s + number / RATE, [sighting(one) for one in faces], GROUND) for number, faces in enumerate(seen)]


def sighting(seen: Face, tone: int = 0) -> Sighting:
    """A face of one colour, that does not move its mouth."""
    colours = np.zeros(128, np.float32)
    colours[tone] = 1
    return Sighting(seen, np.full((PATCH_HEIGHT, PATCH_WIDTH), 128, np.uint8), colours)


def crop_at(framing: Framing, t_s: float) -> CropKeyframe:
    """As a player shows it: on the way between two keyframes where the crop moves."""
    shot = next(shot for shot in framing.shots if shot.start_s <= t_s < shot.end_s)
    last = [key for key in shot.keyframes if key.t_s <= t_s][-1]
    if not shot.moving:
        return last
    times = [key.t_s for key in shot.keyframes]
    x, y = (round(float(np.interp(t_s, times, [getattr(key, axis) for key in shot.keyframes]))) for axis in ("x", "y"))
    return last.model_copy(update={"x": x, "y": y})


def shows(box: CropKeyframe, seen: Face) -> bool:
    return box.x <= seen.x and seen.x + seen.w <= box.x + box.w and box.y <= seen.y and seen.y + seen.h <= box.y + box.h


def test_a_crop_is_the_largest_upright_box_of_even_sides() -> None:
    assert crop_size(1920, 1080, "9:16") == (608, 1080)
    assert crop_size(1080, 1920, "9:16") == (1080, 1920)
    assert crop_size(1080, 2400, "9:16") == (1080, 1920)
    assert crop_size(641, 361, "9:16") == (202, 360)


@pytest.mark.parametrize("size", [(1, 1080), (1920, 1)])
def test_a_picture_of_a_single_row_or_column_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadInput) as refused:
        crop_size(*size, "9:16")
    assert refused.value.code == "picture_too_small"


def test_a_shot_without_a_face_shows_the_centre_and_says_so() -> None:
    [shot] = plan_framing(recording(), cut_at(), span(1.0, 4.0), looks(*[[]] * 20)).shots
    assert shot.keyframes == [CropKeyframe(t_s=1.0, x=656, y=0, w=608, h=1080)]
    assert "No face" in shot.why


def test_a_face_that_hardly_moves_is_held_by_a_crop_that_does_not() -> None:
    seen = [[face(500 + 20 * (number % 7))] for number in range(50)]
    framing = plan_framing(recording(), cut_at(), span(0.0, 10.0), looks(*seen))
    [box] = framing.shots[0].keyframes
    assert all(shows(box, faces[0]) for faces in seen)


def test_a_face_that_walks_across_the_picture_is_followed_smoothly_and_stays_whole() -> None:
    seen = [[face(200 + 30 * number)] for number in range(50)]
    framing = plan_framing(recording(), cut_at(), span(0.0, 10.0), looks(*seen))
    [shot] = framing.shots
    assert shot.moving
    assert all(shows(crop_at(framing, number / RATE), faces[0]) for number, faces in enumerate(seen))
    speed = np.diff([key.x for key in shot.keyframes]) / np.diff([key.t_s for key in shot.keyframes])
    assert np.abs(np.diff(speed)).max() <= 41  # px/s from one keyframe to the next: half of it is rounding to even pixels


def test_the_larger_of_two_faces_is_shown() -> None:
    framing = plan_framing(recording(), cut_at(), span(0.0, 4.0), looks(*[[face(400, size=150), face(1500, size=260)]] * 20))
    assert shows(framing.shots[0].keyframes[0], face(1500, size=260))


def test_a_passer_by_does_not_draw_the_crop_away() -> None:
    seen = [[face(500), *([face(900 + 150 * number)] if number < 6 else [])] for number in range(50)]
    [box] = plan_framing(recording(), cut_at(), span(0.0, 10.0), looks(*seen)).shots[0].keyframes
    assert shows(box, face(500))


def test_a_face_is_held_while_it_is_not_seen() -> None:
    seen = [[face(500)] if number % 8 == 0 else [] for number in range(50)]
    [shot] = plan_framing(recording(), cut_at(), span(0.0, 10.0), looks(*seen)).shots
    assert shows(shot.keyframes[0], face(500))
    assert len(shot.keyframes) == 1


def test_a_face_that_left_makes_room_for_one_that_stayed() -> None:
    seen = [[face(1500, size=150), *([face(300, size=300)] if number < 40 else [])] for number in range(60)]
    framing = plan_framing(recording(), cut_at(), span(0.0, 12.0), looks(*seen))
    assert shows(crop_at(framing, 3.0), face(300, size=300))
    assert shows(crop_at(framing, 11.0), face(1500, size=150))


def test_something_seen_once_in_many_looks_is_no_face() -> None:
    seen = [[face(300)] if number == 7 else [] for number in range(20)]
    assert "No face" in plan_framing(recording(), cut_at(), span(0.0, 4.0), looks(*seen)).shots[0].why


def test_the_crop_changes_exactly_at_the_cut() -> None:
    fps = 30000 / 1001
    seen = [[face(400)] if number < 10 else [face(1500)] for number in range(20)]
    shots = plan_framing(recording(fps=fps), cut_at(60, fps=fps), span(0.0, 4.0), looks(*seen)).shots
    assert [shot.start_s for shot in shots] == [0.0, 60 * 1001 / 30000]
    assert [shows(shot.keyframes[0], at) for shot, at in zip(shots, (face(400), face(1500)), strict=True)] == [True, True]
    assert all(len(shot.keyframes) == 1 for shot in shots)


def test_what_is_seen_in_a_dissolve_counts_for_neither_shot() -> None:
    seen = [[face(400)]] * 8 + [[face(400), face(960, size=900)]] * 4 + [[face(1500)]] * 8
    shots = plan_framing(recording(), cut_at(60, dissolve=(48, 72)), span(0.0, 4.0), looks(*seen)).shots
    assert [shows(shot.keyframes[0], at) for shot, at in zip(shots, (face(400), face(1500)), strict=True)] == [True, True]


def test_a_sliver_of_a_shot_is_framed_by_what_is_seen_just_outside_the_clip() -> None:
    seen = looks(*[[face(400)]] * 10, *[[face(1500)]] * 10)
    first, second = plan_framing(recording(), cut_at(60), span(1.9, 3.0), seen).shots
    assert (first.start_s, first.end_s, second.start_s) == (1.9, 2.0, 2.0)
    assert shows(first.keyframes[0], face(400))


def test_a_tall_source_is_cropped_with_room_above_the_head() -> None:
    framing = plan_framing(recording(1080, 2400), cut_at(), span(0.0, 4.0), looks(*[[face(540, 1100)]] * 20))
    [box] = framing.shots[0].keyframes
    assert (box.x, box.w, box.h) == (0, 1080, 1920)
    assert box.y < 1100 - box.h / 3 < 1100 < box.y + box.h / 2


def test_a_source_of_the_right_shape_is_shown_whole() -> None:
    [box] = plan_framing(recording(1080, 1920), cut_at(), span(0.0, 4.0), looks(*[[face(300, 300)]] * 20)).shots[0].keyframes
    assert (box.x, box.y, box.w, box.h) == (0, 0, 1080, 1920)


def test_only_a_face_far_larger_than_the_crop_is_shown_with_all_around_it() -> None:
    close, closer = ([[face(960, 540, size=608 * share)]] * 20 for share in (FIT_OVER - 0.1, FIT_OVER + 0.1))
    layouts = [plan_framing(recording(), cut_at(), span(0.0, 4.0), looks(*seen)).shots[0].layout for seen in (close, closer)]
    assert layouts == ["crop", "fit"]


sides = st.integers(2, 4000)
boxes = st.builds(Face, *(st.floats(-50, 4000) for _ in range(2)), *(st.floats(0, 3000) for _ in range(2)), st.floats(0, 1))


@given(
    width=sides,
    height=sides,
    fps=st.sampled_from([12.5, 24000 / 1001, 25.0, 30.0, 60.0]),
    cuts=st.sets(st.integers(1, 400), max_size=8),
    start_s=st.floats(0, 5),
    length_s=st.floats(0.1, 10),
    seen=st.lists(st.lists(boxes, max_size=3), max_size=60),
)
def test_any_framing_tiles_its_span_with_even_boxes_of_one_shape_inside_the_picture(
    width: int, height: int, fps: float, cuts: set[int], start_s: float, length_s: float, seen: list[list[Face]]
) -> None:
    clip = span(start_s, start_s + length_s)
    framing = plan_framing(recording(width, height, fps), cut_at(*sorted(cuts), fps=fps), clip, looks(*seen))
    edges = [framing.shots[0].start_s, *(shot.end_s for shot in framing.shots)]
    assert (edges[0], edges[-1]) == (clip.start_s, clip.end_s)
    assert edges[:-1] == [shot.start_s for shot in framing.shots]
    assert edges == sorted(set(edges))
    wanted = crop_size(width, height, "9:16")
    for shot in framing.shots:
        times = [key.t_s for key in shot.keyframes]
        assert times[0] == shot.start_s
        assert times == sorted(set(times))
        assert times[-1] < shot.end_s
        for key in shot.keyframes:
            assert shot.layout == "fit" or (key.w, key.h) == wanted
            assert [side % 2 for side in (key.x, key.y, key.w, key.h)] == [0, 0, 0, 0]
            assert min(key.x, key.y) >= 0
            assert key.x + key.w <= width
            assert key.y + key.h <= height


@given(sides.filter(lambda side: side >= 200), sides.filter(lambda side: side >= 200))
def test_any_crop_has_its_shape_to_the_pixel_and_fills_the_picture_one_way(width: int, height: int) -> None:
    w, h = crop_size(width, height, "9:16")
    assert w // 2 == width // 2 or h // 2 == height // 2
    assert abs(w * 16 - h * 9) <= 16 * 2


@given(st.lists(st.floats(110, 1810), min_size=2, max_size=60))
def test_a_single_face_that_moves_slowly_is_always_wholly_inside(drift: list[float]) -> None:
    places = [drift[0]]
    for aim in drift[1:]:
        places.append(places[-1] + max(-25.0, min(25.0, aim - places[-1])))
    seen = [[face(x)] for x in places]
    framing = plan_framing(recording(), cut_at(), span(0.0, len(seen) / RATE), looks(*seen))
    assert all(shows(crop_at(framing, number / RATE), faces[0]) for number, faces in enumerate(seen))
