"""One API call of a provider: faults before and after, the effect in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deploy.sandbox.documents import Documents
from deploy.sandbox.faults import Fault, FaultMode
from deploy.sandbox.idempotency import KeyInUseError
from deploy.sandbox.orders import order_of
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.server import drop_connection
from deploy.sandbox.transaction import Transaction

DEFAULT_LATENCY_MS = 1000
DEFAULT_HOLD_MS = 60_000
_BEFORE_EFFECT = frozenset({FaultMode.DOWN, FaultMode.CONNECTION_RESET})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """JSON bytes with a status; what is sent and what an idempotency key remembers."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a provider words the answers that do not come from its operations."""

    server_error: Callable[[], Answer]
    rate_limited: Callable[[], Answer]
    key_in_use: Callable[[str], Answer]


class Dropped(Response):
    """No answer at all: the connection ends."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send
        drop_connection(scope, reset=self._reset)
        while (await receive())["type"] != "http.disconnect":
            continue


async def exchange(
    sandbox: Sandbox,
    *,
    service: str,
    operation: str,
    key: str | None,
    dialect: Dialect,
    work: Callable[[Transaction], Answer],
    subject: Mapping[str, Any] | None = None,
) -> Response:
    """Answer one call: the effect is committed before the first byte of the answer.

    `subject` is what the call names, its parameters and the ids of its path: some faults are for
    one order only.
    """
    try:
        with sandbox.keys_in_use.claim(service, key):
            fault = await _strike(sandbox, service, operation, subject or {})
            if fault is not None:
                refused = await _before_effect(sandbox, fault, dialect)
                if refused is not None:
                    return refused
            answer, early = await sandbox.transact(work)
    except KeyInUseError:
        return respond(dialect.key_in_use(key or ""))
    if early:
        await sandbox.dispatcher.deliver_now(early)
    if fault is not None and fault.mode is FaultMode.TIMEOUT_AFTER_EFFECT:
        await sandbox.hold(DEFAULT_HOLD_MS if fault.latency_ms is None else fault.latency_ms)
        return Dropped(reset=False)
    return respond(answer)


async def _strike(
    sandbox: Sandbox, service: str, operation: str, subject: Mapping[str, Any]
) -> Fault | None:
    order_id = None
    if sandbox.faults.ask_for_order(service, operation):
        order_id = await sandbox.store.read(
            lambda connection: order_of(Documents(connection), subject)
        )
    fault = sandbox.faults.strike(service, operation, order_id)
    if fault is not None and fault.count is not None:
        await sandbox.save_faults()
    return fault


async def _before_effect(sandbox: Sandbox, fault: Fault, dialect: Dialect) -> Response | None:
    """The answer that stands in for the effect, or None when the effect shall happen."""
    if fault.mode is FaultMode.TIMEOUT_AFTER_EFFECT:
        return None
    latency = fault.latency_ms
    if fault.mode is FaultMode.LATENCY and latency is None:
        latency = DEFAULT_LATENCY_MS
    if latency:
        await sandbox.hold(latency)
    if fault.mode in _BEFORE_EFFECT:
        return Dropped(reset=fault.mode is FaultMode.CONNECTION_RESET)
    if fault.mode is FaultMode.ERROR_500:
        return respond(dialect.server_error())
    if fault.mode is FaultMode.ERROR_429:
        return respond(dialect.rate_limited())
    return None


def respond(answer: Answer) -> Response:
    return Response(
        answer.body,
        status_code=answer.status,
        headers=answer.headers,
        media_type="application/json",
    )
