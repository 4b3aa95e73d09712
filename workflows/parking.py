"""A step that cannot go on waits where people see it, and goes on by itself or when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    RetryState,
    is_cancelled_exception,
)
from temporalio.exceptions import TimeoutError as ActivityTimeoutError

from core.domain.events import Actor
from workflows import search_attributes
from workflows.messages import Resolution
from workflows.policies import PARKED_FIRST_WAIT, PARKED_LONGEST_WAIT
from workflows.ports.parking import ParkingActivities, ParkOrder, ResumeOrder
from workflows.steps import database_step

T = TypeVar("T")


class Parkable:
    """A workflow with steps that park. Subclasses call ``until_done``."""

    def __init__(self) -> None:
        self._parked_step: str | None = None
        self._resolution: Resolution | None = None
        self._woken_by: Resolution | None = None

    @workflow.update
    async def retry(self, resolution: Resolution) -> None:
        """Try the parked step now."""
        self._resolution = resolution

    @retry.validator
    def _refuse_retry_of_nothing(self, resolution: Resolution) -> None:
        if self._parked_step is None:
            raise ApplicationError(
                f"nothing waits here for {resolution.actor}", type="invalid-state"
            )

    @workflow.query
    def get_parked_step(self) -> str | None:
        """Return what the run waits for, if it does."""
        return self._parked_step

    async def until_done(self, order_id: str, what: str, step: Callable[[], Awaitable[T]]) -> T:
        """Run ``step`` until it succeeds; between its bounded tries the order shows as parked.

        Args:
            order_id: the order that waits.
            what: what it waits for, in words.
            step: starts the activity afresh each time it is called.
        """
        since = workflow.now()
        failures = 0
        while True:
            try:
                result = await step()
            except ActivityError as error:
                if _is_canceled(error):
                    self._unmark()
                    raise asyncio.CancelledError from error
                failures += 1
                await self._park(order_id, what, since, failures, error)
                await self._wait_for_a_person(_wait_after(failures))
            else:
                if failures:
                    await self._resume(order_id, what)
                return result

    async def _park(
        self, order_id: str, what: str, since: datetime, failures: int, error: ActivityError
    ) -> None:
        words = in_words(error)
        next_attempt_at = workflow.now() + _wait_after(failures)
        workflow.set_current_details(
            f"**Waiting for {what}** since {since:%Y-%m-%d %H:%M:%S} UTC\n\n{words}\n\n"
            f"Next attempt at {next_attempt_at:%H:%M:%S} UTC; the update `retry` tries now."
        )
        if self._parked_step is None:
            workflow.upsert_search_attributes([search_attributes.WAITING_FOR.value_set(what)])
        self._parked_step = what
        await database_step(
            ParkingActivities.park_order,
            ParkOrder(
                order_id=order_id,
                what=what,
                since=since,
                attempts=failures,
                last_error=words,
                next_attempt_at=next_attempt_at,
            ),
        )

    async def _wait_for_a_person(self, longest: timedelta) -> None:
        """Each retry that a person asks for is one try; then the step waits again."""
        self._woken_by = None
        try:
            await workflow.wait_condition(lambda: self._resolution is not None, timeout=longest)
        except TimeoutError:
            return
        except asyncio.CancelledError:
            self._unmark()
            raise
        self._woken_by, self._resolution = self._resolution, None

    def _unmark(self) -> None:
        if self._parked_step is None:
            return
        self._parked_step = None
        workflow.set_current_details("")
        workflow.upsert_search_attributes([search_attributes.WAITING_FOR.value_unset()])

    async def _resume(self, order_id: str, what: str) -> None:
        resolution = self._woken_by or self._resolution
        self._woken_by = self._resolution = None
        self._unmark()
        await database_step(
            ParkingActivities.resume_order,
            ResumeOrder(
                order_id=order_id,
                what=what,
                actor=resolution.actor if resolution else Actor.SYSTEM,
                reason=resolution.reason if resolution else "it succeeded on a later attempt",
            ),
        )


def _is_canceled(error: ActivityError) -> bool:
    """Also when its last attempt failed, and it is not tried again because of the cancellation."""
    return is_cancelled_exception(error) or error.retry_state is RetryState.CANCEL_REQUESTED


def in_words(error: FailureError) -> str:
    """Say what failed, for people."""
    cause = error.cause
    if isinstance(cause, ActivityTimeoutError):
        return "no answer in time; whether it had an effect is not known"
    if isinstance(cause, ApplicationError):
        return f"{cause.message} ({cause.type})" if cause.type else cause.message
    return str(cause or error)


def _wait_after(failures: int) -> timedelta:
    return min(PARKED_FIRST_WAIT * (1 << min(failures - 1, 10)), PARKED_LONGEST_WAIT)
