"""The routes of `/stripe`, and how one request becomes one answer."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox.documents import Json
from deploy.sandbox.exchange import Answer, exchange, respond
from deploy.sandbox.forms import MalformedFormError, parse_form
from deploy.sandbox.idempotency import Claim, fingerprint, recall, remember
from deploy.sandbox.sandbox import STRIPE, Sandbox
from deploy.sandbox.stripe.context import API_VERSION, Context
from deploy.sandbox.stripe.errors import DIALECT, StripeError, key_reused, wrong_key
from deploy.sandbox.stripe.expand import expand
from deploy.sandbox.stripe.operations import OPERATIONS, Operation
from deploy.sandbox.stripe.parameters import Parameters
from deploy.sandbox.transaction import Transaction

MAX_KEY_LENGTH = 255


def create_stripe(sandbox: Sandbox) -> Starlette:
    routes = [
        Route(path, _endpoint(sandbox, name, operation), methods=[method])
        for method, path, name, operation in OPERATIONS
    ]
    return Starlette(routes=routes, exception_handlers={404: _unknown_url, 405: _unknown_url})


def _unknown_url(request: Request, _error: Exception) -> Response:
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    error = StripeError(
        f"Unrecognized request URL ({request.method}: {path}). If you are trying to list objects, "
        "remove the trailing slash.",
        status=404,
    )
    return respond(Answer(status=404, body=error.body("req_none")))


def _endpoint(
    sandbox: Sandbox, name: str, operation: Operation
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request_id = f"req_{secrets.token_hex(7)}"
        raw = await request.body() if request.method == "POST" else request.url.query.encode()
        try:
            _authenticate(request, sandbox.config.stripe_api_key)
            key = _idempotency_key(request)
            named = _parse(raw)
            parameters = Parameters(named)
        except StripeError as error:
            response = respond(_error_answer(error, request_id))
        else:
            work = partial(
                _execute,
                operation=operation,
                raw=raw,
                parameters=parameters,
                path=dict(request.path_params),
                url=request.url.path.removeprefix(request.scope.get("root_path", "")),
                request_id=request_id,
                key=key,
                enabled_events=sandbox.config.stripe_events,
            )
            response = await exchange(
                sandbox,
                service=STRIPE,
                operation=name,
                key=key,
                dialect=DIALECT,
                work=work,
                subject={**named, **request.path_params},
            )
        response.headers.setdefault("Request-Id", request_id)
        response.headers["Stripe-Version"] = request.headers.get("stripe-version", API_VERSION)
        return response

    return endpoint


def _execute(
    transaction: Transaction,
    *,
    operation: Operation,
    raw: bytes,
    parameters: Parameters,
    path: dict[str, str],
    url: str,
    request_id: str,
    key: str | None,
    enabled_events: tuple[str, ...],
) -> Answer:
    claim = None
    if key is not None:
        claim = Claim(service=STRIPE, key=key, path=url, fingerprint=fingerprint(raw))
        replayed = _replay(transaction, claim, request_id)
        if replayed is not None:
            return replayed
    context = Context(
        transaction=transaction,
        parameters=parameters,
        path=path,
        enabled_events=enabled_events,
        request_id=request_id,
        idempotency_key=key,
    )
    answer, executed = _run(context, operation)
    if claim is not None and executed:
        remember(transaction, claim, status=answer.status, request_id=request_id, body=answer.body)
    return answer


def _run(context: Context, operation: Operation) -> tuple[Answer, bool]:
    """The answer, and whether the operation had begun so that its key remembers it."""
    request_id = str(context.request_id)
    documents = context.transaction.documents
    with context.transaction.attempt() as undo:
        try:
            body = operation(context)
            expand(documents, body, context.parameters.sequence("expand"))
        except StripeError as error:
            if not error.keeps_effects:
                undo()
            return _error_answer(error, request_id, context.idempotency_key), error.executed
    headers = {"Request-Id": request_id}
    if context.idempotency_key is not None:
        headers["Idempotency-Key"] = context.idempotency_key
    return Answer(status=200, body=orjson.dumps(body), headers=headers), True


def _replay(transaction: Transaction, claim: Claim, request_id: str) -> Answer | None:
    known = recall(transaction, claim)
    if known is None:
        return None
    if known.path != claim.path:
        return _error_answer(
            key_reused(claim.key, first_path=known.path, path=claim.path), request_id
        )
    if not known.same_payload:
        return _error_answer(key_reused(claim.key, first_path=None, path=claim.path), request_id)
    return Answer(
        status=known.status,
        body=known.body,
        headers={
            "Idempotency-Key": claim.key,
            "Idempotent-Replayed": "true",
            "Original-Request": known.request_id,
            "Request-Id": request_id,
        },
    )


def _error_answer(error: StripeError, request_id: str, key: str | None = None) -> Answer:
    headers = {"Request-Id": request_id}
    if key is not None:
        headers["Idempotency-Key"] = key
    if error.executed:
        headers["Stripe-Should-Retry"] = "false"
    return Answer(status=error.status, body=error.body(request_id), headers=headers)


def _authenticate(request: Request, expected: str) -> None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    presented = ""
    if scheme.lower() == "bearer":
        presented = credentials.strip()
    elif scheme.lower() == "basic":
        try:
            presented = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            presented = ""
    if not hmac.compare_digest(presented.encode(), expected.encode()):
        raise wrong_key(presented)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is not None and len(key) > MAX_KEY_LENGTH:
        raise StripeError(
            f"Idempotency keys can be at most {MAX_KEY_LENGTH} characters.",
            error_type="idempotency_error",
        )
    return key or None


def _parse(raw: bytes) -> Json:
    try:
        return parse_form(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise StripeError("Invalid UTF-8 in the request.") from error
    except MalformedFormError as error:
        raise StripeError(str(error)) from error
