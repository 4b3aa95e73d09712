"""What every new password has to be, wherever it is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from core.domain.errors import FieldError, InvalidRequestError
from core.security import password_weakness


async def require_good(password: str, *, about: Sequence[str | None] = ()) -> None:
    """Refuse a password that is easy to guess, or that is known from a breach.

    Args:
        password: the new one.
        about: what others know of the person, if anything.

    Raises:
        InvalidRequestError: with what is wrong with it, in words.
    """
    known = [part for part in about if part]
    weakness = await asyncio.to_thread(password_weakness, password, about=known)
    if weakness:
        raise InvalidRequestError([FieldError(pointer="/password", detail=weakness)])
