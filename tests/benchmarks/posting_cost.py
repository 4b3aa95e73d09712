"""What the posting adds to the confirmation of an order: each round confirms one with, one without.

Run as ``python -m tests.benchmarks.posting_cost <database url> [rounds]`` on a database of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from typing import Any, cast

from pydantic import SecretStr
from sqlalchemy import text
from temporalio.client import Client

from activities.opening import opening
from core.database import Database
from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus
from core.settings import PostgresSettings
from models.migrations import upgrade
from models.repositories import checkout
from models.repositories.ledger_payments import AUTHORIZED_POSTING
from tests.shop import PRICE, SHIPPING, Shop

WITH = checkout._CONFIRM
WITHOUT = text(WITH.text.replace(f"{AUTHORIZED_POSTING}, ", ""))
WARM_UP = 50


async def confirm(database: Database, order_id: str, statement: Any) -> float:
    """Seconds that one confirmation takes."""
    checkout._CONFIRM = statement
    payment = ProviderPayment(
        provider_payment_id=f"pi_{order_id}",
        status=PaymentStatus.AUTHORIZED,
        currency="USD",
        amount=PRICE + SHIPPING,
        authorized_amount=PRICE + SHIPPING,
    )
    start = time.perf_counter()
    confirmed = await checkout.confirm_order(
        database, order_id=order_id, payment=payment, workflow_id=order_id, entries=[]
    )
    assert confirmed
    return time.perf_counter() - start


async def main(url: str, rounds: int) -> None:
    database = Database.open(PostgresSettings(url=SecretStr(url), pool_size=1))
    shop = Shop(database, cast("Client", None))
    shelf = await shop.stock_up(10 * rounds)
    order_ids = [await shop.draft(shelf) for _ in range(2 * (rounds + WARM_UP))]
    for order_id in order_ids:
        assert await checkout.open_order(database, opening(order_id))
    taken: dict[bool, list[float]] = {True: [], False: []}
    for n in range(0, len(order_ids), 2):
        # The first of a pair is now one, now the other: neither profits from the place.
        for order_id, posts in zip(order_ids[n : n + 2], (n % 4 == 0, n % 4 != 0), strict=True):
            seconds = await confirm(database, order_id, WITH if posts else WITHOUT)
            if n >= 2 * WARM_UP:
                taken[posts].append(seconds)
    for posts, what in ((False, "without"), (True, "with")):
        sorted_ = sorted(taken[posts])
        p95 = sorted_[int(len(sorted_) * 0.95)]
        sys.stdout.write(
            f"{what:8} median {1000 * statistics.median(sorted_):.2f} ms, p95 {1000 * p95:.2f} ms\n"
        )
    ratio = statistics.median(a / b for a, b in zip(taken[True], taken[False], strict=True))
    sys.stdout.write(f"ratio    median of pairs {ratio:.2f}\n")
    posted = await database.statement(text("SELECT count(*) AS n FROM ledger_postings"), {})
    assert posted[0]["n"] == len(order_ids) // 2, posted
    await database.close()


if __name__ == "__main__":
    upgrade(sys.argv[1])
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500))
