"""What a confirmed checkout may cost, and what its history may not know."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import event

from tests.replay.reading import readable
from tests.replay.record import HISTORIES
from tests.shop import ADDRESS
from tests.workflows.platform import Platform

EVENTS_IN_ALL = 20
EVENTS_AFTER_CONFIRMATION = 31
PERSONAL = [str(value) for name, value in ADDRESS.items() if value and len(str(value)) > 2]


async def test_confirmed_checkout_keeps_to_its_budget(platform: Platform) -> None:
    shop = platform.shop
    order_id = await shop.draft(await shop.stock_up(1))
    statements: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "draft AS" in statement or "UPDATE orders SET status = 'confirmed'" in statement:
            statements.append("open" if "draft AS" in statement else "confirm")
        elif order_id in str(_more):
            statements.append(statement)

    engine = platform.shop.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        await shop.place(order_id)
        await shop.checkout(order_id).result()
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert statements[:2] == ["open", "confirm"]
    history = await shop.checkout(order_id).fetch_history()
    assert len(history.events) <= EVENTS_IN_ALL
    words = readable(history.to_json())
    assert order_id in words
    assert [word for word in PERSONAL if word in words] == []
    assert "client_secret" not in words


def test_recorded_life_of_a_plain_order_keeps_to_its_budget() -> None:
    history = json.loads((HISTORIES / "FulfillmentWorkflow-completed.json").read_text())

    assert len(history["events"]) <= EVENTS_AFTER_CONFIRMATION
