"""What all rules share: the shop, its orders, and how a step is taken."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.domain.errors import DomainError
from tests.integration.lives.world import World
from tests.shop import Shelf

STAFF = "staff:test"
Row = dict[str, Any]


class Life(RuleBasedStateMachine):
    """One shop with little stock, and the orders that are placed in it.

    The machine keeps no model of what should happen: what must be true is said by the invariants,
    and each step has to cope with whatever the database says when it is called.
    """

    world: ClassVar[World]
    steps: ClassVar[int] = 0
    outcomes: ClassVar[Counter[str]] = Counter()
    """How often each step was taken, and how often it was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.world.begin_anew()
        self.orders: list[str] = []
        self.shelves: list[Shelf] = []
        self.last: tuple[str, object] | None = None

    @initialize()
    def open_shop(self) -> None:
        """Three variants of three vendors, two of them in a second warehouse as well."""
        shop = self.world.shop
        self.shelves = [self.world.run(shop.stock_up(units)) for units in (3, 5, 9)]
        for shelf in self.shelves[:2]:
            self.shelves.append(self.world.run(shop.stock_up_elsewhere(shelf, 4)))
        self.world.rows(
            "UPDATE vendors SET fulfillment = 'manual' WHERE id = :id RETURNING id",
            id=self.shelves[1].vendor_id,
        )
        self.world.rows(
            "UPDATE variants SET backorder_policy = 'backorder', backorder_limit = 4"
            " WHERE sku = :sku RETURNING id",
            sku=self.shelves[1].sku,
        )

    @precondition(lambda life: life.last)
    @rule()
    def once_more(self) -> None:
        """What a crash after the commit, or a reset, does: the same step again."""
        assert self.last is not None
        self.take(*self.last)

    @rule(
        operation=st.sampled_from(
            ("payment_intents.create", "payment_intents.capture", "refunds.create")
        ),
        mode=st.sampled_from(("timeout_after_effect", "error_500", "connection_reset")),
    )
    def the_next_call_is_not_answered(self, operation: str, mode: str) -> None:
        self.world.run(self.world.outside.fault("stripe", operation, mode))

    @invariant()
    def every_promise_holds(self) -> None:
        Life.steps += 1
        broken = self.world.broken_promises()
        assert not broken, broken

    def teardown(self) -> None:
        told, written = self.world.provider_says(self.orders), self.world.books_say(self.orders)
        assert told == written, (told, written)

    def take(self, name: str, payload: object) -> Any:
        """Take a step; None when the domain refuses it, which is told to Hypothesis."""
        self.last = name, payload
        result = self.world.step(name, payload)
        if isinstance(result, DomainError):
            self.note(f"{name}: {result.code}")
            return None
        self.note(name)
        return result

    def note(self, outcome: str) -> None:
        """Count it, for Hypothesis too: lives with outcomes that others had not are worth more."""
        Life.outcomes[outcome] += 1
        event(outcome)

    def an_order(self, data: st.DataObject) -> str:
        """Some order, which goes on by itself for a few steps first: it can be anywhere."""
        order_id = data.draw(st.sampled_from(self.orders), label="order")
        for _ in range(data.draw(st.integers(0, 4), label="steps before")):
            self.go_on(order_id)
        return order_id

    def go_on(self, order_id: str) -> None:
        """Take the step that its workflows would take next."""
        raise NotImplementedError

    def order(self, order_id: str) -> Row:
        return self.world.rows("SELECT * FROM orders WHERE id = :id", id=order_id)[0]

    def items(self, order_id: str) -> list[Row]:
        return self.world.rows(
            "SELECT * FROM order_items WHERE order_id = :id ORDER BY position", id=order_id
        )

    def parcels(self, order_id: str) -> list[Row]:
        return self.world.rows(
            "SELECT * FROM shipments WHERE order_id = :id ORDER BY number", id=order_id
        )


some_order = precondition(lambda life: life.orders)
