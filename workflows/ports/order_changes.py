"""The database steps that change a confirmed order: cancel, take units off, edit, hold, release."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from core.domain.statuses import EditStatus, OrderStatus
from workflows.messages import ItemQuantity
from workflows.ports.stock import WantedItem


@dataclass(frozen=True, kw_only=True)
class RequestCancellation:
    """Cancel an order, or only ``items`` of it; ``change_id`` makes the second kind happen once."""

    order_id: str
    change_id: str
    actor: str
    reason: str
    items: Sequence[ItemQuantity] = ()


@dataclass(frozen=True, kw_only=True)
class ChangedOrder:
    """An order after a change.

    ``whole`` when all of it is being canceled: then its money, its stock and the rest follow.
    ``parcels`` are the shipments whose workflows have to look again. ``refund_id`` is a refund that
    the change has asked for.
    """

    order_status: OrderStatus
    whole: bool = False
    parcels: Sequence[str] = ()
    refund_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class EditOrder:
    """The quantity that the order shall have of some SKUs; 0 takes all of it off."""

    order_id: str
    edit_id: str
    actor: str
    reason: str
    changes: Sequence[WantedItem]


@dataclass(frozen=True, kw_only=True)
class PreparedEdit:
    """An edit whose added units are held; ``missing_amount`` is to be authorized first.

    Minor units of the order's currency. ``status`` is not pending when an earlier run has ended it.
    """

    status: EditStatus
    missing_amount: int


@dataclass(frozen=True, kw_only=True)
class ApplyEdit:
    """``payment_id`` is the payment of the difference, if there was one to authorize."""

    order_id: str
    edit_id: str
    payment_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefuseEdit:
    """The difference was declined, or the goods have left meanwhile; ``why`` in words."""

    order_id: str
    edit_id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class DecideReview:
    """Hold an order for review, or let it go on: who, and why."""

    order_id: str
    actor: str
    reason: str


class OrderChangeActivities(ABC):
    """Local activities: one transaction each under the order's row lock, and no effect twice.

    A change that the order's state does not allow is the error ``invalid-state``.
    """

    @activity.defn
    @abstractmethod
    async def request_cancellation(self, step: RequestCancellation) -> ChangedOrder:
        """Cancel every parcel, or take units off the order; refused once dispatch has begun."""

    @activity.defn
    @abstractmethod
    async def prepare_edit(self, step: EditOrder) -> PreparedEdit:
        """Price an edit and hold the units that it adds."""

    @activity.defn
    @abstractmethod
    async def apply_edit(self, step: ApplyEdit) -> ChangedOrder:
        """Change items, parcels and amounts."""

    @activity.defn
    @abstractmethod
    async def refuse_edit(self, step: RefuseEdit) -> OrderStatus:
        """Let go of the units that an edit held, and say why."""


class ReviewActivities(ABC):
    """Local activities, as above."""

    @activity.defn
    @abstractmethod
    async def hold_order(self, step: DecideReview) -> ChangedOrder:
        """Let no parcel of the order leave until it is released."""

    @activity.defn
    @abstractmethod
    async def release_order(self, step: DecideReview) -> ChangedOrder:
        """Let the order go on."""
