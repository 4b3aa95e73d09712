"""How a combination's trouble is made, and waiting until the outside world is quiet again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import text

from deploy.sandbox.faults import FaultMode
from tests.eventually import eventually
from tests.faults.combination import OPERATIONS, Call, Combination
from tests.faults.lives import LOOK_EVERY_SECONDS, PATIENCE_SECONDS, Troubled
from tests.workflows.platform import Platform

TIMEOUT_SECONDS = 2.0
"""How long the platform waits for an answer of a provider."""

TOO_LATE_MS = int(TIMEOUT_SECONDS * 1000) + 500
IN_TIME_MS = 200
TRIES_THAT_PARK = 5
"""One more than a step has before its order is shown to wait."""
REORDERED_WITHIN_MS = 600

Switch = Mapping[str, str | int]


async def make_trouble(one: Troubled) -> None:
    combination = one.combination
    for fault in _faults(combination):
        of_order = {} if fault["operation"] in _unnamed(combination) else _order(one)
        await _switch(one, "/faults", {**fault, **of_order})
    webhooks = {"service": combination.provider, "mode": combination.webhooks}
    await _switch(one, "/webhooks", {**webhooks, **_order(one), "delay_ms": REORDERED_WITHIN_MS})


def _faults(combination: Combination) -> Iterator[Switch]:
    yield {
        "service": combination.provider,
        "operation": combination.operation,
        "mode": combination.fault,
        **_how_long(combination.fault, combination.number),
    }
    if combination.call is Call.FIND:
        # Nothing is looked for unless an answer was lost before.
        yield {
            "service": combination.provider,
            "operation": OPERATIONS[combination.provider][Call.AUTHORIZE],
            "mode": FaultMode.TIMEOUT_AFTER_EFFECT,
            "latency_ms": 0,
            "count": 1,
        }


def _how_long(fault: FaultMode, number: int) -> Mapping[str, int]:
    """What cannot be answered is answered once: the next try asks before it acts."""
    late = number % 2 == 0
    match fault:
        case FaultMode.LATENCY:
            return {"count": 1, "latency_ms": TOO_LATE_MS if late else IN_TIME_MS}
        case FaultMode.TIMEOUT_AFTER_EFFECT:
            return {"count": 1, "latency_ms": TOO_LATE_MS if late else 0}
        case FaultMode.DOWN:
            return {"count": TRIES_THAT_PARK}
        case _:
            return {"count": 1 + number % 3}


def _unnamed(combination: Combination) -> set[str]:
    return {combination.operation} if combination.names_no_order else set()


def _order(one: Troubled) -> Mapping[str, str]:
    return {"order_id": one.order_id}


async def _switch(one: Troubled, path: str, switch: Switch) -> None:
    (await one.outside.http.post(path, json=dict(switch))).raise_for_status()


async def until_quiet(platform: Platform, since: float) -> None:
    """Wait until every webhook made since then (Unix seconds) is delivered and dealt with."""

    async def left() -> list[object]:
        pending = await platform.outside.http.get("/webhooks", params={"state": "pending"})
        young = [one for one in pending.json()["data"] if one["created"] >= since]
        events = await platform.shop.database.statement(
            text("SELECT provider, event_id, type FROM webhook_events WHERE processed_at IS NULL"),
            {},
        )
        return [*young, *(dict(row) for row in events)]

    await eventually(
        left,
        lambda seen: not seen,
        within_seconds=PATIENCE_SECONDS,
        look_every_seconds=LOOK_EVERY_SECONDS,
    )
