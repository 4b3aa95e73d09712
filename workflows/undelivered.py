"""A parcel that was lost or came back: sent again, refunded, or left as it is."""

from __future__ import annotations

from temporalio import workflow

from core.domain.statuses import ShipmentStatus
from workflows.messages import Action, Resolution
from workflows.ports.shipments import (
    CarrierActivities,
    PlannedShipment,
    RecordEvent,
    ShipmentActivities,
    ShipmentState,
)
from workflows.steps import carrier_call, database_step
from workflows.vendor_parcel import VendorParcel

LOST = "lost"

TRACKING = "tracking"
"""What a parcel waits for whose carrier does not say where it is."""


class UndeliveredParcel(VendorParcel):
    """What becomes of a parcel that does not arrive is a person's decision."""

    def __init__(self, shipment: PlannedShipment) -> None:
        super().__init__(shipment)
        self._news = self._progress.has_news

    @property
    def _arrived(self) -> bool:
        return self._now.status is ShipmentStatus.DELIVERED

    @property
    def _stranded(self) -> bool:
        """Nobody expects it to arrive any more."""
        return self._now.status is ShipmentStatus.RETURNED or self._now.failure == LOST

    def _has_come_to_rest(self) -> bool:
        return self._arrived or self._stranded

    async def _make_good(self) -> None:
        """Ask until it is decided; a lost parcel that turns up meanwhile needs no decision."""
        kind = "lost" if self._now.failure == LOST else "returned"
        what = f"{kind} parcel {self._shipment.number}"
        words = f"parcel {self._shipment.number} is {kind}"
        while not (self._arrived or self._now.made_good):
            await self._fresh_run_if_long()
            decision = await self._decision_about(what, words)
            if decision is None:
                continue
            await self.unmark(self._shipment.order_id, what, decision)
            if decision.action is Action.SKIP:
                return
            if not await self._decided_to(decision):
                words = f"no warehouse has the goods of parcel {self._shipment.number}"
        await self.unmark(self._shipment.order_id, what)

    async def _decision_about(self, what: str, words: str) -> Resolution | None:
        """Wait for a person, or for news of the parcel (None)."""
        if what not in self._waits:
            await self.mark(
                self._shipment.order_id,
                what,
                words,
                actions=[Action.RETRY, Action.REFUND, Action.SKIP],
            )
        await workflow.wait_condition(
            lambda: self.decided(what) is not None or self._news or self._arrived
        )
        decision = self.decided(what)
        if decision is None:
            await self._look_after_news()
        return decision

    async def _look_after_news(self) -> None:
        if self._news:
            self._news = False
            await self._track()

    async def _track(self) -> None:
        """Ask the carrier, unless a person has meanwhile told where the parcel is."""
        known = self._now

        async def ask_carrier() -> ShipmentState:
            if self._now is not known and self._has_come_to_rest():
                return self._now
            return await carrier_call(CarrierActivities.track_shipment, self._ref)

        self._state = await self.until_done(self._shipment.order_id, TRACKING, ask_carrier)
        self._show_state()

    async def _decided_to(self, decision: Resolution) -> bool:
        """Replace or refund; False when there is nothing to replace it with."""
        step = self._step(decision)
        if decision.action is Action.REFUND:
            self._state = await database_step(ShipmentActivities.refund_shipment, step)
            await self._start_refund(self._state.refund_id)
            return True
        replacement = await database_step(ShipmentActivities.replace_shipment, step)
        for parcel in replacement.shipments:
            await self._start_parcel(parcel)
        await self._look()
        return bool(replacement.shipments)

    @workflow.signal
    def shipment_status_changed(self) -> None:
        """The carrier has news of the parcel: ask it."""
        self._news = True

    @workflow.update
    async def record_event(self, step: RecordEvent) -> ShipmentState:
        """A person tells where the parcel is."""
        state = await self._ask_database(ShipmentActivities.record_event, step)
        self.wake(TRACKING, f"{step.actor} told where the parcel is")
        for order_id in state.served:
            await self._tell_order("shipments_planned", order_id=order_id)
        return state
