"""A parcel that its vendor moves by hand: accept, pack, hand over, each by a deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from core.domain.events import Actor
from core.domain.statuses import ShipmentStatus
from workflows.messages import Action, Resolution
from workflows.parcel import NOT_GONE, Parcel
from workflows.policies import CAPTURE_MARGIN
from workflows.ports.shipments import (
    EscalateShipment,
    PlannedShipment,
    ReallocateShipment,
    ShipmentActivities,
    ShipmentState,
    ShipmentStep,
    SplitShipment,
)
from workflows.steps import database_step


class VendorMove(StrEnum):
    """What a vendor does with a parcel."""

    ACCEPT = "accept"
    REJECT = "reject"
    PACK = "pack"
    HAND_OVER = "hand_over"


_STAFF = "staff:"
_WORDS = {
    VendorMove.ACCEPT: "accept",
    VendorMove.PACK: "pack",
    VendorMove.HAND_OVER: "hand over",
}


@dataclass(kw_only=True)
class _Asked:
    """What was asked for and is not done yet."""

    rejected: Resolution | None = None
    """By its vendor, or by staff on the vendor's behalf."""
    packed: bool = False
    handed_over: bool = False


class VendorParcel(Parcel):
    """The vendor's updates, and the waits for them."""

    def __init__(self, shipment: PlannedShipment) -> None:
        super().__init__(shipment)
        self._manual = False
        self._asked = _Asked(
            rejected=self._progress.rejected,
            packed=self._progress.packed,
            handed_over=self._progress.handed_over,
        )
        self._move_before = self._progress.move_before

    async def _vendor_packs(self) -> None:
        """Wait until the vendor has accepted and packed, or the parcel is canceled."""
        accept = timedelta(seconds=self._shipment.accept_within_seconds)
        pack = timedelta(seconds=self._shipment.pack_within_seconds)
        if not self._now.accepted:
            await self._wait_for_vendor(VendorMove.ACCEPT, accept, lambda: self._now.accepted)
        if self._now.status is ShipmentStatus.PLANNED:
            await self._wait_for_vendor(VendorMove.PACK, pack, lambda: self._asked.packed)

    async def _vendor_hands_over(self) -> None:
        within = timedelta(seconds=self._shipment.hand_over_within_seconds)
        await self._wait_for_vendor(VendorMove.HAND_OVER, within, lambda: self._asked.handed_over)

    async def _wait_for_vendor(
        self, move: VendorMove, within: timedelta, done: Callable[[], bool]
    ) -> None:
        what = f"vendor to {_WORDS[move]} parcel {self._shipment.number}"
        if what not in self._waits and self._move_before is None:
            self._move_before = workflow.now() + self._in_time(within)
        while not (done() or self._canceled or self._called_back):
            await self._fresh_run_if_long()
            in_time = await self._until(
                lambda: (
                    done()
                    or self._canceled
                    or self._asked.rejected is not None
                    or self.decided(what) is not None
                ),
                self._time_left(),
            )
            decision = self._asked.rejected or self.decided(what)
            if not in_time:
                await self._escalate(move, what)
                self._move_before = None
            elif decision is not None and not (done() or self._canceled):
                await self.unmark(self._shipment.order_id, what, decision)
                self._move_before = workflow.now() + within
                if self._asked.rejected or decision.action is Action.CANCEL:
                    await self._give_away(decision)
        self._move_before = None
        vendor = Resolution(actor=Actor.SYSTEM, reason="the vendor has moved, or need not")
        await self.unmark(self._shipment.order_id, what, vendor)

    def _time_left(self) -> timedelta | None:
        if self._move_before is None:
            return None
        return max(self._move_before - workflow.now(), timedelta(0))

    async def _give_away(self, decision: Resolution) -> None:
        """What the carrier knows of is called back; what it does not is sent from elsewhere."""
        if self._now.status is ShipmentStatus.PACKED:
            self._called_back = decision
        else:
            self._asked.rejected = decision
            await self._send_from_elsewhere(decision)

    def _in_time(self, within: timedelta) -> timedelta:
        """A person hears of a late parcel before the authorization of its payment lapses."""
        capture_before = self._shipment.capture_before
        if capture_before is None:
            return within
        left = capture_before - CAPTURE_MARGIN - workflow.now()
        return max(min(within, left), timedelta(seconds=1))

    async def _escalate(self, move: VendorMove, what: str) -> None:
        await database_step(
            ShipmentActivities.escalate_shipment,
            EscalateShipment(
                order_id=self._ref.order_id,
                shipment_id=self._ref.shipment_id,
                step=_WORDS[move],
            ),
        )
        await self.mark(
            self._shipment.order_id,
            what,
            f"the vendor did not {_WORDS[move]} parcel {self._shipment.number} in time",
            actions=[Action.RETRY, Action.CANCEL],
        )

    @workflow.update
    async def accept(self, step: ShipmentStep) -> ShipmentState:
        """The vendor will send it."""
        await self._require_known_move(VendorMove.ACCEPT, step.actor)
        return await self._ask_database(ShipmentActivities.accept_shipment, step)

    @accept.validator
    def _refuse_accept(self, step: ShipmentStep) -> None:
        self._require_move(VendorMove.ACCEPT, step.actor)

    @workflow.update
    async def reject(self, step: ShipmentStep) -> ShipmentState:
        """The vendor will not send it: other warehouses are looked for."""
        await self._require_known_move(VendorMove.REJECT, step.actor)
        state = await self._ask_database(ShipmentActivities.reject_shipment, step)
        self._asked.rejected = Resolution(
            actor=step.actor, action=Action.CANCEL, reason=step.reason
        )
        return state

    @reject.validator
    def _refuse_reject(self, step: ShipmentStep) -> None:
        self._require_move(VendorMove.REJECT, step.actor)

    @workflow.update
    async def pack(self, step: SplitShipment) -> ShipmentState:
        """The vendor has packed it, or a part of it; returns when the carrier is booked."""
        await self._require_known_move(VendorMove.PACK, step.actor)
        state = await self._ask_database(ShipmentActivities.split_shipment, step)
        if step.items:
            await self._tell_order("shipments_planned")
        for parcel in state.beside:
            await self._start_parcel(parcel)
        self._asked.packed = True
        await workflow.wait_condition(
            lambda: self._now.status is not ShipmentStatus.PLANNED or self.leaving
        )
        return self._now

    @pack.validator
    def _refuse_pack(self, step: SplitShipment) -> None:
        self._require_move(VendorMove.PACK, step.actor)

    @workflow.update
    async def hand_over(self, step: ShipmentStep) -> ShipmentState:
        """The carrier may have it; returns when it is paid for and gone."""
        await self._require_known_move(VendorMove.HAND_OVER, step.actor)
        self._asked.handed_over = True
        if step.actor.startswith(_STAFF):
            await database_step(ShipmentActivities.note_hand_over, step)
        await workflow.wait_condition(lambda: self._now.status not in NOT_GONE or self.leaving)
        return self._now

    @hand_over.validator
    def _refuse_hand_over(self, step: ShipmentStep) -> None:
        self._require_move(VendorMove.HAND_OVER, step.actor)

    @workflow.update
    async def reallocate(self, step: ReallocateShipment) -> ShipmentState:
        """Staff have it sent from elsewhere; it stays as it is when the goods are not there."""
        state = await self._ask_database(ShipmentActivities.reallocate_shipment, step)
        if state.status is not ShipmentStatus.CANCELED:
            raise ApplicationError("no other warehouse has the goods", type="invalid-state")
        await self._tell_order("shipments_planned")
        return state

    async def _require_known_move(self, move: VendorMove, actor: str) -> None:
        """What comes before a run has looked at its parcel waits for that."""
        await workflow.wait_condition(lambda: self._state is not None)
        self._require_move(move, actor)

    def _require_move(self, move: VendorMove, actor: str) -> None:
        if self._state is None:
            return
        allowed = self._possible_moves()
        if move not in allowed:
            raise ApplicationError(
                f"{actor} cannot {move} the parcel now",
                {"state": str(self._state.status), "allowed": [str(one) for one in allowed]},
                type="invalid-state",
            )

    def _possible_moves(self) -> list[VendorMove]:
        given_away = self._asked.rejected or self._called_back
        if self._state is None or not self._manual or given_away:
            return []
        if self._state.status is ShipmentStatus.PLANNED and not self._asked.packed:
            first = VendorMove.PACK if self._state.accepted else VendorMove.ACCEPT
            return [first, VendorMove.REJECT]
        if self._state.status is ShipmentStatus.PACKED and not self._asked.handed_over:
            return [VendorMove.HAND_OVER]
        return []
