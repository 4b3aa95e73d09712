"""Disputes: seen, answered, given up, won and lost, and what each does to the balance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.errors import ProviderError, ProviderRejectedError
from core.domain.provider_books import Evidence, MovementKind, ProviderDispute, ProviderMovement
from core.domain.statuses import DisputeStatus
from core.gateways.payments import PaymentGateway
from tests.contract.payments.orders import captured, everything, id_of
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Control

EVIDENCE = Evidence(
    explanation="The parcel was handed over to the customer.",
    customer_name="Ada Lovelace",
    customer_email="ada@example.com",
    product_description="T-shirt",
    shipping_carrier="Sandbox Express",
    shipping_tracking_number="SBX1",
    shipping_date="2026-11-20",
)


def lately() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


async def disputes_of(gateway: PaymentGateway, payment_id: str) -> list[ProviderDispute]:
    since = lately()
    listed = await everything(lambda cursor: gateway.list_disputes(since, cursor))
    return [one for one in listed if one.provider_payment_id == payment_id]


async def dispute_movements(gateway: PaymentGateway, payment_id: str) -> list[ProviderMovement]:
    since, until = lately(), datetime.now(UTC) + timedelta(minutes=5)
    listed = await everything(lambda cursor: gateway.list_movements(since, until, cursor))
    kinds = (MovementKind.DISPUTE, MovementKind.DISPUTE_REVERSED)
    ours = [one for one in listed if one.provider_payment_id == payment_id and one.kind in kinds]
    return ours[::-1]


async def test_disputed_payment_is_listed_and_its_money_withdrawn(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment_id = id_of(await captured(gateway, provider, provider.disputed))

    [dispute] = await disputes_of(gateway, payment_id)
    assert dispute == ProviderDispute(
        provider_dispute_id=dispute.provider_dispute_id,
        provider_payment_id=payment_id,
        status=DisputeStatus.NEEDS_RESPONSE,
        reason=provider.disputed_for,
        currency=provider.currency,
        amount=1000,
        withdrawn=provider.withdraws_disputes_at_once,
        opened_at=dispute.opened_at,
        evidence_due_at=dispute.evidence_due_at,
        evidence_submitted=False,
    )
    assert lately() < dispute.opened_at <= datetime.now(UTC)
    assert dispute.evidence_due_at is not None
    assert dispute.evidence_due_at > datetime.now(UTC)
    assert await gateway.fetch_dispute(dispute.provider_dispute_id) == dispute
    taken = await dispute_movements(gateway, payment_id)
    assert [(one.kind, one.amount, one.source_id) for one in taken] == (
        [(MovementKind.DISPUTE, -1000, dispute.provider_dispute_id)]
        if provider.withdraws_disputes_at_once
        else []
    )


async def test_dispute_of_a_part_withdraws_the_part(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment_id = id_of(await captured(gateway, provider))
    dispute_id = await control.dispute(payment_id, amount=400)

    assert (await gateway.fetch_dispute(dispute_id)).amount == 400
    await control.decide_dispute(dispute_id, "lost")
    assert [one.amount for one in await dispute_movements(gateway, payment_id)] == [-400]


async def test_evidence_is_submitted_once(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    dispute_id = await control.dispute(id_of(await captured(gateway, provider)))
    first = await gateway.submit_evidence(dispute_id, EVIDENCE, key=f"{dispute_id}:evidence:1")
    again = await gateway.submit_evidence(dispute_id, EVIDENCE, key=f"{dispute_id}:evidence:1")
    other = await gateway.submit_evidence(dispute_id, EVIDENCE, key=f"{dispute_id}:evidence:2")

    assert (first.status, first.evidence_submitted) == (DisputeStatus.UNDER_REVIEW, True)
    assert again == other == first


@pytest.mark.parametrize(
    ("decision", "status", "movements"),
    [
        ("won", DisputeStatus.WON, [-1000, 1000]),
        ("lost", DisputeStatus.LOST, [-1000]),
    ],
)
async def test_decided_dispute_gives_the_money_back_or_keeps_it(
    *,
    gateway: PaymentGateway,
    provider: PaymentProvider,
    control: Control,
    decision: str,
    status: DisputeStatus,
    movements: list[int],
) -> None:
    payment_id = id_of(await captured(gateway, provider))
    dispute_id = await control.dispute(payment_id)
    await gateway.submit_evidence(dispute_id, EVIDENCE, key=f"{dispute_id}:evidence:1")
    await control.decide_dispute(dispute_id, decision)

    after = await gateway.fetch_dispute(dispute_id)
    withdrawn = provider.withdraws_disputes_at_once or status is DisputeStatus.LOST
    assert (after.status, after.withdrawn, after.amount) == (status, withdrawn, 1000)
    moved = [one.amount for one in await dispute_movements(gateway, payment_id)]
    assert moved == (movements if withdrawn else [])


async def test_accepted_dispute_is_lost_and_takes_no_evidence(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    dispute_id = await control.dispute(id_of(await captured(gateway, provider)))
    first = await gateway.accept_dispute(dispute_id, key=f"{dispute_id}:accept:1")
    again = await gateway.accept_dispute(dispute_id, key=f"{dispute_id}:accept:2")

    assert first.status is DisputeStatus.LOST
    assert again == first
    with pytest.raises(ProviderRejectedError):
        await gateway.submit_evidence(dispute_id, EVIDENCE, key=f"{dispute_id}:evidence:1")


async def test_won_dispute_cannot_be_given_up(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    dispute_id = await control.dispute(id_of(await captured(gateway, provider)))
    await control.decide_dispute(dispute_id, "won")

    with pytest.raises(ProviderRejectedError):
        await gateway.accept_dispute(dispute_id, key=f"{dispute_id}:accept:1")


@pytest.mark.needs("manual_capture")
async def test_disputed_money_is_not_refunded_until_the_dispute_is_won(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment_id = id_of(await captured(gateway, provider))
    dispute_id = await control.dispute(payment_id)
    with pytest.raises(ProviderRejectedError):
        await gateway.refund(payment_id, amount=100, key=f"{payment_id}:r:1", reference="rfd_1")
    assert await gateway.find_refunds(payment_id) == []

    await control.decide_dispute(dispute_id, "won")
    await gateway.refund(payment_id, amount=100, key=f"{payment_id}:r:2", reference="rfd_1")
    assert (await gateway.fetch(payment_id)).refunded_amount == 100


async def test_lost_answer_of_evidence_is_seen_by_fetch(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    dispute_id = await control.dispute(id_of(await captured(gateway, provider)))
    operation = {**provider.operations, **provider.answers}["submit_evidence"]
    await control.fault(provider.service, operation, "timeout_after_effect", latency_ms=0)
    with pytest.raises(ProviderError):
        await gateway.submit_evidence(dispute_id, EVIDENCE, key=f"{dispute_id}:evidence:1")

    found = await gateway.fetch_dispute(dispute_id)
    assert found.evidence_submitted
    again = await gateway.submit_evidence(dispute_id, EVIDENCE, key=f"{dispute_id}:evidence:1")
    assert again == found


async def test_unknown_dispute_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    with pytest.raises(ProviderRejectedError):
        await gateway.fetch_dispute(provider.unknown_dispute)
