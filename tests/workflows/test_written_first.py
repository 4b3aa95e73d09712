"""Rows whose workflow was never started: the process that wrote them died before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.housekeeping import PostgresHousekeepingActivities
from core.domain.ids import Prefix, new_id
from models.repositories import orders, refunds
from tests.eventually import eventually
from tests.returning import requested, row
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_returns import sold
from workflows.ports.housekeeping import Housekeeping

PART = 300

_AGE = text("UPDATE refunds SET created_at = created_at - interval '5 minutes'")
_AGE_RETURNS = text("UPDATE returns SET created_at = created_at - interval '5 minutes'")
_AGE_DRAFTS = text("UPDATE checkout_drafts SET created_at = created_at - interval '5 minutes'")
_PROMISE = text("""
UPDATE idempotency_keys SET response_status = 202, response_body = '{}' WHERE resource_id = :id
""")


async def tidy(skipping: SkippingPlatform) -> int:
    """Keep house once; how many workflows were started."""
    steps = PostgresHousekeepingActivities(
        skipping.shop.database,
        skipping.resources.temporal,
        skipping.resources.objects,
        skipping.resources.settings.jobs,
    )
    tidied = await ActivityEnvironment().run(steps.tidy, Housekeeping())
    return int(tidied.restarted)


async def test_refund_that_nobody_carries_out_is_started_by_the_housekeeping(
    skipping: SkippingPlatform,
) -> None:
    database = skipping.shop.database
    of, _ = await sold(skipping)
    refund_id = new_id(Prefix.REFUND)
    async with database.transaction() as session:
        await refunds.request(
            session,
            await orders.lock(session, of.order_id),
            refund_id=refund_id,
            amount=PART,
            reason="a present",
            actor="staff:usr_test",
        )
    assert await tidy(skipping) == 0
    await database.statement(_AGE, {})

    assert await tidy(skipping) == 1

    async def refund() -> dict[str, Any]:
        return dict(await row(database, "refunds", refund_id))

    await eventually(refund, lambda found: found["status"] == "succeeded")
    assert (await given_back(skipping, of.order_id)) == PART
    assert await tidy(skipping) == 0


async def test_return_that_nobody_follows_is_started_by_the_housekeeping(
    skipping: SkippingPlatform,
) -> None:
    database = skipping.shop.database
    of, _ = await sold(skipping)
    return_id = await requested(database, of)
    assert await tidy(skipping) == 0
    await database.statement(_AGE_RETURNS, {})

    assert await tidy(skipping) == 1

    async def is_followed() -> bool:
        return (await row(database, "returns", return_id))["deadline_at"] is not None

    await eventually(is_followed)
    assert await tidy(skipping) == 0


async def given_back(skipping: SkippingPlatform, order_id: str) -> int:
    """What the provider has given back."""
    return sum(one["refunded"] for one in await skipping.outside.attempts(order_id))


async def test_order_that_was_promised_and_never_opened_is_begun_by_the_housekeeping(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await shop.draft(await shop.stock_up(1))
    await shop.database.statement(_AGE_DRAFTS, {})
    assert await tidy(skipping) == 0
    await shop.database.statement(_PROMISE, {"id": order_id})

    assert await tidy(skipping) == 1

    await eventually(lambda: shop.status(order_id), lambda status: status == "confirmed")
    await eventually(lambda: shop.fulfillment_started(order_id))
    assert await tidy(skipping) == 0
