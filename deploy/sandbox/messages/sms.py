"""The routes of `/sms`: a provider of text messages with idempotency keys."""

from __future__ import annotations

import hmac
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox.exchange import Answer, Dialect, exchange, respond
from deploy.sandbox.idempotency import Claim, fingerprint, recall, remember
from deploy.sandbox.messages.mailbox import SMS, Delivered, deliver
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.transaction import Transaction

OPERATIONS = ("messages.create",)
NOBODY = "+15005550001"
"""A number that nobody has."""

_PATH = "/v1/messages"


class SmsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: str = Field(alias="from", min_length=1, max_length=20)
    to: str = Field(pattern=r"^\+[1-9][0-9]{6,14}$")
    text: str = Field(min_length=1, max_length=1600)


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status=status, body=orjson.dumps({"error": {"code": code, "message": message}}))


DIALECT = Dialect(
    server_error=lambda: _error(500, "internal_error", "Nothing was done."),
    rate_limited=lambda: _error(429, "rate_limited", "Too many requests."),
    key_in_use=lambda key: _error(
        409, "idempotency_key_in_use", f"The first request with the key {key} is still running."
    ),
)


def create_sms(sandbox: Sandbox) -> Starlette:
    async def send(request: Request) -> Response:
        if not _is_known(request, sandbox.config.sms_api_key):
            return respond(_error(401, "not_authenticated", "A valid Bearer key is required."))
        key = request.headers.get("idempotency-key")
        if not key:
            return respond(_error(400, "idempotency_key_missing", "Idempotency-Key is required."))
        body = await request.body()
        try:
            asked = SmsRequest.model_validate_json(body)
        except ValidationError as error:
            words = error.errors(include_url=False)[0]["msg"]
            return respond(_error(422, "invalid_request", words))
        claim = Claim(service=SMS, key=key, path=_PATH, fingerprint=fingerprint(body))
        return await exchange(
            sandbox,
            service=SMS,
            operation=OPERATIONS[0],
            key=key,
            dialect=DIALECT,
            work=partial(_send, claim=claim, asked=asked),
        )

    return Starlette(routes=[Route(_PATH, send, methods=["POST"])])


def _send(transaction: Transaction, *, claim: Claim, asked: SmsRequest) -> Answer:
    known = recall(transaction, claim)
    if known is not None and not known.same_payload:
        return _error(422, "idempotency_key_reused", "The key was used with another payload.")
    if known is not None:
        return Answer(status=known.status, body=known.body, headers={"Idempotent-Replayed": "true"})
    if asked.to == NOBODY:
        return _error(422, "invalid_number", "Nobody has this number.")
    message = Delivered(
        channel=SMS,
        to=asked.to,
        sender=asked.sender,
        subject="",
        text=asked.text,
        reference=claim.key,
    )
    kept = deliver(transaction, message)
    body = orjson.dumps({"id": kept["id"], "status": "accepted"})
    remember(transaction, claim, status=201, request_id="", body=body)
    return Answer(status=201, body=body)


def _is_known(request: Request, expected: str) -> bool:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    known = hmac.compare_digest(presented.strip().encode(), expected.encode())
    return scheme.lower() == "bearer" and known
