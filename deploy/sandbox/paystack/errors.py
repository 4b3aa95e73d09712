"""Paystack's error bodies: `{"status": false, "message", "meta", "type", "code"}`."""

from __future__ import annotations

import orjson

from deploy.sandbox.exchange import Answer, Dialect


class PaystackError(Exception):
    """An error answer; nothing of the operation is kept."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "invalid_params",
        error_type: str = "validation_error",
        next_step: str = "Ensure that the value(s) you're passing are valid.",
    ) -> None:
        super().__init__(message)
        self.status = status
        self._body = {
            "status": False,
            "message": message,
            "meta": {"nextStep": next_step},
            "type": error_type,
            "code": code,
        }

    def answer(self) -> Answer:
        return Answer(status=self.status, body=orjson.dumps(self._body))


def not_found(what: str) -> PaystackError:
    return PaystackError(f"{what} not found", status=404, code=f"{what.lower()}_not_found")


def wrong_key() -> PaystackError:
    return PaystackError("Invalid key", status=401, code="invalid_Key")


DIALECT = Dialect(
    server_error=lambda: PaystackError(
        "An error occurred", status=500, code="unknown", error_type="api_error"
    ).answer(),
    rate_limited=lambda: PaystackError(
        "Too many requests", status=429, code="rate_limited", error_type="api_error"
    ).answer(),
    key_in_use=lambda key: PaystackError(f"{key} is in use", status=409).answer(),
)
