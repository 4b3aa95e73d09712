"""One request, one effect, one answer: the Idempotency-Key of every effectful POST.

Source: draft-ietf-httpapi-idempotency-key-header, and Stripe's API for the ergonomics.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request
from starlette.responses import Response

from api.auth import Authenticated
from api.context import fresh_id
from api.engine import UpdateRefusedError
from api.errors import MEDIA_TYPE as PROBLEM_TYPE
from api.errors import problem, problem_of
from api.metrics import REPLAYS
from core.database import Database
from core.domain.errors import (
    DomainError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
)
from models.repositories import idempotency
from models.repositories.idempotency import KeyRecord, StoredAnswer

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ERROR = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotentCall:
    """A request with its key; ``fingerprint`` tells it from every other key of every caller."""

    caller_id: str
    key: str
    request_hash: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.caller_id}\x1f{self.key}".encode()).hexdigest()[:32]

    def require_same(self, request_hash: str) -> None:
        """Refuse a key that was used for something else.

        Raises:
            IdempotencyKeyReusedError: the method, the path or the body differs.
        """
        if request_hash != self.request_hash:
            raise IdempotencyKeyReusedError("this key was used with another request")

    async def claim(self, database: Database, resource_id: str) -> KeyRecord:
        """Claim the key, or return the record of who came first with the same request.

        Raises:
            IdempotencyKeyReusedError: the key belongs to another request.
        """
        record = await idempotency.claim_key(
            database,
            caller_id=self.caller_id,
            key=self.key,
            request_hash=self.request_hash,
            resource_id=resource_id,
        )
        self.require_same(record.request_hash)
        return record

    async def claim_answered(
        self, database: Database, resource_id: str, answer: StoredAnswer
    ) -> bool:
        """Claim the key with its answer at once; False when another request has it."""
        return await idempotency.claim_answered(
            database,
            caller_id=self.caller_id,
            key=self.key,
            request_hash=self.request_hash,
            resource_id=resource_id,
            answer=answer,
        )

    async def settle(self, database: Database, answer: StoredAnswer) -> Response:
        """Keep the answer before it is sent; of two at once one wins, and both send that one."""
        kept = await idempotency.store_answer(
            database, caller_id=self.caller_id, key=self.key, answer=answer
        )
        return response_of(kept)


async def _idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 to 255 visible ASCII characters; the same key gets the same answer",
            examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        ),
    ] = None,
) -> str:
    if key is None or not _KEY.fullmatch(key):
        raise IdempotencyKeyMissingError(
            "send an Idempotency-Key header of 1 to 255 visible ASCII characters"
        )
    return key


IdempotencyKey = Annotated[str, Depends(_idempotency_key)]


async def optional_idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 to 255 visible ASCII characters; the same key gets the same answer",
        ),
    ] = None,
) -> str | None:
    """Read a key that need not be sent; one that is must be well-formed all the same."""
    return None if key is None else await _idempotency_key(key)


async def call_of(request: Request, key: str, caller_id: str) -> IdempotentCall:
    """Return a request with its key; the body is hashed, and can still be read."""
    return IdempotentCall(caller_id=caller_id, key=key, request_hash=await _hash_of(request))


async def _idempotent(
    request: Request, principal: Authenticated, key: IdempotencyKey
) -> IdempotentCall:
    return await call_of(request, key, principal.api_key_id or principal.user_id)


Idempotent = Annotated[IdempotentCall, Depends(_idempotent)]


async def _idempotent_if_keyed(
    request: Request,
    principal: Authenticated,
    key: Annotated[str | None, Depends(optional_idempotency_key)],
) -> IdempotentCall:
    return await _idempotent(request, principal, key or f"none-{fresh_id()}")


IdempotentIfKeyed = Annotated[IdempotentCall, Depends(_idempotent_if_keyed)]
"""For calls whose contract asks for no key."""


async def _hash_of(request: Request) -> str:
    """Hash method, path and body; two spellings of one JSON value count as the same."""
    body = await request.body()
    try:
        canonical = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        canonical = body
    seed = b"\x1f".join((request.method.encode(), request.url.path.encode(), canonical))
    return hashlib.sha256(seed).hexdigest()


def replay(answer: StoredAnswer) -> Response:
    """Return the first answer again, byte for byte."""
    REPLAYS.inc()
    response = response_of(answer)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def response_of(answer: StoredAnswer) -> Response:
    """Return a stored answer as a response."""
    media_type = PROBLEM_TYPE if answer.status >= _ERROR else "application/json"
    headers = {"Location": answer.location} if answer.location else None
    return Response(answer.body, answer.status, headers, media_type)


def refusal(request: Request, error: DomainError) -> StoredAnswer:
    """Return a definitive refusal of the business (409, 402) as an answer that is kept."""
    response = problem_of(request.scope, error)
    return StoredAnswer(status=response.status_code, body=bytes(response.body), location=None)


def refusal_of_update(request: Request, error: UpdateRefusedError) -> StoredAnswer:
    """The same, as a workflow has told it."""
    response = problem(request.scope, error.code, detail=error.detail, extra=error.extra)
    return StoredAnswer(status=response.status_code, body=bytes(response.body), location=None)
