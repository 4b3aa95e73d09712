"""A step that cannot go on waits where people see it, and goes on by itself or when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

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
from workflows.policies import DRAIN_BEFORE_FRESH_RUN, PARKED_FIRST_WAIT, PARKED_LONGEST_WAIT
from workflows.ports.parking import ParkingActivities, ParkOrder, ResolveStep, ResumeOrder
from workflows.saga import shielded
from workflows.steps import database_step

T = TypeVar("T")

_CARRIED_WAITS = "perdure_waits"
"""The memo in which a run leaves its waits to the one that follows it."""


class StepResolvedError(Exception):
    """A person decided that a parked step is not tried again; ``resolution`` says what instead."""

    def __init__(self, resolution: Resolution) -> None:
        super().__init__(resolution.action)
        self.resolution = resolution


@dataclass(kw_only=True)
class Wait:
    """A step that waits, and what a person has decided about it.

    ``claimed`` from the moment in which a person decides, ``resolution`` once that is written down.
    """

    order_id: str
    what: str
    since: datetime
    actions: Sequence[Action]
    attempts: int = 0
    claimed: bool = False
    resolution: Resolution | None = None
    woken_by: Resolution | None = None
    """Who asked for the attempt that is under way."""


class Parkable:
    """A workflow with steps that park. Subclasses call ``until_done`` and ``ask``.

    A step that is parked for weeks makes a long history: a subclass that overrides ``fresh_run``
    goes on in a fresh run of the same id when Temporal suggests it, and its waits go with it.
    """

    def __init__(self) -> None:
        carried: list[Wait] = workflow.memo_value(_CARRIED_WAITS, [], type_hint=list[Wait])
        self._waits: dict[str, Wait] = {wait.what: wait for wait in carried}
        self.leaving = False
        """A fresh run is to follow: handlers that wait for long come to an end."""

    def fresh_run(self) -> Sequence[Any] | None:
        """Return the arguments with which a fresh run goes on from here, or None to stay.

        The caller of ``until_done`` must be what ``run`` waits for: nothing else ends the run.
        """
        return None

    @workflow.update
    async def retry(self, resolution: Resolution) -> None:
        """Try the parked step now; the short form of ``resolve`` for Temporal's UI."""
        await self._decide(replace(resolution, action=Action.RETRY))

    @retry.validator
    def _refuse_retry_of_nothing(self, resolution: Resolution) -> None:
        self._require_possible(replace(resolution, action=Action.RETRY))

    @workflow.update
    async def resolve(self, resolution: Resolution) -> None:
        """Decide what becomes of a parked step; of two people at once the first one does.

        Returns when the decision is in the timeline and in the audit log.
        """
        await self._decide(resolution)

    @resolve.validator
    def _refuse_impossible_resolution(self, resolution: Resolution) -> None:
        self._require_possible(resolution)

    async def _decide(self, resolution: Resolution) -> None:
        update = workflow.current_update_info()
        update_id = update.id if update else ""
        waits = self._waits_for(resolution)
        for wait in waits:
            wait.claimed = True
        for wait in waits:
            await database_step(
                ParkingActivities.resolve_step,
                ResolveStep(
                    order_id=wait.order_id,
                    what=wait.what,
                    update_id=update_id,
                    action=resolution.action,
                    actor=resolution.actor,
                    reason=resolution.reason,
                ),
            )
            wait.resolution = resolution

    def _require_possible(self, resolution: Resolution) -> None:
        if not self._waits_for(resolution):
            allowed = {action for wait in self._undecided() for action in wait.actions}
            raise ApplicationError(
                f"nothing here waits for {resolution.actor} to {resolution.action} it",
                {"state": ", ".join(self._waits) or "nothing waits", "allowed": sorted(allowed)},
                type="invalid-state",
            )

    def _waits_for(self, resolution: Resolution) -> list[Wait]:
        return [
            wait
            for wait in self._undecided()
            if resolution.action in wait.actions and resolution.what in {"", wait.what}
        ]

    def _undecided(self) -> list[Wait]:
        return [wait for wait in self._waits.values() if not wait.claimed]

    @workflow.query
    def get_parked_step(self) -> str | None:
        """Return what the run waits for, if it does."""
        return next(iter(self._waits), None)

    @workflow.query
    def get_parked_steps(self) -> list[str]:
        """Return everything that the run waits for."""
        return list(self._waits)

    async def until_done(
        self,
        order_id: str,
        what: str,
        step: Callable[[], Awaitable[T]],
        *,
        actions: Sequence[Action] = (Action.RETRY,),
    ) -> T:
        """Run ``step`` until it succeeds; between its bounded tries the order shows as parked.

        A decision that comes while the step is tried counts when that try fails.

        Args:
            order_id: the order that waits.
            what: what it waits for, in words; one name for one step of a run.
            step: starts the activity afresh each time it is called.
            actions: what a person may decide besides waiting.

        Raises:
            StepResolvedError: a person decided for something else than another try.
        """
        wait = self._waits.get(what) or Wait(
            order_id=order_id, what=what, since=workflow.now(), actions=actions
        )
        while True:
            await self._obey(wait)
            try:
                result = await step()
            except ActivityError as error:
                if _is_canceled(error):
                    await self._give_up(wait)
                    raise asyncio.CancelledError from error
                if wait.woken_by is not None:
                    wait.woken_by, wait.claimed = None, False
                wait.attempts += 1
                if not wait.claimed:
                    await self._park(wait, error)
                    await self._decision(wait, _wait_after(wait.attempts))
                await self._obey(wait)
                await self._fresh_run_if_long()
            else:
                await self.unmark(order_id, what, wait.woken_by)
                return result

    async def _obey(self, wait: Wait) -> None:
        """Do what a person has decided: another try, or an end of the step."""
        if not wait.claimed or wait.woken_by is not None:
            return
        await self._decision(wait, None)
        resolution = wait.resolution
        if resolution is not None and resolution.action is not Action.RETRY:
            self._forget(wait.what)
            raise StepResolvedError(resolution)
        # Claimed until that try has ended: who comes second is told so, not ignored.
        wait.woken_by, wait.resolution = resolution, None

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
        deadline = workflow.now() + longest if longest else None
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
        known = self._waits.get(what)
        since = known.since if known else workflow.now()
        wait = Wait(order_id=order_id, what=what, since=since, actions=actions, attempts=1)
        await self._show(wait, words=words, next_attempt_at=deadline)

    async def unmark(self, order_id: str, what: str, resolution: Resolution | None = None) -> None:
        """Take a mark away, and say who or what has ended it; harmless when there is none."""
        wait = self._waits.get(what)
        if wait is None:
            return
        self._forget(what)
        if wait.resolution is not None and wait.resolution.action is not Action.RETRY:
            return  # the decision has taken it away
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

    def wake(self, what: str, reason: str) -> None:
        """Try a parked step now since something has changed; harmless when it is not parked."""
        wait = self._waits.get(what)
        if wait is not None and not wait.claimed:
            wait.claimed = True
            wait.resolution = Resolution(actor=Actor.SYSTEM, reason=reason)

    def decided(self, what: str) -> Resolution | None:
        """Return what a person has decided about a mark, if somebody has."""
        wait = self._waits.get(what)
        return wait.resolution if wait else None

    async def _park(self, wait: Wait, error: ActivityError) -> None:
        words = in_words(error)
        next_attempt_at = workflow.now() + _wait_after(wait.attempts)
        ways = ", ".join(f"`{action}`" for action in wait.actions)
        workflow.set_current_details(
            f"**Waiting for {wait.what}** since {wait.since:%Y-%m-%d %H:%M:%S} UTC\n\n{words}\n\n"
            f"Next attempt at {next_attempt_at:%H:%M:%S} UTC; the update `resolve` takes {ways}, "
            f"and `retry` tries now."
        )
        await self._show(wait, words=words, next_attempt_at=next_attempt_at)

    async def _show(self, wait: Wait, *, words: str, next_attempt_at: datetime | None) -> None:
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
                attempts=wait.attempts,
                last_error=words,
                next_attempt_at=next_attempt_at,
                actions=list(wait.actions),
            ),
        )

    async def _decision(self, wait: Wait, longest: timedelta | None) -> Resolution | None:
        """Wait for a decision; one that is just being written down is waited for to the end."""
        try:
            try:
                await workflow.wait_condition(lambda: wait.claimed, timeout=longest)
            except TimeoutError:
                return None
            await workflow.wait_condition(lambda: wait.resolution is not None)
        except asyncio.CancelledError:
            await self._give_up(wait)
            raise
        return wait.resolution

    async def _give_up(self, wait: Wait) -> None:
        gone = Resolution(actor=Actor.SYSTEM, reason="it is not needed any more")
        await shielded(self.unmark(wait.order_id, wait.what, gone))

    async def _fresh_run_if_long(self) -> None:
        """Go on in a fresh run, once no message is under way; its marks and waits go with it."""
        if not run_is_long() or self.fresh_run() is None:
            return
        self.leaving = True
        try:
            await workflow.wait_condition(
                workflow.all_handlers_finished, timeout=DRAIN_BEFORE_FRESH_RUN
            )
        except TimeoutError:
            workflow.logger.warning("a message is under way: the fresh run has to wait")
        arguments = self.fresh_run()
        if arguments is not None and workflow.all_handlers_finished():
            carried = {_CARRIED_WAITS: list(self._waits.values())}
            workflow.continue_as_new(args=arguments, memo=carried)
        self.leaving = False

    def _forget(self, what: str) -> None:
        if self._waits.pop(what, None) is None or self._waits:
            return
        workflow.set_current_details("")
        workflow.upsert_search_attributes([search_attributes.WAITING_FOR.value_unset()])


def run_is_long() -> bool:
    """Tell whether the history is so long that Temporal suggests a fresh run."""
    return workflow.info().is_continue_as_new_suggested()


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
