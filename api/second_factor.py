"""The second factor: asked for whenever somebody who has one signs in.

Wrong codes are counted in Redis per account; without Redis each process counts for itself.
"""

from __future__ import annotations

import time

from fastapi import FastAPI
from limits import parse
from limits.aio.storage import MemoryStorage

from api.rate_limits import Limiter
from core import totp
from core.domain.errors import NotAuthenticatedError, RateLimitedError, TotpRequiredError
from core.resources import Resources
from core.secret_text import SecretTexts
from models.repositories import second_factor

WRONG = "the code is wrong, or it was used before"
_NEEDED = "send the code of your authenticator as totp_code"
_OWN_COUNT = MemoryStorage()


async def require_sent(resources: Resources, user_id: str | None, code: str | None) -> None:
    """Ask for a code where an authenticator is set up; whether it is right is not looked at yet.

    Raises:
        TotpRequiredError: a code is needed.
    """
    if code is None and user_id and await second_factor.secret_of(resources.database, user_id):
        raise TotpRequiredError(_NEEDED)


async def require(app: FastAPI, resources: Resources, user_id: str, code: str | None) -> None:
    """Ask for a code where an authenticator is set up.

    Raises:
        TotpRequiredError: a code is needed.
        NotAuthenticatedError: it is wrong, or it was used before.
        RateLimitedError: too many were tried.
    """
    stored = await second_factor.secret_of(resources.database, user_id)
    if stored is None:
        return
    if code is None:
        raise TotpRequiredError(_NEEDED)
    await count_attempt(app, resources, user_id)
    step = matching_step(resources, stored, code)
    if step is None or not await second_factor.use_step(resources.database, user_id, step):
        raise NotAuthenticatedError(WRONG)


def matching_step(resources: Resources, stored: str, code: str) -> int | None:
    """Return the time step of a code of the encrypted secret; None when it is wrong."""
    secret = SecretTexts.of(resources.settings.auth).decrypt(stored)
    return totp.step_of(secret, code, now=time.time())


async def count_attempt(app: FastAPI, resources: Resources, user_id: str) -> None:
    """Count a code that is tried.

    Raises:
        RateLimitedError: too many; the rest of the window has to pass.
    """
    item = parse(resources.settings.auth.totp_rate_limit)
    who = f"totp:{user_id}"
    limiter: Limiter = app.state.limiter
    result = await limiter.hit(item, who)
    if result is None:
        length = item.get_expiry()
        count = await _OWN_COUNT.incr(item.key_for(who), length)
        result = item.amount - count, length
    remaining, reset = result
    if remaining < 0:
        raise RateLimitedError(retry_after_seconds=reset)
