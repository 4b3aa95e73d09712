"""Money to vendors: once per settlement, found again, and come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from core.domain.errors import ProviderError, ProviderRejectedError
from core.domain.provider_books import MoneyTransferStatus, MovementKind, ProviderTransfer
from core.gateways.payments import PaymentGateway, Transfer
from tests.contract.payments.orders import captured, everything
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Control


def window() -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now - timedelta(minutes=5), now + timedelta(minutes=5)


def transfer_to(destination: str, provider: PaymentProvider) -> Transfer:
    settlement_id = f"stl_{uuid4().hex}"
    return Transfer(
        reference=settlement_id,
        destination=destination,
        amount=700,
        currency=provider.currency,
        key=f"{settlement_id}:transfer:1",
    )


async def test_transfer_pays_the_vendor_from_our_balance(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    await captured(gateway, provider)
    request = transfer_to(provider.vendor_account, provider)
    sent = await gateway.transfer(request)

    assert sent.status is not MoneyTransferStatus.FAILED
    since, until = window()
    made = await gateway.find_transfer(request.reference, since)
    assert made == ProviderTransfer(
        provider_transfer_id=sent.provider_transfer_id,
        status=MoneyTransferStatus.PAID,
        currency=provider.currency,
        amount=700,
        destination=provider.vendor_account,
        reference=request.reference,
    )
    listed = await everything(lambda cursor: gateway.list_transfers(since, until, cursor))
    assert [one for one in listed if one.reference == request.reference] == [made]
    moved = await everything(lambda cursor: gateway.list_movements(since, until, cursor))
    [movement] = [one for one in moved if one.reference == request.reference]
    assert (movement.kind, movement.amount) == (MovementKind.TRANSFER, -700)
    assert movement.source_id == sent.provider_transfer_id


async def test_same_transfer_again_pays_nothing_more(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    await captured(gateway, provider)
    request = transfer_to(provider.vendor_account, provider)
    operation = provider.operations["transfer"]
    await control.fault(provider.service, operation, "timeout_after_effect", latency_ms=0)
    with pytest.raises(ProviderError):
        await gateway.transfer(request)

    since, until = window()
    found = await gateway.find_transfer(request.reference, since)
    assert await gateway.transfer(request) == found
    listed = await everything(lambda cursor: gateway.list_transfers(since, until, cursor))
    assert [one for one in listed if one.reference == request.reference] == [found]


async def test_transfer_that_was_never_made_is_not_found(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    since, _ = window()
    assert await gateway.find_transfer(f"stl_{uuid4().hex}", since) is None


async def test_account_that_cannot_be_paid_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    since, _ = window()
    for destination in provider.unusable_accounts:
        request = transfer_to(destination, provider)
        with pytest.raises(ProviderRejectedError):
            await gateway.transfer(request)
        assert await gateway.find_transfer(request.reference, since) is None


async def test_transfer_that_came_back_has_failed(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    await captured(gateway, provider)
    request = transfer_to(provider.vendor_account, provider)
    made = await gateway.transfer(request)
    await control.reverse_transfer(made.provider_transfer_id)

    since, until = window()
    after = await gateway.find_transfer(request.reference, since)
    assert after is not None
    assert (after.status, after.amount) == (MoneyTransferStatus.FAILED, 700)
    assert after.failure
    moved = await everything(lambda cursor: gateway.list_movements(since, until, cursor))
    ours = [one for one in moved if one.source_id == made.provider_transfer_id]
    assert [(one.kind, one.amount) for one in ours] == [
        (MovementKind.TRANSFER_REVERSED, 700),
        (MovementKind.TRANSFER, -700),
    ]
