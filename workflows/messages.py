"""Messages that workflows send each other, and that others send to several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.events import Actor
from core.domain.statuses import OrderStatus
from workflows.ports.payments import CapturePayment
from workflows.ports.stock import WantedItem


class Child(StrEnum):
    """Workflows that others start, by name: a parent does not load its children's code."""

    FULFILLMENT = "FulfillmentWorkflow"
    SHIPMENT = "ShipmentWorkflow"
    PAYMENT_CAPTURE = "PaymentCaptureWorkflow"
    REFUND = "RefundWorkflow"
    RETURN = "ReturnWorkflow"


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
class Fulfillment:
    """Input of the fulfilment: a confirmed order, and how long it can still be canceled.

    Shipping begins after ``handling_seconds``, or in time before ``capture_before`` (UTC), when the
    provider lets the authorization lapse.
    """

    order_id: str
    handling_seconds: int = 0
    capture_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentCapture:
    """What to capture; the provider lets the authorization lapse at ``capture_before`` (UTC)."""

    step: CapturePayment
    capture_before: datetime | None


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """Which refund to carry out; its row tells how much from which payments."""

    order_id: str
    refund_id: str


@dataclass(frozen=True, kw_only=True)
class ReturnRequest:
    """Which return to follow; its rows tell what comes back and why."""

    order_id: str
    return_id: str


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
