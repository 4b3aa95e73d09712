"""One order from the cart to its end, as its customer sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from deploy.demo.scenarios import Errand, Outcome
from deploy.demo.shop import Pace, Shop

POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Journey:
    """``outcome`` is an :class:`Outcome`, or words that say what should not have happened."""

    errand: Errand
    outcome: str
    answer_seconds: float
    delivered_seconds: float | None = None
    order_id: str | None = None

    @property
    def is_possible(self) -> bool:
        return self.outcome in self.errand.scenario.possible


class Traveler:
    """A customer who places orders and waits for them."""

    def __init__(
        self, shop: Shop, *, token: str, run: str, pace: Pace, patience_seconds: float
    ) -> None:
        self._shop = shop
        self._token = token
        self._run = run
        self._pace = pace
        self._patience = patience_seconds

    async def travel(
        self,
        errand: Errand,
        *,
        places: asyncio.Semaphore,
        on_placed: Callable[[], None],
    ) -> Journey:
        """Check out, in one of ``places``, then follow the order to its end."""
        async with places:
            started = time.perf_counter()
            key = f"demo-{self._run}-{errand.number}"
            try:
                response = await self._shop.check_out(self._token, key, errand.checkout)
            except httpx.TransportError as error:
                return _ended(errand, f"no answer: {type(error).__name__}", started)
            finally:
                on_placed()
            answered = time.perf_counter() - started
        if response.is_error:
            return Journey(errand=errand, outcome=_problem_of(response), answer_seconds=answered)
        order_id: str = response.json()["id"]
        try:
            outcome, delivered = await self._follow(errand, order_id)
        except httpx.HTTPError as error:
            outcome, delivered = f"lost sight: {type(error).__name__}", None
        return Journey(
            errand=errand,
            outcome=outcome,
            answer_seconds=answered,
            delivered_seconds=delivered,
            order_id=order_id,
        )

    async def _follow(self, errand: Errand, order_id: str) -> tuple[str, float | None]:
        deadline = time.monotonic() + self._patience
        answered = False
        while True:
            await self._pace.turn()
            order = await self._shop.order(self._token, order_id)
            match order["status"]:
                case "delivered" | "completed":
                    return Outcome.DELIVERED, _age(order["created_at"], order["updated_at"])
                case "failed":
                    return Outcome.FAILED, None
                case "canceled":
                    return "canceled", None
                case "requires_action" if errand.scenario.challenge and not answered:
                    await self._shop.answer_challenge(order, errand.scenario.challenge)
                    answered = True
            if time.monotonic() > deadline:
                return f"still {order['status']}", None
            await asyncio.sleep(POLL_SECONDS)


def _ended(errand: Errand, outcome: str, started: float) -> Journey:
    return Journey(errand=errand, outcome=outcome, answer_seconds=time.perf_counter() - started)


def _problem_of(response: httpx.Response) -> str:
    """The slug at the end of a problem's type, or the bare status."""
    try:
        slug = str(response.json()["type"]).rstrip("/").rsplit("/", 1)[-1]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
    known = {Outcome.DECLINED.value, Outcome.OUT_OF_STOCK.value}
    return slug if slug in known else f"HTTP {response.status_code} {slug}"


def _age(created_at: str, updated_at: str) -> float:
    """Seconds between two moments of the server's clock."""
    return (datetime.fromisoformat(updated_at) - datetime.fromisoformat(created_at)).total_seconds()
