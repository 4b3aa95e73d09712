"""Times and limits of the trade: how long what may take, and who decides beyond it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from core.domain.allocation import AllocationStrategy
from core.domain.returns import WhenUndecided
from core.section import Section


class CartSettings(Section):
    guest_seconds: int = Field(
        default=7 * 86_400, ge=1, description="without a change for so long, it is gone"
    )
    customer_seconds: int = Field(
        default=30 * 86_400, ge=1, description="the same for the cart of an account"
    )


class CheckoutSettings(Section):
    challenge_seconds: int = Field(
        default=900, description="3-D Secure answered by then, or released"
    )
    max_hold_seconds: int = 3600
    quote_seconds: int = 900
    allocation: AllocationStrategy = Field(
        default=AllocationStrategy.FEWEST_SHIPMENTS,
        description="what warehouses are chosen for: fewest_shipments, nearest_warehouse, priority",
    )


class StockSettings(Section):
    max_counted_rows: int = Field(
        default=5_000, ge=1, description="rows of one stock-taking; more are refused"
    )


class FulfillmentSettings(Section):
    handling_seconds: int = Field(
        default=10, description="from confirmation to booking; the order can be canceled meanwhile"
    )
    delivery_deadline_seconds: int = Field(
        default=14 * 86_400, description="without news from the carrier by then a person is asked"
    )
    return_window_seconds: int = Field(
        default=14 * 86_400, description="from delivery to completion of the order"
    )
    accept_within_seconds: int = Field(
        default=86_400, description="a vendor who moves parcels by hand accepts one by then"
    )
    pack_within_seconds: int = Field(default=2 * 86_400, description="from acceptance to packing")
    hand_over_within_seconds: int = Field(
        default=2 * 86_400, description="from packing to the carrier; then staff are told"
    )
    review_deadline_seconds: int = Field(
        default=2 * 86_400, description="a person decides about a held order by then"
    )
    review_approves_at_deadline: bool = Field(
        default=False, description="let a held order go on at its deadline, not cancel it"
    )


class ReturnSettings(Section):
    auto_approve_reasons: tuple[str, ...] = Field(
        default=(), description="JSON list; a return for these alone needs no person"
    )
    auto_approve_amount: int = Field(
        default=0, ge=0, description="minor units; a return that is worth more is for staff"
    )
    decision_seconds: int = Field(
        default=2 * 86_400, description="without a decision by then staff is asked"
    )
    undecided_seconds: int = Field(
        default=5 * 86_400, description="after that, what RETURNS_WHEN_UNDECIDED says happens"
    )
    when_undecided: WhenUndecided = Field(
        default=WhenUndecided.EXPIRE, description="approve or expire"
    )
    sending_seconds: int = Field(
        default=14 * 86_400, description="from the approval until the goods have to be sent"
    )
    transit_seconds: int = Field(
        default=21 * 86_400, description="not received by then: staff looks for the parcel"
    )


class DisputeSettings(Section):
    reminders: tuple[int, ...] = Field(
        default=(7 * 86_400, 2 * 86_400, 86_400),
        description="JSON list: staff are reminded so many seconds before evidence is due",
    )


class SettlementSettings(Section):
    """When and with whose approval vendors are paid; limits in minor units of any currency."""

    every_seconds: int = Field(
        default=7 * 86_400, ge=60, description="how often all vendors are settled; a week"
    )
    automatic_amount: int = Field(
        default=0, ge=0, description="minor units; less than this is paid without approval"
    )
    two_person_amount: int = Field(
        default=1_000_000, ge=0, description="minor units; more than this two people approve"
    )
    reminder_seconds: int = Field(
        default=86_400, ge=60, description="how often people are reminded of what waits for them"
    )
    font_file: Path | None = Field(
        default=None, description="TrueType font of statements in PDF; unset means Latin-1 only"
    )


class OversightSettings(Section):
    """How long an order may be in one state before people are told; beyond what the state needs."""

    pending_seconds: int = Field(default=60, description="a checkout that is not decided by then")
    challenge_seconds: int = Field(
        default=60, description="a checkout after the deadline of its customer's bank"
    )
    confirmed_seconds: int = Field(
        default=300, description="an order after its handling time, not being shipped"
    )
    processing_seconds: int = Field(
        default=3 * 86_400, description="an order whose parcels have not all left"
    )
    shipped_seconds: int = Field(default=86_400, description="after the delivery deadline")
    delivered_seconds: int = Field(default=86_400, description="after the return window")
    cancel_seconds: int = Field(default=300, description="a cancellation that is under way")
    lost_seconds: int = Field(
        default=60, description="an unfinished order for which no workflow runs"
    )


class ReconciliationSettings(Section):
    every_seconds: int = Field(
        default=3600, ge=60, description="between two looks at a provider's books"
    )
    window_days: int = Field(
        default=7, ge=1, description="how far back each of them looks; what is open is never left"
    )
    grace_seconds: int = Field(
        default=900, ge=0, description="how long what is being worked on may differ"
    )

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.grace_seconds)
