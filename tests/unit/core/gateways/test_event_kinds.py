from __future__ import annotations

import pytest

from core.domain.provider_events import EventSubject
from core.domain.statuses import PaymentStatus
from core.gateways.event_kinds import carrier_kind, paystack_kind, stripe_kind


@pytest.mark.parametrize(
    ("name", "subject", "tells"),
    [
        ("payment_intent.created", EventSubject.OTHER, None),
        ("payment_intent.succeeded", EventSubject.PAYMENT, PaymentStatus.CAPTURED),
        ("payment_intent.canceled", EventSubject.PAYMENT, PaymentStatus.VOIDED),
        ("payment_intent.invented.tomorrow", EventSubject.PAYMENT, None),
        ("charge.succeeded", EventSubject.PAYMENT, None),
        ("charge.refunded", EventSubject.REFUND, None),
        ("charge.refund.updated", EventSubject.REFUND, None),
        ("charge.dispute.funds_withdrawn", EventSubject.DISPUTE, None),
        ("refund.failed", EventSubject.REFUND, None),
        ("transfer.reversed", EventSubject.TRANSFER, None),
        ("payout.failed", EventSubject.PAYOUT, None),
        ("customer.created", EventSubject.OTHER, None),
        ("payment_intent", EventSubject.OTHER, None),
        ("", EventSubject.OTHER, None),
        (".", EventSubject.OTHER, None),
    ],
)
def test_stripes_events_have_a_subject(
    name: str, subject: EventSubject, tells: PaymentStatus | None
) -> None:
    kind = stripe_kind(name)
    assert (kind.subject, kind.tells) == (subject, tells)


def test_the_others_have_one_too_and_only_some_concern_us() -> None:
    assert paystack_kind("charge.success").tells is PaymentStatus.AUTHORIZED
    assert paystack_kind("charge.dispute.create").subject is EventSubject.DISPUTE
    assert paystack_kind("transfer.reversed").subject is EventSubject.TRANSFER
    assert paystack_kind("subscription.create").subject is EventSubject.OTHER
    assert carrier_kind("shipment.delivered").echo_of == ("delivered",)
    assert carrier_kind("shipment.lost").echo_of == ()
    assert [stripe_kind(name).concerns_us for name in ("payout.paid", "refund.failed", "x.y")] == [
        False,
        True,
        False,
    ]
