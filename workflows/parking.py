"""A step that cannot go on waits where people see it, and goes on by itself or when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
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
from workflows.messages import Action, Resolution
from workflows.policies import PARKED_FIRST_WAIT, PARKED_LONGEST_WAIT
from workflows.ports.parking import ParkingActivities, ParkOrder, ResumeOrder
from workflows.steps import database_step

T = TypeVar("T")


class StepResolvedError(Exception):
    """A person decided that a parked step is not tried again; ``resolution`` says what instead."""

    def __init__(self, resolution: Resolution) -> None:
        super().__init__(resolution.action)
        self.resolution = resolution


@dataclass(kw_only=True)
class Wait:
    """A step that waits, and what a person has decided about it."""

    order_id: str
    what: str
    since: datetime
    actions: Sequence[Action]
    resolution: Resolution | None = None


class Parkable:
    """A workflow with steps that park. Subclasses call ``until_done`` and ``ask``."""

    def __init__(self) -> None:
        self._waits: dict[str, Wait] = {}

    @workflow.update
    async def retry(self, resolution: Resolution) -> None:
        """Try the parked step now; the short form of ``resolve`` for Temporal's UI."""
        self._decide(replace(resolution, action=Action.RETRY))

    @retry.validator
    def _refuse_retry_of_nothing(self, resolution: Resolution) -> None:
        self._require_possible(replace(resolution, action=Action.RETRY))

    @workflow.update
    async def resolve(self, resolution: Resolution) -> None:
        """Decide what becomes of a parked step; of two people at once the first one does."""
        self._decide(resolution)

    @resolve.validator
    def _refuse_impossible_resolution(self, resolution: Resolution) -> None:
        self._require_possible(resolution)

    def _decide(self, resolution: Resolution) -> None:
        for wait in self._waits_for(resolution):
            wait.resolution = resolution

    def _require_possible(self, resolution: Resolution) -> None:
        if not self._waits_for(resolution):
            allowed = {action for wait in self._undecided() for action in wait.actions}
            raise ApplicationError(
                f"nothing here waits for {resolution.actor} to {resolution.action} it",
                sorted(allowed),
                type="invalid-state",
            )

    def _waits_for(self, resolution: Resolution) -> list[Wait]:
        return [
            wait
            for wait in self._undecided()
            if resolution.action in wait.actions and resolution.what in {"", wait.what}
        ]

    def _undecided(self) -> list[Wait]:
        return [wait for wait in self._waits.values() if wait.resolution is None]

    @workflow.query
    def get_parked_step(self) -> str | None:
        """Return what the run waits for, if it does."""
        return next(iter(self._waits), None)

    async def until_done(
        self,
        order_id: str,
        what: str,
        step: Callable[[], Awaitable[T]],
        *,
        actions: Sequence[Action] = (Action.RETRY,),
    ) -> T:
        """Run ``step`` until it succeeds; between its bounded tries the order shows as parked.

        Args:
            order_id: the order that waits.
            what: what it waits for, in words; one name for one step of a run.
            step: starts the activity afresh each time it is called.
            actions: what a person may decide besides waiting.

        Raises:
            StepResolvedError: a person decided for something else than another try.
        """
        since = workflow.now()
        failures = 0
        woken_by: Resolution | None = None
        while True:
            try:
                result = await step()
            except ActivityError as error:
                if _is_canceled(error):
                    self._forget(what)
                    raise asyncio.CancelledError from error
                failures += 1
                wait = Wait(order_id=order_id, what=what, since=since, actions=actions)
                await self._park(wait, failures, error)
                woken_by = await self._decision(wait, _wait_after(failures))
                if woken_by is not None and woken_by.action is not Action.RETRY:
                    await self.unmark(order_id, what, woken_by)
                    raise StepResolvedError(woken_by) from error
            else:
                if failures:
                    await self.unmark(order_id, what, woken_by)
                return result

    async def ask(
        self,
        order_id: str,
        what: str,
        words: str,
        *,
        actions: Sequence[Action],
        longest: timedelta | None = None,
    ) -> Resolution | None:
        """Wait for a person's decision; None when none came in time."""
        since = workflow.now()
        deadline = since + longest if longest else None
        await self.mark(order_id, what, words, actions=actions, deadline=deadline)
        decision = await self._decision(self._waits[what], longest)
        await self.unmark(order_id, what, decision)
        return decision

    async def mark(
        self,
        order_id: str,
        what: str,
        words: str,
        *,
        actions: Sequence[Action],
        deadline: datetime | None = None,
    ) -> None:
        """Show that something is not as it should be, without waiting for anybody."""
        wait = Wait(order_id=order_id, what=what, since=workflow.now(), actions=actions)
        await self._show(wait, attempts=1, words=words, next_attempt_at=deadline)

    async def unmark(self, order_id: str, what: str, resolution: Resolution | None = None) -> None:
        """Take a mark away, and say who or what has ended it; harmless when there is none."""
        if what not in self._waits:
            return
        self._forget(what)
        await database_step(
            ParkingActivities.resume_order,
            ResumeOrder(
                order_id=order_id,
                what=what,
                actor=resolution.actor if resolution else Actor.SYSTEM,
                reason=resolution.reason if resolution else "it succeeded on a later attempt",
                action=resolution.action if resolution else Action.RETRY,
            ),
        )

    def decided(self, what: str) -> Resolution | None:
        """Return what a person has decided about a mark, if somebody has."""
        wait = self._waits.get(what)
        return wait.resolution if wait else None

    def reopen(self, what: str) -> None:
        """Forget what was decided about a mark: it could not be done."""
        if what in self._waits:
            self._waits[what].resolution = None

    async def _park(self, wait: Wait, failures: int, error: ActivityError) -> None:
        words = in_words(error)
        next_attempt_at = workflow.now() + _wait_after(failures)
        workflow.set_current_details(
            f"**Waiting for {wait.what}** since {wait.since:%Y-%m-%d %H:%M:%S} UTC\n\n{words}\n\n"
            f"Next attempt at {next_attempt_at:%H:%M:%S} UTC; the update `retry` tries now."
        )
        await self._show(wait, attempts=failures, words=words, next_attempt_at=next_attempt_at)

    async def _show(
        self, wait: Wait, *, attempts: int, words: str, next_attempt_at: datetime | None
    ) -> None:
        if not self._waits:
            attribute = search_attributes.WAITING_FOR.value_set(wait.what)
            workflow.upsert_search_attributes([attribute])
        self._waits[wait.what] = wait
        await database_step(
            ParkingActivities.park_order,
            ParkOrder(
                order_id=wait.order_id,
                what=wait.what,
                since=wait.since,
                attempts=attempts,
                last_error=words,
                next_attempt_at=next_attempt_at,
                actions=list(wait.actions),
            ),
        )

    async def _decision(self, wait: Wait, longest: timedelta | None) -> Resolution | None:
        """Each retry that a person asks for is one try; then the step waits again."""
        try:
            await workflow.wait_condition(lambda: wait.resolution is not None, timeout=longest)
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            self._forget(wait.what)
            raise
        return wait.resolution

    def _forget(self, what: str) -> None:
        if self._waits.pop(what, None) is None or self._waits:
            return
        workflow.set_current_details("")
        workflow.upsert_search_attributes([search_attributes.WAITING_FOR.value_unset()])


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
