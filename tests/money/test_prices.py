"""What things cost, and what is owed for what was delivered."""

import hashlib
import math
from datetime import UTC, datetime
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.errors import InvalidRequest
from cutroom.money import books
from cutroom.money.billing import billable, chargeable
from cutroom.money.books import BOOKS, CURRENT, Tariff
from cutroom.money.plans import PACKS, PLANS
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


@pytest.mark.parametrize(
    ("seconds", "lines", "total"), [(30.0, [("minute", 5), ("minimum", 45)], 50), (599.0, [("minute", 50)], 50)]
)
def test_a_summary_costs_its_minutes_and_what_they_lack_of_the_minimum(
    seconds: float, lines: list[tuple[str, int]], total: int
) -> None:
    for currency in ("usd", "eur"):
        quoted = quote("summary", source_s=seconds, currency=currency)
        assert ([(line.kind, line.amount) for line in quoted.lines], quoted.total, quoted.unit) == (lines, total, currency)
    assert quote("summary", source_s=seconds).unit == "usd"


@pytest.mark.parametrize("seconds", [30.0, 3600.0])
def test_a_reel_costs_the_same_on_top_of_any_summary_and_is_left_out_where_none_was_made(seconds: float) -> None:
    without, quoted = quote("summary", source_s=seconds), quote("summary", source_s=seconds, reel=True)
    assert quoted.lines[:-1] == without.lines
    assert (quoted.lines[-1].kind, quoted.lines[-1].amount, quoted.total) == ("reel", 50, without.total + 50)
    assert (chargeable(quoted, reel=True), chargeable(quoted, reel=False)) == (quoted.total, without.total)
    assert chargeable(without, reel=False) == without.total >= 50


@pytest.mark.parametrize("kind", ["summary", "campaign"])
def test_a_currency_without_a_price_is_refused(kind: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        quote(kind, source_s=60.0, clips=1, currency="xts")
    assert refused.value.code == "currency_unknown"


def test_a_generated_video_costs_its_started_seconds_in_its_resolution() -> None:
    quoted = quote("generation", source_s=7.2, resolution="1080p")
    assert ([(line.kind, line.quantity) for line in quoted.lines], quoted.total) == ([("second_1080p", 8)], 64)
    with pytest.raises(InvalidRequest) as refused:
        quote("generation", source_s=7.2, resolution="8k")
    assert refused.value.code == "resolution_unknown"


# What jobs and quotes in databases carry: a book that was published is what it was to the byte.
PUBLISHED = {
    "2026-11": "6971c7535d7baeffa59c25112cfcc45b7d49c6e256fe12c3abb5795f926ad897",
    "2026-12": "07da5bd4bd863a41de554a81d39a3c581947da59c5347fd03c9863644336872c",
}


def test_a_published_book_is_never_changed_only_followed() -> None:
    files = {file.name.removesuffix(".toml"): file for file in resources.files(books).iterdir() if file.name.endswith(".toml")}
    assert {version: hashlib.sha256(file.read_bytes()).hexdigest() for version, file in files.items()} == PUBLISHED
    assert sorted(BOOKS) == sorted(PUBLISHED)
    assert max(PUBLISHED) == CURRENT


@pytest.mark.parametrize(
    ("bought", "ends"),
    [((2026, 11, 21), (2027, 11, 21)), ((2028, 2, 29), (2029, 2, 28)), ((2026, 12, 31), (2027, 12, 31))],
)
def test_the_credits_of_a_pack_end_after_twelve_months(bought: tuple[int, int, int], ends: tuple[int, int, int]) -> None:
    assert {pack.ends(datetime(*bought, 9, tzinfo=UTC)) for pack in PACKS.values()} == {datetime(*ends, 9, tzinfo=UTC)}


def test_what_is_sold_is_sold_for_money_and_a_subscription_for_less_than_a_pack() -> None:
    sold = [plan for plan in PLANS.values() if plan.price]
    assert len(sold) == 2
    assert len(PACKS) == 3
    assert max(plan.price / plan.credits for plan in sold) < min(pack.price / pack.credits for pack in PACKS.values())
