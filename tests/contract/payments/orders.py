"""Payments of orders that nobody else has, so that tests share one sandbox."""

from __future__ import annotations

from uuid import uuid4

from core.domain.payments import ProviderPayment
from core.gateways.payments import Authorization, PaymentGateway
from tests.contract.payments.providers import PaymentProvider

LONG_AGO = 0


def authorization(payment_method: str, *, amount: int = 1000) -> Authorization:
    order_id = f"ord_{uuid4().hex}"
    return Authorization(
        order_id=order_id,
        payment_id=f"pay_{uuid4().hex}",
        amount=amount,
        currency="EUR",
        payment_method=payment_method,
        key=f"{order_id}:authorize:1",
    )


async def authorized(gateway: PaymentGateway, provider: PaymentProvider) -> ProviderPayment:
    return (await gateway.authorize(authorization(provider.good))).payment


async def challenged(gateway: PaymentGateway, provider: PaymentProvider) -> ProviderPayment:
    return (await gateway.authorize(authorization(provider.challenged))).payment


def id_of(payment: ProviderPayment) -> str:
    assert payment.provider_payment_id is not None
    return payment.provider_payment_id
