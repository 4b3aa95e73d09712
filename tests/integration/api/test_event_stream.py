"""Open streams: one poller, heartbeats, and an end when the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sqlalchemy import event, text

from api.event_stream import OrderEvents
from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import World

PATIENCE_SECONDS = 10


async def make_order(world: World, customer_id: str = "usr_x") -> str:
    order_id = new_id(Prefix.ORDER)
    await world.database.statement(
        text("""
        INSERT INTO orders (id, number, customer_id, status, payment_status, fulfillment_status,
            currency, subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount,
            shipping_method, shipping_address, workflow_id)
        VALUES (:id, nextval('order_numbers'), :customer, 'pending', 'pending', 'unfulfilled',
            'USD', 1, 0, 0, 0, 1, 'standard', '{}', :id)
        """),
        {"id": order_id, "customer": customer_id},
    )
    return order_id


async def _happens(world: World, order_id: str, kind: str, status: str) -> None:
    await world.database.statement(
        text("""
        WITH moved AS (
            UPDATE orders SET version = version + 1, status = :status WHERE id = :id
            RETURNING version)
        INSERT INTO order_timeline (order_id, sequence, type, title, detail, actor)
        SELECT :id, version, :kind, '', '', 'system' FROM moved
        """),
        {"id": order_id, "kind": kind, "status": status},
    )


def _events(world: World, heartbeat_seconds: float = 60) -> OrderEvents:
    return OrderEvents(world.database, poll_seconds=0.05, heartbeat_seconds=heartbeat_seconds)


async def _next(stream: AsyncIterator[bytes]) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return (await anext(stream)).decode()


async def _rest(stream: AsyncIterator[bytes]) -> list[str]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [chunk.decode() async for chunk in stream]


async def test_stream_tells_each_step_once_and_ends_with_the_order(world: World) -> None:
    order_id = await make_order(world)
    events = _events(world)
    stream = events.stream(order_id, 0)
    assert await _next(stream) == ": ping\n\n"

    await _happens(world, order_id, "order.placed", "pending")
    first = await _next(stream)
    await _happens(world, order_id, "order.failed", "failed")
    rest = await _rest(stream)

    assert first.startswith("event: order.placed\n")
    assert [chunk.splitlines()[-2] for chunk in [first, *rest]] == ["id: 1", "id: 2"]


async def test_quiet_stream_carries_heartbeats(world: World) -> None:
    order_id = await make_order(world)
    events = _events(world, heartbeat_seconds=0.01)
    stream = events.stream(order_id, 0)

    assert [await _next(stream) for _ in range(3)] == [": ping\n\n"] * 3
    events.close()


async def test_streams_end_when_the_process_ends(world: World) -> None:
    order_id = await make_order(world)
    events = _events(world)
    stream = events.stream(order_id, 0)
    await _next(stream)

    events.close()

    assert await _rest(stream) == []
    assert await _rest(events.stream(order_id, 0)) == []


async def test_many_streams_cost_one_statement_a_poll_and_none_when_nobody_listens(
    world: World,
) -> None:
    orders = [await make_order(world) for _ in range(20)]
    events = _events(world)
    streams = [events.stream(order_id, 0) for order_id in orders for _ in range(3)]
    statements: list[str] = []

    def on_execute(*details: object) -> None:
        statements.append(str(details[2]))

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", on_execute)
    try:
        for stream in streams:
            await _next(stream)
        for order_id in orders:
            await _happens(world, order_id, "order.failed", "failed")
        own = len(orders)
        told = await asyncio.gather(*(_rest(stream) for stream in streams))
        polls = len(statements) - own
        assert events._poller is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            await events._poller  # ends by itself: a poller that is gone asks nothing
    finally:
        event.remove(engine, "before_cursor_execute", on_execute)

    assert [len(chunks) for chunks in told] == [1] * len(streams)
    assert polls < len(streams)
