"""A planted difference of each kind is found by the next run, and repaired or shown."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.domain.reconciliation import DifferenceKind
from tests.integration.reconciliation import plants
from tests.integration.reconciliation.conftest import World
from tests.integration.reconciliation.plants import FOR_PEOPLE, OFF, PART, REPAIRED, STRAY

Planted = dict[DifferenceKind, tuple[str, dict[str, Any]]]
AMOUNTS = {
    DifferenceKind.UNKNOWN_PAYMENT: STRAY,
    DifferenceKind.MISSING_PAYMENT: -PART,
    DifferenceKind.CAPTURED_AMOUNT: PART,
    DifferenceKind.REFUNDED_AMOUNT: -PART,
    DifferenceKind.AMOUNT: -1,
    DifferenceKind.CURRENCY: 0,
    DifferenceKind.UNKNOWN_TRANSFER: PART,
    DifferenceKind.MISSING_TRANSFER: -PART,
    DifferenceKind.BALANCE: -OFF,
}


@pytest.fixture(scope="module")
async def planted(world: World) -> Planted:
    """Everything at once on one platform, an order for each; what became of it by its kind."""
    kinds = [*FOR_PEOPLE, *REPAIRED]
    every = {**FOR_PEOPLE, **REPAIRED}
    orders = await asyncio.gather(*(plants.ordered(world) for _ in kinds))
    subjects = {kind: await every[kind](order) for kind, order in zip(kinds, orders, strict=True)}
    await world.reconcile()
    found = await world.differences()
    await world.repaired()
    await world.platform.outside.decide_dispute(
        subjects[DifferenceKind.UNKNOWN_DISPUTE], "under_review"
    )
    await world.reconcile()
    await world.repaired()
    after = await world.differences()
    subjects[DifferenceKind.DISPUTE_STATE] = subjects[DifferenceKind.UNKNOWN_DISPUTE]
    missing = [
        (kind, subject) for kind, subject in subjects.items() if (kind, subject) not in after
    ]
    assert missing == [], sorted((kind, subject) for kind, subject in found)
    return {kind: (subject, after[kind, subject]) for kind, subject in subjects.items()}


def test_every_kind_is_planted() -> None:
    assert {*FOR_PEOPLE, *REPAIRED, DifferenceKind.DISPUTE_STATE} == set(DifferenceKind)


@pytest.mark.parametrize("kind", FOR_PEOPLE)
async def test_difference_for_people_is_shown_with_its_amount(
    planted: Planted, kind: DifferenceKind
) -> None:
    _, row = planted[kind]
    assert (row["status"], row["amount"]) == ("open", AMOUNTS[kind])
    assert row["evidence"]


@pytest.mark.parametrize("kind", [*REPAIRED, DifferenceKind.DISPUTE_STATE])
async def test_safe_difference_is_repaired(planted: Planted, kind: DifferenceKind) -> None:
    _, row = planted[kind]
    assert (row["status"], row["resolution"]) == ("repaired", "repaired"), row
    assert row["attempts"] >= 1


async def test_nothing_else_is_open(planted: Planted, world: World) -> None:
    assert await world.still_open() == {(kind, planted[kind][0]) for kind in FOR_PEOPLE}


async def test_repairs_leave_what_should_be(planted: Planted, world: World) -> None:
    intent, row = planted[DifferenceKind.UNWANTED_PAYMENT]
    (stray,) = [
        one for one in await world.platform.outside.attempts(row["order_id"]) if one["id"] == intent
    ]
    assert stray["status"] == "canceled"
    _, lost = planted[DifferenceKind.LOST_CAPTURE]
    payment = await world.platform.shop.payment(lost["order_id"])
    assert (payment["status"], payment["captured_amount"]) == ("captured", payment["amount"])
    _, refund = planted[DifferenceKind.UNKNOWN_REFUND]
    payment = await world.platform.shop.payment(refund["order_id"])
    assert (payment["status"], payment["refunded_amount"]) == ("partially_refunded", PART)
    order_id, _ = planted[DifferenceKind.LOST_WORKFLOW]
    running = await world.platform.shop.fulfillment(order_id).describe()
    assert running.status is not None
    assert running.status.name == "RUNNING"


async def test_refund_that_no_repair_explains_is_for_people_after_three_attempts(
    planted: Planted,
) -> None:
    assert planted[DifferenceKind.REFUNDED_AMOUNT][1]["attempts"] == 3
