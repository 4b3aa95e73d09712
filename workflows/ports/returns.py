"""The database steps of a return; amounts in minor units of its order's currency."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from core.domain.returns import WhenUndecided
from core.domain.statuses import ReturnStatus
from workflows.ports.shipments import PlannedShipment


@dataclass(frozen=True, kw_only=True)
class ReturnState:
    """A return after a step, and what is still owed for it.

    ``to_authorize`` is what its exchange costs more than what came back; ``refund_id`` is the
    refund that pays for it; ``shipments`` are the parcels that go out in exchange.
    """

    status: ReturnStatus
    deadline_at: datetime | None = None
    refund_id: str | None = None
    to_authorize: int = 0
    shipments: Sequence[PlannedShipment] = ()
    served: Sequence[str] = ()
    """Orders that waited for what was restocked, told by the step that restocked it."""


@dataclass(frozen=True, kw_only=True)
class OpenReturn:
    """``at`` is the workflow's time: deadlines count from it."""

    order_id: str
    return_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ReturnTerms:
    """How the return stands, and how patient to be; all times in seconds.

    Staff is asked after ``decision_seconds``; ``undecided_seconds`` later ``when_undecided`` says
    what happens. The parcel is sent within ``sending_seconds`` of the approval, or the return
    expires; ``transit_seconds`` after it was sent staff looks for it.
    """

    state: ReturnState
    decision_seconds: int
    undecided_seconds: int
    when_undecided: WhenUndecided
    sending_seconds: int
    transit_seconds: int


@dataclass(frozen=True, kw_only=True)
class MoveReturn:
    """Where the return goes, by whom and why; ``deadline_at`` is that of the new state."""

    order_id: str
    return_id: str
    status: ReturnStatus
    actor: str
    reason: str = ""
    tracking_number: str | None = None
    deadline_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ReceivedItem:
    """What came of one item, and how it was found."""

    item_id: str
    sellable: int = 0
    damaged: int = 0


@dataclass(frozen=True, kw_only=True)
class ReceiveReturn:
    """What came back; with ``refusal`` it is looked at, and not paid for that reason.

    Without ``warehouse_id`` it came back to where it was sent from.
    """

    order_id: str
    return_id: str
    items: Sequence[ReceivedItem]
    actor: str
    warehouse_id: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReturnRef:
    order_id: str
    return_id: str


@dataclass(frozen=True, kw_only=True)
class DropExchange:
    """No exchange after all, and why; its goods are released and the whole credit is refunded."""

    order_id: str
    return_id: str
    reason: str


class ReturnActivities(ABC):
    """Local activities: one transaction each, a no-op when the state is already there."""

    @activity.defn
    @abstractmethod
    async def open_return(self, step: OpenReturn) -> ReturnTerms:
        """Give the request its deadline, or approve it at once when the policy says so."""

    @activity.defn
    @abstractmethod
    async def move_return(self, step: MoveReturn) -> ReturnState:
        """Change the state if it has the move; tell the state that it has then."""

    @activity.defn
    @abstractmethod
    async def receive_return(self, step: ReceiveReturn) -> ReturnState:
        """Take the goods in, sell or write them off, and write down what is owed for them."""

    @activity.defn
    @abstractmethod
    async def drop_exchange(self, step: DropExchange) -> ReturnState:
        """Give the exchange up before it is sent, and request the refund instead."""

    @activity.defn
    @abstractmethod
    async def close_return(self, step: ReturnRef) -> ReturnState:
        """Everything that was owed is paid."""
