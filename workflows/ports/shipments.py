"""The steps of one parcel: those in the database, and the calls to its carrier."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from core.domain.statuses import OrderStatus, ShipmentStatus
from workflows.messages import Resolution

_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class ParcelProgress:
    """How far a parcel has come that goes on in a new run, after its history has grown long.

    Only what the database does not tell: what was asked for and is not done yet, and the moments of
    its timers (UTC).
    """

    rejected: Resolution | None = None
    called_back: Resolution | None = None
    packed: bool = False
    handed_over: bool = False
    move_before: datetime | None = None
    deliver_before: datetime | None = None
    has_news: bool = False


@dataclass(frozen=True, kw_only=True)
class PlannedShipment:
    """One parcel: a vendor's goods from one warehouse. ``capture_amount`` in minor units."""

    shipment_id: str
    order_id: str
    vendor_id: str
    number: int
    final: bool
    """The only one of its order, so that its capture is the last. The shares of several add up to
    the whole, in whatever order they are captured."""
    payment_id: str
    capture_amount: int
    capture_before: datetime | None
    delivery_deadline_seconds: int
    status: ShipmentStatus = ShipmentStatus.PLANNED
    accept_within_seconds: int = _DAY
    pack_within_seconds: int = 2 * _DAY
    hand_over_within_seconds: int = 2 * _DAY
    """How long a vendor who moves parcels by hand may take for each step."""
    progress: ParcelProgress | None = None


@dataclass(frozen=True, kw_only=True)
class ShipmentRef:
    order_id: str
    shipment_id: str


@dataclass(frozen=True, kw_only=True)
class ShipmentState:
    """A shipment after a step; ``order_status`` is what it made of its order."""

    shipment_id: str
    status: ShipmentStatus
    order_status: OrderStatus
    tracking_number: str | None = None
    manual: bool = False
    """Its vendor accepts, packs and hands over; told by ``look_at_shipment`` only."""
    accepted: bool = False
    booked: bool = False
    """The carrier knows of it."""
    dispatching: bool = False
    """Its capture and its hand-over have begun."""
    held: bool = False
    """Its order waits for a review, or for its cancellation."""
    capture_amount: int = 0
    """Its share of the order's total now, minor units."""
    failure: str | None = None
    """Why it did not arrive."""
    made_good: bool = False
    """It did not arrive, and was replaced or refunded: its order goes on without it."""
    unreleased_amount: int = 0
    """What the order's payments have authorized and not captured, minor units."""
    refund_id: str | None = None
    """The refund that the step wrote: ``RefundWorkflow`` carries it out."""
    beside: Sequence[PlannedShipment] = ()
    """Further parcels of one exchange or replacement: whoever splits it starts them."""
    served: Sequence[str] = ()
    """Orders that waited for what the step put on the shelf, and got it: they are told."""


@dataclass(frozen=True, kw_only=True)
class ShipmentStep:
    """Who does something with a parcel, and why."""

    order_id: str
    shipment_id: str
    actor: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class PackedItem:
    """Units of one item that are in the parcel."""

    item_id: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class SplitShipment:
    """What was packed; the rest of the parcel goes into a new one. Nothing named: all of it."""

    order_id: str
    shipment_id: str
    actor: str
    items: Sequence[PackedItem] = ()


@dataclass(frozen=True, kw_only=True)
class EscalateShipment:
    """The vendor is late; ``step`` is what was to be done."""

    order_id: str
    shipment_id: str
    step: str


@dataclass(frozen=True, kw_only=True)
class ReallocateShipment:
    """Send a parcel's goods from elsewhere: from ``warehouse_id``, or wherever they are."""

    order_id: str
    shipment_id: str
    actor: str
    reason: str
    warehouse_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordEvent:
    """News of a parcel from somebody who is not the carrier's API.

    ``status`` is one of the carrier's words. ``sellable`` says of a parcel that came back whether
    its goods can be sold again; None when nobody has looked.
    """

    order_id: str
    shipment_id: str
    event_id: str
    status: str
    actor: str
    occurred_at: datetime
    description: str = ""
    location: str | None = None
    sellable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """The parcels that make another one good; none when the goods are nowhere."""

    shipments: Sequence[PlannedShipment]


class ShipmentActivities(ABC):
    """Local activities: one transaction each under the order's lock, a no-op when done before."""

    @activity.defn
    @abstractmethod
    async def look_at_shipment(self, step: ShipmentRef) -> ShipmentState:
        """Return how the parcel stands."""

    @activity.defn
    @abstractmethod
    async def begin_dispatch(self, step: ShipmentRef) -> ShipmentState:
        """Claim the parcel for its capture and hand-over, unless it is canceled or held."""

    @activity.defn
    @abstractmethod
    async def accept_shipment(self, step: ShipmentStep) -> ShipmentState:
        """Its vendor promises to send it."""

    @activity.defn
    @abstractmethod
    async def reject_shipment(self, step: ShipmentStep) -> ShipmentState:
        """Its vendor will not send it: tell so in the timeline."""

    @activity.defn
    @abstractmethod
    async def split_shipment(self, step: SplitShipment) -> ShipmentState:
        """Leave in the parcel what was packed; plan a new parcel for the rest."""

    @activity.defn
    @abstractmethod
    async def note_hand_over(self, step: ShipmentStep) -> None:
        """Write down which member of staff hands it over in its vendor's place."""

    @activity.defn
    @abstractmethod
    async def escalate_shipment(self, step: EscalateShipment) -> None:
        """Tell in the timeline that the vendor is late."""

    @activity.defn
    @abstractmethod
    async def reallocate_shipment(self, step: ReallocateShipment) -> ShipmentState:
        """Cancel the parcel and plan its goods from elsewhere; it stays when they are nowhere."""

    @activity.defn
    @abstractmethod
    async def cancel_shipment(self, step: ShipmentStep) -> ShipmentState:
        """Take the parcel off its order, with what was taken for it to be given back."""

    @activity.defn
    @abstractmethod
    async def record_event(self, step: RecordEvent) -> ShipmentState:
        """Write what a person knows of the parcel; goods that came back can be restocked."""

    @activity.defn
    @abstractmethod
    async def replace_shipment(self, step: ShipmentStep) -> Replacement:
        """Plan the same goods once more, for nothing."""

    @activity.defn
    @abstractmethod
    async def refund_shipment(self, step: ShipmentStep) -> ShipmentState:
        """Ask for the money back for what did not arrive."""


class CarrierActivities(ABC):
    """Regular activities: they call the carrier, then record what it said."""

    @activity.defn
    @abstractmethod
    async def book_shipment(self, step: ShipmentRef) -> ShipmentState:
        """Book the carrier and keep tracking number and label: the shipment is packed."""

    @activity.defn
    @abstractmethod
    async def cancel_booking(self, step: ShipmentRef) -> ShipmentState:
        """Cancel what was booked; a parcel that has left meanwhile is recorded as it is."""

    @activity.defn
    @abstractmethod
    async def hand_over_shipment(self, step: ShipmentRef) -> ShipmentState:
        """Give the parcel to the carrier; its units leave the stock."""

    @activity.defn
    @abstractmethod
    async def track_shipment(self, step: ShipmentRef) -> ShipmentState:
        """Fetch the carrier's present state and record what is new."""
