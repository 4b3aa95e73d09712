"""What is made once for each Idempotency-Key, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.idempotency import IdempotentCall, replay
from api.json_route import to_json
from core.resources import Resources
from models.repositories.idempotency import StoredAnswer

Making = Callable[[AsyncSession, str], Awaitable[Any]]
"""Makes the thing with the id, or finds it as an earlier run made it; returns the document."""

_CREATED = 201


async def made_once(
    resources: Resources,
    call: IdempotentCall,
    resource_id: str,
    making: Making,
    *,
    located: str | None = None,
    status: int = _CREATED,
) -> Response:
    """Make a thing and keep the answer; the same key gets the same answer.

    Args:
        resources: what is open.
        call: the request with its key.
        resource_id: the id of the thing, if this request is the first of its key.
        making: what is done, in a transaction of its own.
        located: the path in front of the id, for ``Location``.
        status: of the answer; 202 for what goes on by itself.
    """
    record = await call.claim(resources.database, resource_id)
    if record.answer is not None:
        return replay(record.answer)
    async with resources.database.transaction() as session:
        body = to_json(await making(session, record.resource_id))
    location = f"{located}{record.resource_id}" if located else None
    return await call.settle(
        resources.database, StoredAnswer(status=status, body=body, location=location)
    )
