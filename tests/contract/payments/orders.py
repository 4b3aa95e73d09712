"""Payments of orders that nobody else has, so that tests share one sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

from core.domain.payments import ProviderPayment
from core.domain.provider_books import Page
from core.gateways.payments import Authorization, PaymentGateway
from tests.contract.payments.providers import PaymentProvider

Item = TypeVar("Item")

LONG_AGO = 0


def authorization(
    provider: PaymentProvider, payment_method: str, *, amount: int = 1000
) -> Authorization:
    order_id = f"ord_{uuid4().hex}"
    return Authorization(
        order_id=order_id,
        payment_id=f"pay_{uuid4().hex}",
        amount=amount,
        currency=provider.currency,
        payment_method=payment_method,
        key=f"{order_id}:authorize:1",
        email="ada@example.com",
        return_url="https://shop.example.com/orders",
    )


async def authorized(gateway: PaymentGateway, provider: PaymentProvider) -> ProviderPayment:
    return (await gateway.authorize(authorization(provider, provider.good))).payment


async def captured(
    gateway: PaymentGateway,
    provider: PaymentProvider,
    method: str | None = None,
    *,
    amount: int = 1000,
) -> ProviderPayment:
    request = authorization(provider, method or provider.good, amount=amount)
    payment = (await gateway.authorize(request)).payment
    return await gateway.capture(
        id_of(payment), amount=amount, final=True, key=f"{payment.order_id}:c:1"
    )


async def everything(ask: Callable[[str | None], Awaitable[Page[Item]]]) -> list[Item]:
    """Walk all pages of a list."""
    found: list[Item] = []
    cursor: str | None = None
    while True:
        page = await ask(cursor)
        found.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return found


async def challenged(gateway: PaymentGateway, provider: PaymentProvider) -> ProviderPayment:
    return (await gateway.authorize(authorization(provider, provider.challenged))).payment


def id_of(payment: ProviderPayment) -> str:
    assert payment.provider_payment_id is not None
    return payment.provider_payment_id
