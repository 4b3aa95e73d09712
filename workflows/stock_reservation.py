"""A hold: units kept until a deadline, unless a checkout consumes them first."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from core.domain.statuses import HoldStatus
from workflows.messages import HoldRequest
from workflows.ports.stock import EndHold, PlacedHold, PlaceHold, StockActivities
from workflows.saga import shielded
from workflows.steps import database_step


@workflow.defn
class StockReservationWorkflow:
    """Hold, wait, give back."""

    @workflow.init
    def __init__(self, hold: HoldRequest) -> None:
        self._hold = hold
        self._placed: PlacedHold | None = None
        self._ended: HoldStatus | None = None
        self._release_asked = False
        self._consumed = False

    @workflow.run
    async def run(self, _hold: HoldRequest) -> HoldStatus:
        status = await shielded(self._hold_until_the_end())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return status

    async def _hold_until_the_end(self) -> HoldStatus:
        expires_at = workflow.now() + timedelta(seconds=self._hold.ttl_seconds)
        placed = await database_step(
            StockActivities.place_hold,
            PlaceHold(
                hold_id=self._hold.hold_id,
                owner_id=self._hold.owner_id,
                items=self._hold.items,
                expires_at=expires_at,
            ),
            summary="Reserve every unit, or none",
        )
        self._placed = placed
        if placed.status is HoldStatus.ACTIVE:
            wanted = await self._wait_for_the_end(expires_at - workflow.now())
            self._ended = await database_step(
                StockActivities.end_hold,
                EndHold(hold_id=self._hold.hold_id, status=wanted),
                summary=f"Hold {wanted}",
            )
        else:
            self._ended = placed.status
        return self._ended

    async def _wait_for_the_end(self, longest: timedelta) -> HoldStatus:
        try:
            await workflow.wait_condition(
                lambda: self._release_asked or self._consumed,
                timeout=max(longest, timedelta(0)),
                timeout_summary="hold deadline",
            )
        except TimeoutError:
            return HoldStatus.EXPIRED
        return HoldStatus.RELEASED

    @workflow.update
    async def place(self) -> PlacedHold:
        """Return whether every unit is held."""
        await workflow.wait_condition(lambda: self._placed is not None)
        assert self._placed is not None  # noqa: S101  # tells the type checker
        return self._placed

    @workflow.update
    async def release(self) -> HoldStatus:
        """Give the units back now; returns how the hold ended."""
        self._release_asked = True
        await workflow.wait_condition(lambda: self._ended is not None)
        assert self._ended is not None  # noqa: S101  # tells the type checker
        return self._ended

    @release.validator
    def _refuse_release_when_over(self) -> None:
        if self._ended is not None:
            raise ApplicationError(f"the hold is {self._ended}", type="invalid-state")

    @workflow.signal
    def hold_consumed(self) -> None:
        """A checkout has taken the units over."""
        self._consumed = True
