"""The bank asks its customer: answered, refused, too late, never, and with the news lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core.domain.statuses import OrderStatus
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.platform import SkippingPlatform
from workflows.checkout import CheckoutWorkflow

CHALLENGED = "pm_card_authenticationRequired"
DEADLINE = timedelta(minutes=15)
TOTAL = 2 * PRICE + SHIPPING
ASKED = ["order.placed", "stock.reserved", "payment.requires_action"]
EXPIRED = [*ASKED, "stock.released", "order.failed"]
CONFIRMED = [*ASKED, "payment.authorized", "order.confirmed"]


async def challenged(skipping: SkippingPlatform) -> tuple[str, Shelf]:
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(shelf, 2, payment_method=CHALLENGED)
    answer = await shop.place(order_id)
    assert answer.status is OrderStatus.REQUIRES_ACTION
    return order_id, shelf


async def outcome(skipping: SkippingPlatform, order_id: str) -> str:
    """Wait for the end of the checkout, by the real clock, so that no timer fires."""
    status = await eventually(
        lambda: skipping.shop.checkout(order_id).query("get_status", result_type=str)
    )
    return str(status)


async def assert_expired(skipping: SkippingPlatform, order_id: str, shelf: Shelf) -> None:
    shop = skipping.shop
    assert await outcome(skipping, order_id) == "failed"
    order = await shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("failed", "voided")
    assert order["failure"] == {"code": "challenge-expired"}
    assert order["next_action"] is None
    assert await shop.levels(shelf) == (5, 0)
    assert await shop.lines(order_id) == ["released"]
    assert await shop.events(order_id) == EXPIRED
    assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]


async def test_challenge_not_answered_in_time_leaves_nothing_reserved_and_nothing_held(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    order = await shop.order(order_id)
    assert order["next_action"]["type"] == "use_stripe_sdk"
    assert order["next_action"]["client_secret"].startswith("pi_")
    assert await shop.levels(shelf) == (5, 2)
    assert await skipping.outside.charges(order_id) == [("requires_action", TOTAL, 0)]

    await skipping.skip(DEADLINE - timedelta(seconds=5))
    assert await shop.status(order_id) == "requires_action"
    assert await shop.levels(shelf) == (5, 2)

    await skipping.skip(timedelta(seconds=10))
    await assert_expired(skipping, order_id, shelf)


async def test_challenge_passed_confirms_the_order(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    await skipping.skip(DEADLINE - timedelta(seconds=5))
    intent = await skipping.outside.intent(order_id)
    await skipping.outside.answer_challenge(intent, "succeeded")
    event = await shop.receive_event(
        "stripe", "payment_intent.amount_capturable_updated", object_id=intent, reference=order_id
    )

    assert event == "checkout"
    assert await outcome(skipping, order_id) == "confirmed"
    order = await shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("confirmed", "authorized")
    assert order["next_action"] is None
    assert await shop.levels(shelf) == (5, 2)
    assert await shop.lines(order_id) == ["committed"]
    assert await shop.events(order_id) == CONFIRMED
    assert await skipping.outside.charges(order_id) == [("requires_capture", TOTAL, 0)]


async def test_challenge_failed_declines_at_once_and_cannot_be_tried_again(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    intent = await skipping.outside.intent(order_id)
    await skipping.outside.answer_challenge(intent, "failed")
    await shop.checkout(order_id).signal(CheckoutWorkflow.payment_changed)

    assert await outcome(skipping, order_id) == "failed"
    order = await shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("failed", "failed")
    assert order["failure"]["code"] == "payment-declined"
    assert await shop.levels(shelf) == (5, 0)
    assert await shop.events(order_id) == [
        *ASKED,
        "payment.declined",
        "stock.released",
        "order.failed",
    ]
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        await skipping.outside.answer_challenge(intent, "succeeded")
    assert await skipping.outside.charges(order_id) == [("failed", TOTAL, 0)]


async def test_news_of_an_unanswered_challenge_goes_on_waiting(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    intent = await skipping.outside.intent(order_id)
    event = await shop.receive_event(
        "stripe", "payment_intent.requires_action", object_id=intent, reference=order_id
    )
    assert event == "checkout"
    assert await shop.status(order_id) == "requires_action"

    await skipping.skip(DEADLINE + timedelta(seconds=5))
    await assert_expired(skipping, order_id, shelf)


async def test_challenge_passed_with_its_news_lost_is_found_at_the_deadline(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    intent = await skipping.outside.intent(order_id)
    await skipping.outside.answer_challenge(intent, "succeeded")
    await skipping.skip(DEADLINE + timedelta(seconds=5))

    assert await outcome(skipping, order_id) == "confirmed"
    assert await shop.levels(shelf) == (5, 2)
    assert await shop.events(order_id) == CONFIRMED
    assert await skipping.outside.charges(order_id) == [("requires_capture", TOTAL, 0)]


async def test_challenge_passed_as_the_deadline_passes_ends_one_way_or_the_other(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    intent = await skipping.outside.intent(order_id)

    async def answer() -> None:
        try:
            await skipping.outside.answer_challenge(intent, "succeeded")
        except httpx.HTTPStatusError as error:
            assert error.response.status_code == 409  # noqa: PT017  # the deadline was first
            return
        await shop.receive_event(
            "stripe", "payment_intent.amount_capturable_updated", object_id=intent
        )

    await asyncio.gather(skipping.skip(DEADLINE), answer())
    await skipping.skip(timedelta(seconds=30))

    status = await outcome(skipping, order_id)
    ends: dict[str, Any] = {
        "confirmed": ((5, 2), CONFIRMED, [("requires_capture", TOTAL, 0)]),
        "failed": ((5, 0), EXPIRED, [("canceled", TOTAL, 0)]),
    }
    assert (
        await shop.levels(shelf),
        await shop.events(order_id),
        await skipping.outside.charges(order_id),
    ) == ends[status]


async def test_challenge_answered_after_the_deadline_is_refused_and_changes_nothing(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    intent = await skipping.outside.intent(order_id)
    await skipping.skip(DEADLINE + timedelta(seconds=5))
    await assert_expired(skipping, order_id, shelf)

    with pytest.raises(httpx.HTTPStatusError, match="409"):
        await skipping.outside.answer_challenge(intent, "succeeded")
    event = await shop.receive_event(
        "stripe", "payment_intent.canceled", object_id=intent, reference=order_id
    )
    assert event == "provider_has_more"
    await assert_expired(skipping, order_id, shelf)


async def test_provider_down_at_the_deadline_is_waited_for_and_then_voided(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await challenged(skipping)
    await skipping.outside.break_down("stripe", "*")
    await skipping.skip(DEADLINE + timedelta(seconds=30))
    waiting = await eventually(
        lambda: shop.order(order_id), lambda order: order["waiting_for"] is not None
    )
    assert waiting["status"] == "requires_action"
    assert await shop.levels(shelf) == (5, 2)

    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(minutes=10))
    assert await outcome(skipping, order_id) == "failed"
    order = await shop.order(order_id)
    assert (order["status"], order["waiting_for"]) == ("failed", None)
    assert order["failure"] == {"code": "challenge-expired"}
    assert await shop.levels(shelf) == (5, 0)
    assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]
