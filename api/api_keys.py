"""What people do with keys of machines: they make them, renew them, and end them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.auth import VendorUser
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import JsonResponse, to_json
from api.once import made_once
from api.schemas.api_keys import ApiKeyRequest, Rotation
from core.api_keys import hash_of, new_key
from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError
from core.domain.ids import Prefix, new_id
from core.domain.permissions import RANKS, Permission, VendorRank
from core.domain.staffing import NEVER_OF_A_KEY, require_grantable
from core.resources import Resources
from core.security import Principal
from models.repositories import api_keys, people
from models.repositories.api_keys import NewKey
from models.repositories.idempotency import StoredAnswer
from models.users import ApiKey


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyHolder:
    """Who makes keys, and for whom: a vendor, or the platform when ``vendor_id`` is None."""

    user_id: str
    actor: str
    vendor_id: str | None
    granted: frozenset[Permission]

    @classmethod
    async def of_staff(cls, resources: Resources, staff: Principal) -> KeyHolder:
        """Return a holder who may do what the account may do now."""
        async with resources.database.transaction() as session:
            present = await people.present_permissions(session, staff.user_id)
        return cls(
            user_id=staff.user_id,
            actor=staff.actor,
            vendor_id=None,
            granted=present & staff.permissions,
        )

    @classmethod
    def of_vendor(cls, vendor: VendorUser) -> KeyHolder:
        return cls(
            user_id=vendor.user_id,
            actor=vendor.actor,
            vendor_id=vendor.vendor_id,
            granted=RANKS[VendorRank.OWNER],
        )


async def make(
    resources: Resources,
    call: IdempotentCall,
    wanted: ApiKeyRequest,
    holder: KeyHolder,
    *,
    located: str,
) -> Response:
    """Make a key and tell its secret.

    Raises:
        ForbiddenError: a scope that the holder does not have.
        InvalidRequestError: a scope that no key has, or an end in the past.
    """
    _check(wanted)
    require_grantable(holder.granted, wanted.scopes)

    async def making(session: AsyncSession, id_: str) -> dict[str, Any]:
        made = NewKey(
            id=id_,
            name=wanted.name,
            vendor_id=holder.vendor_id,
            scopes=sorted(set(wanted.scopes)),
            secret_hash=hash_of(_key(resources, id_, call)),
            created_by=holder.user_id,
            expires_at=wanted.expires_at,
        )
        return document(await api_keys.add(session, made, actor=holder.actor))

    answer = await made_once(resources, call, new_id(Prefix.API_KEY), making, located=located)
    return _telling(resources, call, answer)


async def rotate(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    *,
    key_id: str,
    wanted: Rotation,
    holder: KeyHolder,
) -> Response:
    """Give a key a new secret, beside which the old one works for a while.

    Raises:
        NotFoundError: there is no such key of the holder's.
        ForbiddenError: it may do what the holder may not.
    """
    async with resources.database.transaction() as session:
        found = await api_keys.find(session, key_id, vendor_id=holder.vendor_id)
        require_grantable(holder.granted, (Permission(one) for one in found.scopes))
    record = await call.claim(resources.database, f"rotation:{call.fingerprint}")
    if record.answer is not None:
        return _telling(resources, call, replay(record.answer))
    secret_hash = hash_of(_key(resources, key_id, call))
    try:
        async with resources.database.transaction() as session:
            found = await api_keys.find(session, key_id, vendor_id=holder.vendor_id, lock=True)
            if found.secret_hash != secret_hash:
                await api_keys.rotate(
                    session,
                    found,
                    secret_hash,
                    overlap_seconds=wanted.overlap_seconds,
                    actor=holder.actor,
                )
            body = to_json(document(found))
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    stored = StoredAnswer(status=200, body=body, location=None)
    return _telling(resources, call, await call.settle(resources.database, stored))


def document(key: ApiKey) -> dict[str, Any]:
    """Return a key as its holders see it."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "created_by": key.created_by,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "previous_expires_at": key.previous_expires_at,
        "revoked_at": key.revoked_at,
    }


def _check(wanted: ApiKeyRequest) -> None:
    errors = [
        FieldError(pointer=f"/scopes/{at}", detail="no key may do this")
        for at, scope in enumerate(wanted.scopes)
        if scope in NEVER_OF_A_KEY
    ]
    if wanted.expires_at is not None:
        if wanted.expires_at.tzinfo is None:
            errors.append(FieldError(pointer="/expires_at", detail="say the offset from UTC"))
        elif wanted.expires_at <= datetime.now(UTC):
            errors.append(FieldError(pointer="/expires_at", detail="in the past"))
    if errors:
        raise InvalidRequestError(errors)


def _key(resources: Resources, key_id: str, call: IdempotentCall) -> str:
    master = resources.settings.auth.one_time_key.get_secret_value()
    return new_key(key_id, occasion=call.fingerprint, master=master)


def _telling(resources: Resources, call: IdempotentCall, answer: Response) -> Response:
    """Add the secret to an answer: it is made for each, and kept in none."""
    if answer.media_type != "application/json":
        return answer
    told = orjson.loads(answer.body)
    body = {**told, "key": _key(resources, told["id"], call)}
    response = JsonResponse(body, answer.status_code)
    for name in ("location", "idempotency-replayed"):
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    return response
