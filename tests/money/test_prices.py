"""What things cost, and what is owed for what was delivered."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.errors import InvalidRequest
from cutroom.money.billing import billable
from cutroom.money.books import BOOKS, CURRENT, Tariff
from cutroom.money.prices import Quote, quote, started_minutes

SECONDS = st.floats(0.001, 4 * 3600, allow_nan=False)
CLIPS = st.integers(1, 30)


def test_five_clips_of_a_ten_minute_talk_cost_35_credits() -> None:
    quoted = quote("campaign", source_s=600.0, clips=5)
    assert [(line.kind, line.quantity, line.each, line.amount) for line in quoted.lines] == [
        ("analysis", 10, 1, 10),
        ("clip", 5, 5, 25),
    ]
    assert (quoted.total, quoted.unit, quoted.price_version) == (35, "credit", "2026-12")


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0.001, 1), (0.0001, 1), (59.999, 1), (60.0, 1), (60.00001, 1), (60.001, 2), (0.1 * 600, 1), (120.5, 3), (14_400.0, 240)],
)
def test_a_minute_is_charged_once_it_is_started(seconds: float, minutes: int) -> None:
    assert started_minutes(seconds) == minutes


@given(SECONDS, CLIPS)
def test_a_quote_is_the_sum_of_its_lines_and_survives_the_database(source_s: float, clips: int) -> None:
    quoted = quote("campaign", source_s=source_s, clips=clips)
    assert quoted.total == sum(line.amount for line in quoted.lines)
    assert all(line.amount == line.quantity * line.each for line in quoted.lines)
    assert Quote.model_validate_json(quoted.model_dump_json()) == quoted


@given(SECONDS, SECONDS, CLIPS)
def test_a_longer_source_and_more_clips_never_cost_less(first_s: float, second_s: float, clips: int) -> None:
    shorter, longer = sorted((first_s, second_s))
    total = quote("campaign", source_s=shorter, clips=clips).total
    assert quote("campaign", source_s=longer, clips=clips).total >= total
    assert quote("campaign", source_s=shorter, clips=clips + 1).total == total + 5


@given(SECONDS, CLIPS, st.integers(0, 40))
def test_what_is_owed_grows_with_each_clip_up_to_the_quote(source_s: float, clips: int, ready: int) -> None:
    quoted = quote("campaign", source_s=source_s, clips=clips)
    owed = billable(quoted, ready)
    if ready == 0:
        assert owed == 0
    elif ready >= clips:
        assert owed == quoted.total
    else:
        assert owed == started_minutes(source_s) + 5 * ready


@pytest.mark.parametrize(
    ("kind", "source_s", "clips", "version", "code"),
    [
        ("opera", 60.0, 1, CURRENT, "kind_unknown"),
        ("campaign", 60.0, 1, "1999-01", "price_version_unknown"),
        ("campaign", 0.0, 1, CURRENT, "source_length_invalid"),
        ("campaign", -1.0, 1, CURRENT, "source_length_invalid"),
        ("campaign", math.nan, 1, CURRENT, "source_length_invalid"),
        ("campaign", math.inf, 1, CURRENT, "source_length_invalid"),
        ("campaign", 60.0, 0, CURRENT, "clip_count_invalid"),
    ],
)
def test_what_has_no_price_is_refused(kind: str, source_s: float, clips: int, version: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        quote(kind, source_s=source_s, clips=clips, version=version)
    assert refused.value.code == code


def test_a_published_price_never_changes() -> None:
    assert BOOKS["2026-11"].prices == {"campaign": {"credit": Tariff(lines={"analysis": 1, "clip": 5})}}
