"""A step of a workflow that belongs to no order, and that waits where people see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import search_attributes
from workflows.parking import in_words
from workflows.policies import PARKED_FIRST_WAIT, PARKED_LONGEST_WAIT

T = TypeVar("T")


class Waiting:
    """Subclasses call ``until_done``; a person may send ``retry`` from Temporal's UI."""

    def __init__(self) -> None:
        self._retry_asked = False

    @workflow.update
    async def retry(self) -> None:
        """Try the step that waits now."""
        self._retry_asked = True

    async def until_done(
        self,
        what: str,
        step: Callable[[], Awaitable[T]],
        *,
        tries: int = 0,
        fresh_run: Callable[[int], None] | None = None,
    ) -> T:
        """Run ``step`` until it succeeds; between its bounded tries the run shows as waiting.

        Args:
            what: what it waits for, in words without personal data.
            step: starts the activity afresh each time it is called.
            tries: how often an earlier run has waited.
            fresh_run: goes on in a fresh run of the same id, after so many tries, when the history
                has grown long.
        """
        while True:
            self._retry_asked = False
            try:
                result = await step()
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                tries += 1
                await self._wait(what, error, tries)
                if fresh_run is not None and workflow.info().is_continue_as_new_suggested():
                    fresh_run(tries)
            else:
                if tries:
                    workflow.set_current_details("")
                    workflow.upsert_search_attributes([search_attributes.WAITING_FOR.value_unset()])
                return result

    async def until_asked(self, longest: timedelta) -> None:
        """Wait for so long, or until a person sends ``retry``."""
        self._retry_asked = False
        try:
            await workflow.wait_condition(lambda: self._retry_asked, timeout=longest)
        except TimeoutError:
            return

    async def _wait(self, what: str, error: ActivityError, tries: int) -> None:
        longest = wait_after(tries)
        workflow.set_current_details(
            f"**Waiting for {what}**, {tries} times without success\n\n{in_words(error)}\n\n"
            f"Next attempt at {workflow.now() + longest:%H:%M:%S} UTC; the update `retry` tries "
            f"now."
        )
        workflow.upsert_search_attributes([search_attributes.WAITING_FOR.value_set(what)])
        await self.until_asked(longest)


def wait_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures: ever longer, and never very long."""
    return min(PARKED_FIRST_WAIT * (1 << min(failures - 1, 10)), PARKED_LONGEST_WAIT)
