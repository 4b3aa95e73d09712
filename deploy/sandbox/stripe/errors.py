"""Stripe's error bodies, worded as Stripe words them (docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any

import orjson

from deploy.sandbox.documents import Json
from deploy.sandbox.exchange import Answer, Dialect

DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An error answer.

    `executed` says that the operation had begun, so the answer is kept under the idempotency key;
    `keeps_effects` says that what was written before it stays (a declined charge is recorded).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        error_type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
        keeps_effects: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self.keeps_effects = keeps_effects
        self.error: Json = {"message": message, "type": error_type}
        if code is not None:
            self.error |= {"code": code, "doc_url": DOCS + code.replace("_", "-")}
        if param is not None:
            self.error["param"] = param
        self.error |= {name: value for name, value in more.items() if value is not None}

    def body(self, request_id: str) -> bytes:
        log = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return orjson.dumps({"error": {**self.error, "request_log_url": log}})


def missing(kind: str, document_id: str, *, param: str | None = None) -> StripeError:
    """404 for the id in a path, 400 for one in a parameter."""
    return StripeError(
        f"No such {kind}: '{document_id}'",
        status=404 if param is None else 400,
        code="resource_missing",
        param=param or "id",
    )


def unexpected_state(message: str, intent: Json) -> StripeError:
    return StripeError(
        message, code="payment_intent_unexpected_state", executed=True, payment_intent=intent
    )


def wrong_key(presented: str) -> StripeError:
    if not presented:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    else:
        masked = presented[:8] + "*" * max(0, len(presented) - 12) + presented[-4:]
        message = f"Invalid API Key provided: {masked}"
    return StripeError(message, status=401)


def key_reused(key: str, *, first_path: str | None, path: str) -> StripeError:
    """The key was first used with another payload, or on another path when `first_path` is set."""
    if first_path is None:
        reason = "with the same parameters they were first used with."
    else:
        reason = f"for the same endpoint they were first used for ('{path}' vs '{first_path}')."
    return StripeError(
        f"Keys for idempotent requests can only be used {reason} "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        error_type="idempotency_error",
    )


def _key_in_use(key: str) -> Answer:
    error = StripeError(
        "There is currently another in-progress request using this Idempotent Key (that probably "
        "means you submitted twice, and the other request is still going through): "
        f"{key}. Please try again later.",
        status=409,
        error_type="idempotency_error",
        code="idempotency_key_in_use",
    )
    return _bare(error, {"Stripe-Should-Retry": "true"})


def _server_error() -> Answer:
    return _bare(
        StripeError(
            "Sorry! There was an error while talking to one of our backends. "
            "Support has been notified.",
            status=500,
            error_type="api_error",
        )
    )


def _rate_limited() -> Answer:
    error = StripeError(
        "Request rate limit exceeded. Learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
        status=429,
        code="rate_limit",
    )
    return _bare(error, {"Stripe-Rate-Limited-Reason": "global-rate"})


def _bare(error: StripeError, headers: dict[str, str] | None = None) -> Answer:
    body = orjson.dumps({"error": error.error})
    return Answer(status=error.status, body=body, headers=headers or {})


DIALECT = Dialect(server_error=_server_error, rate_limited=_rate_limited, key_in_use=_key_in_use)
