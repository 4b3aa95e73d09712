"""Money to vendors: once per settlement, found again, and come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from core.domain.errors import ProviderError, ProviderRejectedError
from core.domain.provider_books import MoneyTransferStatus, MovementKind, ProviderTransfer
from core.gateways.payments import BankAccount, PaymentGateway, Transfer
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


async def test_several_vendors_are_paid_together_and_once(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    await captured(gateway, provider, amount=5000)
    since, until = window()
    requests = [transfer_to(provider.vendor_account, provider) for _ in range(3)]
    first = await gateway.transfer(requests[1])
    operation = provider.operations["transfer_all"]
    await control.fault(provider.service, operation, "timeout_after_effect", latency_ms=0)
    with pytest.raises(ProviderError):
        await gateway.transfer_all(requests)

    for _ in range(2):
        sent = await gateway.transfer_all(requests)
        assert [(one.reference, one.amount, one.destination) for one in sent] == [
            (one.reference, 700, provider.vendor_account) for one in requests
        ]
        assert sent[1].provider_transfer_id == first.provider_transfer_id
    ours = {one.reference for one in requests}
    listed = await everything(lambda cursor: gateway.list_transfers(since, until, cursor))
    made = [one for one in listed if one.reference in ours]
    assert len(made) == 3
    assert {one.status for one in made} == {MoneyTransferStatus.PAID}


def account_at_a_bank(provider: PaymentProvider) -> BankAccount:
    return BankAccount(
        type="nuban",
        name="Ada Lovelace",
        account_number=str(uuid4().int)[:10],
        bank_code="058",
        currency=provider.currency,
    )


@pytest.mark.needs("payout_accounts")
async def test_bank_account_becomes_one_that_can_be_paid_and_stays_the_same(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    account = account_at_a_bank(provider)
    made = await gateway.create_payout_account(account)

    assert await gateway.create_payout_account(account) == made
    elsewhere = replace(account, bank_code="011")
    assert await gateway.create_payout_account(elsewhere) != made
    await captured(gateway, provider)
    sent = await gateway.transfer(transfer_to(made, provider))
    assert (sent.destination, sent.amount) == (made, 700)
    assert account.account_number not in repr(account)


async def test_bank_account_that_cannot_be_one_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    account = replace(account_at_a_bank(provider), bank_code="000")
    with pytest.raises(ProviderRejectedError) as refusal:
        await gateway.create_payout_account(account)
    assert account.account_number not in str(refusal.value)
