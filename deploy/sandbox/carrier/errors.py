"""The carrier's errors: `{"error": {"code", "message", "field"?}}`."""

from __future__ import annotations

import orjson

from deploy.sandbox.exchange import Answer, Dialect


class CarrierError(Exception):
    def __init__(self, status: int, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message}
        if field is not None:
            self.error["field"] = field

    def answer(self) -> Answer:
        return Answer(status=self.status, body=orjson.dumps({"error": self.error}))


def not_found(shipment_id: str) -> CarrierError:
    return CarrierError(404, "not_found", f"There is no shipment {shipment_id}.")


DIALECT = Dialect(
    server_error=lambda: CarrierError(
        500, "internal_error", "Something went wrong on our side; nothing was done."
    ).answer(),
    rate_limited=lambda: CarrierError(
        429, "rate_limited", "Too many requests; try again in a second."
    ).answer(),
    key_in_use=lambda key: CarrierError(
        409, "idempotency_key_in_use", f"The first request with the key {key} is still running."
    ).answer(),
)
