"""Calls of Meilisearch through its official client, awaited and in our errors.

The client is synchronous and keeps the headers of a call in itself, so each call has one of its own
in a thread. Making one costs no connection: the client opens a new one for every request anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog
from meilisearch import Client
from meilisearch.errors import MeilisearchApiError, MeilisearchError
from meilisearch.models.task import Task, TaskInfo
from requests.exceptions import RequestException

from core.domain.errors import UnavailableError
from core.settings_search import MeilisearchSettings

T = TypeVar("T")
_NOT_FOUND = 404
_FIRST_LOOK_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
_OUR_FAULTS = frozenset({400, 413, 415, 422})
_log = structlog.get_logger(__name__)


class MeilisearchCalls:
    """Opens nothing before it is used, and keeps nothing open."""

    def __init__(self, settings: MeilisearchSettings) -> None:
        self._settings = settings

    async def ask(self, question: Callable[[Client], T]) -> T:
        """Run a call of the client.

        Raises:
            UnavailableError: there is no answer, or a refusal that is not the question's fault.
            MeilisearchApiError: the question is wrong, which is an error of ours.
        """
        try:
            return await asyncio.to_thread(lambda: question(self._client()))
        except MeilisearchApiError as error:
            if error.status_code in _OUR_FAULTS:
                raise
            _log.warning("Meilisearch refuses", status=error.status_code, code=error.code)
            raise UnavailableError("the search is not available") from error
        except (MeilisearchError, RequestException, OSError) as error:
            raise UnavailableError("the search does not answer") from error

    async def find(self, question: Callable[[Client], T]) -> T | None:
        """As ``ask``, and None for what is not there."""

        def looked_for(client: Client) -> T | None:
            try:
                return question(client)
            except MeilisearchApiError as error:
                if error.status_code == _NOT_FOUND:
                    return None
                raise

        return await self.ask(looked_for)

    async def do(self, deed: Callable[[Client], TaskInfo]) -> Task:
        """Run a call that begins a task, and wait for its end.

        Raises:
            UnavailableError: as ``ask``; or the task failed, or took too long.
        """
        return (await self.do_all([deed]))[0]

    async def do_all(self, deeds: Iterable[Callable[[Client], TaskInfo]]) -> list[Task]:
        """Begin several tasks, then wait for all of them."""
        begun = [await self.ask(deed) for deed in deeds]
        return [await self.ended(info.task_uid) for info in begun]

    async def ended(self, task_uid: int) -> Task:
        """Wait for a task that was begun before."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.task_seconds
        pause = _FIRST_LOOK_SECONDS
        while True:
            task = await self.ask(lambda client: client.get_task(task_uid))
            if task.status == "succeeded":
                return task
            if task.status in {"failed", "canceled"}:
                raise _failed(task)
            if loop.time() > deadline:
                raise UnavailableError("the search has not finished a task in time")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _client(self) -> Client:
        key = self._settings.api_key.get_secret_value()
        return Client(
            self._settings.url.rstrip("/"), key or None, timeout=self._settings.timeout_seconds
        )


def _failed(task: Task) -> UnavailableError:
    error: dict[str, Any] = task.error or {}
    _log.warning("a task of Meilisearch failed", type=task.type, code=error.get("code"))
    return UnavailableError(f"the search could not finish a task: {error.get('code', task.status)}")
