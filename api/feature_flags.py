"""Feature flags for requests: looked up now and then, never once for each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from fastapi import Depends, Request

from api.auth import Anyone
from core.database import Database
from core.domain.errors import UnavailableError
from core.domain.feature_flags import DECLARED, Flag, FlagState, is_on
from models.repositories import feature_flags

KEPT_SECONDS = 5.0
"""For so long a process may not have heard that a flag was turned."""

log = structlog.get_logger("api")


class FeatureFlags:
    """How the flags stand; without the database as they stood last, or as they are declared."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now = now
        self._states: Mapping[Flag, FlagState] = {
            flag: declared.default for flag, declared in DECLARED.items()
        }
        self._until = -KEPT_SECONDS
        self._lock = asyncio.Lock()

    async def is_on(self, flag: Flag, subject: str) -> bool:
        """Tell whether a flag is on for somebody; ``subject`` is an id or an address."""
        if self._now() >= self._until:
            await self._look()
        return is_on(flag, self._states[flag], subject)

    def forget(self) -> None:
        """Look again for the next request: a flag was turned here."""
        self._until = -KEPT_SECONDS

    async def _look(self) -> None:
        async with self._lock:
            if self._now() < self._until:
                return
            self._until = self._now() + KEPT_SECONDS
            try:
                self._states = await feature_flags.states(self._database)
            except UnavailableError:
                log.warning("feature flags are as they stood last")


def switched_on(flag: Flag, *, staff_always: bool = False) -> Any:
    """Return a dependency that keeps people out while a flag is off for them.

    A vendor's members are counted as their vendor, strangers by their address.

    Raises, when it runs:
        UnavailableError: it is off for the caller.
    """

    async def check(request: Request, who: Anyone) -> None:
        if staff_always and who is not None and who.role == "staff":
            return
        address = request.client.host if request.client else ""
        subject = (who.vendor_id or who.user_id) if who else address
        flags: FeatureFlags = request.app.state.flags
        if not await flags.is_on(flag, subject):
            raise UnavailableError("this is turned off at present")

    return Depends(check)
