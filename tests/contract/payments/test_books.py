"""The provider's books: every movement, payment and event of a window, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.provider_books import MovementKind, ProviderMovement
from core.domain.statuses import PaymentStatus
from core.gateways.payments import PaymentGateway, ProviderEvent
from tests.contract.payments.orders import authorized, captured, everything, id_of
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Control

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


async def movements(gateway: PaymentGateway, since: datetime = BEGINNING) -> list[ProviderMovement]:
    """All of them, in the order in which they happened."""
    until = datetime.now(UTC) + timedelta(minutes=5)
    listed = await everything(lambda cursor: gateway.list_movements(since, until, cursor))
    return listed[::-1]


async def test_payment_and_refunds_are_movements_with_their_fees_and_our_ids(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    payment = await captured(gateway, provider)
    refund = await gateway.refund(
        id_of(payment), amount=300, key=f"{payment.order_id}:r:1", reference="rfd_1"
    )
    await control.settle_refund(refund.provider_refund_id, "failed")

    ours = [
        one
        for one in await movements(gateway, began)
        if one.provider_payment_id == payment.provider_payment_id
    ]
    charge, given_back, returned = ours
    assert (charge.kind, charge.amount) == (MovementKind.CHARGE, 1000)
    assert charge.reference == payment.order_id
    assert charge.fee > 0
    assert charge.net == 1000 - charge.fee
    assert (given_back.kind, given_back.amount) == (MovementKind.REFUND, -300)
    assert (given_back.source_id, given_back.reference) == (refund.provider_refund_id, "rfd_1")
    assert (returned.kind, returned.amount) == (MovementKind.REFUND_FAILED, 300)
    assert returned.source_id == refund.provider_refund_id
    assert {one.currency for one in ours} == {provider.currency}
    assert all(began <= one.occurred_at <= datetime.now(UTC) for one in ours)


@pytest.mark.needs("manual_capture")
async def test_movements_add_up_to_the_balance(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    await captured(gateway, provider)
    before = await control.balance(provider.currency.lower())
    payout_id = await control.pay_out(provider.currency)
    drained = await control.balance(provider.currency.lower())
    await control.fail_payout(payout_id)

    assert drained["net"] == 0
    assert (await control.balance(provider.currency.lower()))["net"] == before["net"] > 0
    listed = [one for one in await movements(gateway) if one.currency == provider.currency]
    assert sum(one.net for one in listed) == before["net"]
    paid_out = [(one.kind, one.amount) for one in listed if one.source_id == payout_id]
    assert paid_out == [
        (MovementKind.PAYOUT, -before["net"]),
        (MovementKind.PAYOUT_FAILED, before["net"]),
    ]


async def test_payments_of_a_window_are_listed_and_none_outside(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)
    now = datetime.now(UTC)

    async def listed(since: datetime, until: datetime) -> list[str | None]:
        found = await everything(lambda cursor: gateway.list_payments(since, until, cursor))
        assert all(one.status is not PaymentStatus.UNKNOWN for one in found)
        return [one.provider_payment_id for one in found]

    around = await listed(now - timedelta(minutes=1), now + timedelta(minutes=1))
    assert around.count(payment.provider_payment_id) == 1
    day = timedelta(days=1)
    assert payment.provider_payment_id not in await listed(now - 2 * day, now - day)
    assert payment.provider_payment_id not in await listed(now + day, now + 2 * day)


async def test_listed_event_reads_like_its_webhook(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    payment = await authorized(gateway, provider)
    events = await everything(lambda cursor: gateway.list_events(since, cursor))
    if not gateway.capabilities.events_list:
        assert events == []
        return

    read: list[tuple[str, ProviderEvent]] = [
        (one.event_id, gateway.parse_event(one.body)) for one in events
    ]
    [(event_id, event)] = [one for one in read if one[1].object_id == payment.provider_payment_id]
    assert event.event_id == event_id
    assert event.type == provider.authorized_event
    assert event.reference == payment.order_id


@pytest.mark.parametrize("page_size", [1, 2])
async def test_short_pages_leave_nothing_out(
    gateway: PaymentGateway,
    provider: PaymentProvider,
    monkeypatch: pytest.MonkeyPatch,
    page_size: int,
) -> None:
    since = datetime.now(UTC)
    for _ in range(3):
        await captured(gateway, provider)
    whole = await movements(gateway, since)
    provider.shorten_pages(monkeypatch, page_size)

    assert await movements(gateway, since) == whole
    assert len(whole) >= 3
