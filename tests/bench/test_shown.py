"""What a clip shows at a moment is read from its framing: the shot that has begun, and its boxes as they stand or glide."""

from bench.shown import holds, shown_at
from bench.truth import Box
from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing


def key(t_s: float, x: int, y: int = 0) -> CropKeyframe:
    return CropKeyframe(t_s=t_s, x=x, y=y, w=100, h=178)


def framing(*shots: FramedShot) -> Framing:
    return Framing(source_width=320, source_height=180, aspect="9:16", detector="none", shots=list(shots))


def test_a_standing_box_jumps_where_a_gliding_one_is_between_its_keys() -> None:
    stands, glides = (
        framing(FramedShot(start_s=0, end_s=2, layout="crop", why="", moving=moving, keyframes=[key(0, 0), key(1, 100)]))
        for moving in (False, True)
    )
    assert [shown_at(stands, t_s)[1][0].x for t_s in (0, 0.5, 1)] == [0, 0, 100]
    assert [shown_at(glides, t_s)[1][0].x for t_s in (0, 0.5, 1)] == [0, 50, 100]


def test_each_moment_belongs_to_the_shot_that_has_begun_and_to_all_its_panels() -> None:
    one = FramedShot(start_s=1, end_s=2, layout="fit", why="", keyframes=[])
    two = FramedShot(start_s=2, end_s=3, layout="two_up", why="", keyframes=[key(2, 0)], second=[key(2, 200)])
    assert shown_at(framing(one, two), 0.9) == ("fit", [])
    assert shown_at(framing(one, two), 1.99) == ("fit", [])
    layout, boxes = shown_at(framing(one, two), 2)
    assert (layout, [box.x for box in boxes]) == ("two_up", [0, 200])


def test_a_face_is_held_where_all_of_it_is_inside() -> None:
    assert holds(key(0, 10), Box("A", 10, 0, 100, 178))
    assert not holds(key(0, 10), Box("A", 9, 0, 100, 178))
    assert not holds(key(0, 10), Box("A", 11, 0, 100, 178))
