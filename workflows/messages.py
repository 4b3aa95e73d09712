"""Messages that workflows send each other, and that others send to several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.events import Actor
from core.domain.statuses import OrderStatus, PaymentStatus
from workflows.ports.disputes import DisputeRef
from workflows.ports.payments import AuthorizationState
from workflows.ports.stock import WantedItem


class Child(StrEnum):
    """Workflows that others start, by name: a parent does not load its children's code."""

    FULFILLMENT = "FulfillmentWorkflow"
    SHIPMENT = "ShipmentWorkflow"
    PAYMENT_CAPTURE = "PaymentCaptureWorkflow"
    REFUND = "RefundWorkflow"
    RETURN = "ReturnWorkflow"
    DISPUTE = "DisputeWorkflow"
    SETTLEMENT = "SettlementWorkflow"
    REPAIR = "RepairWorkflow"
    MEDIA = "MediaWorkflow"
    JOB = "JobWorkflow"
    ACCOUNT_MESSAGE = "AccountMessageWorkflow"
    ERASURE = "ErasureWorkflow"
    PERSONAL_EXPORT = "PersonalExportWorkflow"


@dataclass(frozen=True, kw_only=True)
class CheckoutAnswer:
    """How the order stands when its customer can be answered."""

    status: OrderStatus


@dataclass(frozen=True, kw_only=True)
class HoldRequest:
    """Input of a hold; ``ttl_seconds`` is how long it lasts."""

    hold_id: str
    owner_id: str
    items: Sequence[WantedItem]
    ttl_seconds: int


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a fulfilment has come that goes on in a new run, after its history has grown long.

    Only what the database does not tell: ``ended`` names the shipments whose workflows have ended,
    the moments are those of its timers (UTC).
    """

    handled: bool = False
    ended: Sequence[str] = ()
    unreleased: bool = False
    cancel: CancelRequest | None = None
    review_ends_at: datetime | None = None
    window_ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Fulfillment:
    """Input of the fulfilment: a confirmed order, and how long it can still be canceled.

    Shipping begins after ``handling_seconds``, or in time before ``capture_before`` (UTC), when the
    provider lets the authorization lapse.
    """

    order_id: str
    handling_seconds: int = 0
    capture_before: datetime | None = None
    progress: Progress | None = None


@dataclass(frozen=True, kw_only=True)
class EditRequest:
    """Staff want other quantities in an order: of each SKU the one that it shall have."""

    actor: str
    reason: str
    changes: Sequence[WantedItem]


@dataclass(frozen=True, kw_only=True)
class ReviewRequest:
    """Who holds an order, releases it or decides about it, and why."""

    actor: str
    reason: str = ""
    approve: bool = True


@dataclass(frozen=True, kw_only=True)
class PaymentCapture:
    """Which parcel is to be paid for; the authorization lapses at ``capture_before`` (UTC).

    With ``cancelable`` a person may decide that it is not sent when nobody pays for it.
    """

    order_id: str
    shipment_id: str
    number: int
    capture_before: datetime | None = None
    cancelable: bool = False
    offered: PaymentMethodGiven | None = None
    """The payment method that an earlier run was given and has not tried to the end."""
    asked_about: AuthorizationState | None = None
    """The payment that made an earlier run ask the customer for another one."""


NEW_PAYMENT = "a new payment from the customer"
"""What an order waits for whose authorization has lapsed and cannot be renewed."""


@dataclass(frozen=True, kw_only=True)
class PaymentMethodGiven:
    """The customer's answer to that: the provider's token of a payment method, never a card.

    Without a ``provider`` it is that of the payment before.
    """

    actor: str
    provider: str | None = None
    payment_method: str


@dataclass(frozen=True, kw_only=True)
class PaymentMethodAnswer:
    """What the provider said of it."""

    status: PaymentStatus
    decline_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """Which refund to carry out; its row tells how much from which payments."""

    order_id: str
    refund_id: str
    tries: int = 1
    """How often an earlier run of the same refund was told to try the part that it is at."""


@dataclass(frozen=True, kw_only=True)
class DisputeAnswer:
    """Staff's answer to a dispute: a submission of evidence, or with ``accepted`` giving it up.

    The evidence itself is in the dispute's row, under ``submission_id``.
    """

    actor: str
    submission_id: str = ""
    accepted: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DisputeRequest:
    """Which dispute to follow; ``answer`` and ``quiet_until`` are what an earlier run was told."""

    ref: DisputeRef
    answer: DisputeAnswer | None = None
    quiet_until: datetime | None = None
    """A person wants no reminder of the deadline that is then (UTC)."""


@dataclass(frozen=True, kw_only=True)
class ReturnRequest:
    """Which return to follow; its rows tell what comes back and why."""

    order_id: str
    return_id: str


@dataclass(frozen=True, kw_only=True)
class DecideReturn:
    """Who approves or rejects a return, and why."""

    actor: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class SendReturn:
    """The goods are on their way back."""

    actor: str
    tracking_number: str


@dataclass(frozen=True, kw_only=True)
class ItemQuantity:
    """Units of one item of an order."""

    item_id: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class CancelRequest:
    """Who wants an order canceled, and why; only some units of it when ``items`` names them."""

    actor: str = Actor.SYSTEM
    reason: str = ""
    items: Sequence[ItemQuantity] = ()


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Which draft to make an order of.

    ``cancel`` and ``challenge_deadline`` (UTC) are what an earlier run of the same checkout knew.
    """

    order_id: str
    customer_id: str
    cancel: CancelRequest | None = None
    challenge_deadline: datetime | None = None


class Action(StrEnum):
    """What a person can decide about a parked step."""

    RETRY = "retry"
    """Try it now."""
    SKIP = "skip"
    """Go on as if it were done: somebody has done it by hand, or it does not matter."""
    CANCEL = "cancel"
    """Give up what the step is for, and undo it."""
    REFUND = "refund"
    """Give the customer the money back for it."""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Who decides about a parked step, what, and why.

    ``what`` names the step when several of a run are parked; empty for all of them.
    """

    actor: str
    reason: str = ""
    action: Action = Action.RETRY
    what: str = ""


@dataclass(frozen=True, kw_only=True)
class CaptureResult:
    """What was captured, minor units; ``canceled`` when a person gave the parcel up instead."""

    amount: int
    canceled: Resolution | None = None
