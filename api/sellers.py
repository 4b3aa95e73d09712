"""Who sells, and the answers that they get: whole resources with their ``ETag``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response

from api.auth import SellsCatalogue
from api.idempotency import IdempotentCall, call_of, refusal, replay
from api.idempotency import optional_idempotency_key as optional_key
from api.json_route import JsonResponse, to_json
from api.preconditions import etag
from core.domain.errors import ConflictError, FieldError, InvalidRequestError, InvalidStateError
from core.domain.ids import Prefix, new_id
from core.resources import Resources
from core.security import Principal
from models.repositories.idempotency import StoredAnswer
from models.users import Role

Document = Mapping[str, Any]
OptionalKey = Annotated[str | None, Depends(optional_key)]


async def _keyed(
    request: Request, principal: SellsCatalogue, key: OptionalKey
) -> IdempotentCall | None:
    return None if key is None else await call_of(request, key, principal.user_id)


Keyed = Annotated[IdempotentCall | None, Depends(_keyed)]
"""A request whose sender may send an ``Idempotency-Key``, and need not."""


def vendor_of(principal: Principal) -> str | None:
    """Return the vendor whose things are all that somebody may touch; None for staff."""
    return None if principal.role == Role.STAFF else principal.vendor_id


def answer(document: Document) -> Response:
    """Answer with the resource; its ``version`` is its ``ETag``."""
    response = JsonResponse(document)
    response.headers["ETag"] = etag(document["version"])
    return response


async def made_once(
    request: Request,
    resources: Resources,
    call: IdempotentCall | None,
    prefix: Prefix,
    make: Callable[[str], Awaitable[Document]],
    *,
    location: str,
) -> Response:
    """Make something and answer 201; with the same key the first answer comes again.

    Args:
        request: what is answered.
        resources: the platform's.
        call: the request's key, if it has one.
        prefix: what is made.
        make: makes it under an id, once however often it is called, and returns it.
        location: where it will be; the id is put in the place of ``{id}``.
    """
    if call is None:
        id_ = new_id(prefix)
        return _tagged(_created(await make(id_), location.format(id=id_)))
    record = await call.claim(resources.database, new_id(prefix))
    if record.answer is not None:
        return _tagged(replay(record.answer))
    try:
        document = await make(record.resource_id)
    except (ConflictError, InvalidStateError) as error:
        return await call.settle(resources.database, refusal(request, error))
    stored = StoredAnswer(
        status=201, body=to_json(document), location=location.format(id=record.resource_id)
    )
    return _tagged(await call.settle(resources.database, stored))


def refuse_nulls(sent: Document, *, besides: frozenset[str] = frozenset()) -> None:
    """Refuse fields that are sent without a value, where there must be one.

    Raises:
        InvalidRequestError: names them.
    """
    errors = [
        FieldError(pointer=f"/{name}", detail="it cannot be null")
        for name, value in sent.items()
        if value is None and name not in besides
    ]
    if errors:
        raise InvalidRequestError(errors)


def plain(values: Document) -> dict[str, Any]:
    """Return what the audit log keeps of changed fields; long texts are named only."""
    shown = {name: value for name, value in values.items() if name != "description"}
    if "description" in values:
        shown["description"] = f"{len(values['description'])} characters"
    kept: dict[str, Any] = orjson.loads(orjson.dumps(shown, option=orjson.OPT_UTC_Z))
    return kept


def _created(document: Document, location: str) -> Response:
    return Response(to_json(document), 201, {"Location": location}, "application/json")


def _tagged(response: Response) -> Response:
    if response.status_code < 400:  # noqa: PLR2004  # below are the answers that have a resource
        response.headers["ETag"] = etag(orjson.loads(response.body)["version"])
    return response
