from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.disputes import next_moment, reminder_at, shares

DUE = datetime(2026, 12, 7, 12, tzinfo=UTC)
DAY = 86_400
WEEK_TWO_DAYS_ONE_DAY = (7 * DAY, 2 * DAY, DAY)
VENDORS = st.dictionaries(st.sampled_from(["ven_1", "ven_2", "ven_3"]), st.integers(-50, 5000))


@pytest.mark.parametrize(
    ("amount", "taken", "parts", "borne"),
    [
        (1000, 1000, {"ven_1": 700, "ven_2": 100}, {"ven_1": 700, "ven_2": 100}),
        (500, 1000, {"ven_1": 700, "ven_2": 100}, {"ven_1": 350, "ven_2": 50}),
        (1, 1000, {"ven_1": 700, "ven_2": 100}, {"ven_1": 1}),
        (1000, 400, {"ven_1": 300}, {"ven_1": 300}),
        (1000, 0, {"ven_1": 0}, {}),
        (1000, 1000, {"ven_1": -5}, {}),
        (1000, 1000, {}, {}),
    ],
)
def test_vendors_bear_their_parts_of_what_is_left(
    amount: int, taken: int, parts: dict[str, int], borne: dict[str, int]
) -> None:
    assert shares(amount, taken=taken, parts=parts) == borne


@given(VENDORS, st.integers(0, 3000), st.lists(st.integers(1, 4000), max_size=5))
def test_disputes_one_after_the_other_take_no_more_than_a_vendor_is_owed(
    parts: dict[str, int], platform: int, amounts: list[int]
) -> None:
    owed = {vendor: max(part, 0) for vendor, part in parts.items()}
    left = dict(owed)
    taken = sum(owed.values()) + platform
    for amount in amounts:
        borne = shares(amount, taken=taken, parts=left)
        assert sum(borne.values()) <= min(amount, max(taken, 0))
        left = {vendor: part - borne.get(vendor, 0) for vendor, part in left.items()}
        taken -= amount
        assert all(part >= 0 for part in left.values())
    if sum(amounts) >= sum(owed.values()) + platform and len(amounts) == 1:
        assert left == dict.fromkeys(owed, 0)


@given(VENDORS, st.integers(0, 3000))
def test_dispute_of_everything_takes_from_each_vendor_what_it_is_owed(
    parts: dict[str, int], platform: int
) -> None:
    owed = {vendor: part for vendor, part in parts.items() if part > 0}
    taken = sum(owed.values()) + platform

    assert shares(taken, taken=taken, parts=parts) == owed


@pytest.mark.parametrize(
    ("before", "reminder", "following"),
    [
        (timedelta(days=20), None, timedelta(days=7)),
        (timedelta(days=7), 7 * DAY, timedelta(days=2)),
        (timedelta(days=2, seconds=1), 7 * DAY, timedelta(days=2)),
        (timedelta(days=2), 2 * DAY, timedelta(days=1)),
        (timedelta(hours=1), DAY, timedelta(0)),
        (timedelta(0), DAY, None),
    ],
)
def test_last_reminder_that_is_due_counts(
    before: timedelta, reminder: int | None, following: timedelta | None
) -> None:
    now = DUE - before

    assert reminder_at(DUE, now, WEEK_TWO_DAYS_ONE_DAY) == reminder
    assert next_moment(DUE, now, WEEK_TWO_DAYS_ONE_DAY) == (
        None if following is None else DUE - following
    )
