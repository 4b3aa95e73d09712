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
from deploy.sandbox.stripe import (
    balance,
    charges,
    customers,
    payment_intents,
    refunds,
    search,
    settlement,
)
from deploy.sandbox.stripe.context import (
    API_VERSION,
    BALANCE_TRANSACTION,
    CHARGE,
    CUSTOMER,
    EVENT,
    PAYMENT_INTENT,
    REFUND,
    Context,
)
from deploy.sandbox.stripe.errors import DIALECT, StripeError, key_reused, wrong_key
from deploy.sandbox.stripe.expand import expand
from deploy.sandbox.stripe.lists import listing
from deploy.sandbox.stripe.parameters import Parameters
from deploy.sandbox.transaction import Transaction

Operation = Callable[[Context], Json]
MAX_KEY_LENGTH = 255


def retrieve_event(context: Context) -> Json:
    return context.fetch(EVENT, context.path["id"])


OPERATIONS: tuple[tuple[str, str, str, Operation], ...] = (
    ("POST", "/v1/payment_intents", "payment_intents.create", payment_intents.create_intent),
    (
        "GET",
        "/v1/payment_intents",
        "payment_intents.list",
        listing(PAYMENT_INTENT, "/v1/payment_intents", filters={"customer": "customer"}),
    ),
    ("GET", "/v1/payment_intents/search", "payment_intents.search", search.search_intents),
    (
        "GET",
        "/v1/payment_intents/{id}",
        "payment_intents.retrieve",
        payment_intents.retrieve_intent,
    ),
    ("POST", "/v1/payment_intents/{id}", "payment_intents.update", payment_intents.update_intent),
    (
        "POST",
        "/v1/payment_intents/{id}/confirm",
        "payment_intents.confirm",
        payment_intents.confirm,
    ),
    ("POST", "/v1/payment_intents/{id}/capture", "payment_intents.capture", settlement.capture),
    ("POST", "/v1/payment_intents/{id}/cancel", "payment_intents.cancel", settlement.cancel),
    (
        "GET",
        "/v1/charges",
        "charges.list",
        listing(
            CHARGE,
            "/v1/charges",
            filters={"customer": "customer", "payment_intent": "payment_intent"},
        ),
    ),
    ("GET", "/v1/charges/{id}", "charges.retrieve", charges.retrieve_charge),
    ("POST", "/v1/refunds", "refunds.create", refunds.create_refund),
    (
        "GET",
        "/v1/refunds",
        "refunds.list",
        listing(
            REFUND,
            "/v1/refunds",
            filters={"charge": "charge", "payment_intent": "payment_intent"},
        ),
    ),
    ("GET", "/v1/refunds/{id}", "refunds.retrieve", refunds.retrieve_refund),
    ("POST", "/v1/refunds/{id}", "refunds.update", refunds.update_refund),
    ("POST", "/v1/customers", "customers.create", customers.create_customer),
    ("GET", "/v1/customers", "customers.list", listing(CUSTOMER, "/v1/customers")),
    ("GET", "/v1/customers/{id}", "customers.retrieve", customers.retrieve_customer),
    ("POST", "/v1/customers/{id}", "customers.update", customers.update_customer),
    (
        "GET",
        "/v1/payment_methods/{id}",
        "payment_methods.retrieve",
        customers.retrieve_payment_method,
    ),
    (
        "POST",
        "/v1/payment_methods/{id}/attach",
        "payment_methods.attach",
        customers.attach_payment_method,
    ),
    (
        "GET",
        "/v1/balance_transactions",
        "balance_transactions.list",
        listing(
            BALANCE_TRANSACTION,
            "/v1/balance_transactions",
            filters={"type": "reference", "source": "charge"},
        ),
    ),
    (
        "GET",
        "/v1/balance_transactions/{id}",
        "balance_transactions.retrieve",
        balance.retrieve_balance_transaction,
    ),
    (
        "GET",
        "/v1/events",
        "events.list",
        listing(EVENT, "/v1/events", filters={"type": "reference"}, plural="types"),
    ),
    ("GET", "/v1/events/{id}", "events.retrieve", retrieve_event),
)


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
