"""A shop for tests: a vendor, a product, and variants with as much stock as a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.gateways.event_kinds import carrier_kind, paystack_kind, stripe_kind
from models import (
    Product,
    ProductStatus,
    Stock,
    StockMovement,
    Variant,
    VariantPrice,
    VariantStatus,
    Vendor,
    Warehouse,
    WebhookEvent,
)
from models.repositories.drafts import Cart, CartLine, CartPromotion, PlannedLine, claim_checkout
from workflows import search_attributes, workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.messages import Checkout, CheckoutAnswer, HoldRequest
from workflows.ports.stock import PlacedHold, WantedItem
from workflows.ports.webhooks import EventRef
from workflows.stock_reservation import StockReservationWorkflow
from workflows.task_queues import TaskQueue

KINDS = {"carrier": carrier_kind, "paystack": paystack_kind, "stripe": stripe_kind}
PRICE = 1999
SHIPPING = 500
ADDRESS = {
    "name": "Ada Test",
    "line1": "1 Test Street",
    "line2": None,
    "city": "Testville",
    "region": "CA",
    "postal_code": "94000",
    "country": "US",
    "phone": None,
}


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A variant and where it lies."""

    sku: str
    variant_id: str
    vendor_id: str
    warehouse_id: str


class Shop:
    """Writes rows that a test needs and places checkouts as the API does."""

    def __init__(self, database: Database, temporal: Client) -> None:
        self.database = database
        self.temporal = temporal
        self.customer_id = new_id(Prefix.USER)

    async def stock_up(self, units: int) -> Shelf:
        """Put a new variant with ``units`` on a shelf of a new warehouse of a new vendor."""
        shelf = Shelf(
            sku=new_id(Prefix.VARIANT).upper(),
            variant_id=new_id(Prefix.VARIANT),
            vendor_id=new_id(Prefix.VENDOR),
            warehouse_id=new_id(Prefix.WAREHOUSE),
        )
        product_id = new_id(Prefix.PRODUCT)
        rows: list[list[Any]] = [
            [
                Vendor(id=shelf.vendor_id, name="Vendor", slug=shelf.vendor_id),
                Warehouse(id=shelf.warehouse_id, name="Warehouse", country="US"),
            ],
            [
                Product(
                    id=product_id,
                    vendor_id=shelf.vendor_id,
                    name="Thing",
                    slug=product_id,
                    description="",
                    status=ProductStatus.PUBLISHED,
                )
            ],
            [
                Variant(
                    id=shelf.variant_id,
                    product_id=product_id,
                    sku=shelf.sku,
                    title="One",
                    attributes={},
                    status=VariantStatus.ACTIVE,
                    position=0,
                )
            ],
            [
                VariantPrice(variant_id=shelf.variant_id, currency="USD", amount=PRICE),
            ],
            *_units(shelf, units),
        ]
        await self._add(rows)
        return shelf

    async def stock_up_elsewhere(self, shelf: Shelf, units: int) -> Shelf:
        """Put ``units`` of the same variant on a shelf of one more warehouse."""
        other = replace(shelf, warehouse_id=new_id(Prefix.WAREHOUSE))
        warehouse = Warehouse(id=other.warehouse_id, name="Warehouse", country="US")
        await self._add([[warehouse], *_units(other, units)])
        return other

    async def _add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows level by level: each refers only to those before."""
        async with self.database.transaction() as session:
            for level in rows:
                session.add_all(level)
                await session.flush()

    async def draft(
        self,
        shelf: Shelf,
        quantity: int = 1,
        *,
        provider: str = "stripe",
        payment_method: str = "pm_card_visa",
        email: str | None = None,
        hold_id: str | None = None,
        more: Sequence[Shelf] = (),
        promotions: Sequence[CartPromotion] = (),
    ) -> str:
        """Claim a key and write the draft of an order, as the API does; return the order's id.

        ``more`` adds a unit from each of those shelves; ``promotions`` make the first line cheaper.
        """
        wanted = [(shelf, quantity), *((one, 1) for one in more)]
        goods = PRICE * (quantity + len(more))
        discount = sum(one.amount for one in promotions)
        order_id = new_id(Prefix.ORDER)
        claim = await claim_checkout(
            self.database,
            caller_id=self.customer_id,
            key=order_id,
            request_hash="",
            order_id=order_id,
            cart=Cart(
                currency="USD",
                lines=[
                    _line(one, units, discount=0 if position else discount)
                    for position, (one, units) in enumerate(wanted)
                ],
                subtotal=goods,
                discount=discount,
                shipping=SHIPPING,
                tax=0,
                total=goods - discount + SHIPPING,
                shipping_method="standard",
                shipping_address=ADDRESS,
                provider=provider,
                payment_method=payment_method,
                email=email,
                hold_id=hold_id,
                promotions=promotions,
                plan=[
                    PlannedLine(warehouse_id=one.warehouse_id, sku=one.sku, quantity=units)
                    for one, units in sorted(wanted, key=lambda line: line[0].warehouse_id)
                ],
            ),
        )
        assert claim is not None
        return claim.order_id

    async def place(self, order_id: str) -> CheckoutAnswer:
        """Start the checkout and wait for its first answer."""
        return await self.temporal.execute_update_with_start_workflow(
            CheckoutWorkflow.place, start_workflow_operation=self.start(order_id), id="place"
        )

    def start(self, order_id: str) -> WithStartWorkflowOperation[CheckoutWorkflow, Any]:
        """The start of a checkout."""
        return WithStartWorkflowOperation(
            CheckoutWorkflow.run,
            Checkout(order_id=order_id, customer_id=self.customer_id),
            id=workflow_ids.checkout(order_id),
            task_queue=TaskQueue.CHECKOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=search_attributes.of_order(order_id, self.customer_id),
        )

    def checkout(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """The checkout's workflow."""
        return self.temporal.get_workflow_handle(workflow_ids.checkout(order_id))

    def fulfillment(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """The order's workflow after its confirmation."""
        return self.temporal.get_workflow_handle(workflow_ids.fulfillment(order_id))

    async def hold(
        self, shelf: Shelf, quantity: int, *, ttl_seconds: int = 600
    ) -> tuple[str, PlacedHold]:
        """Start a hold and wait for its answer; return its id with it."""
        hold_id = new_id(Prefix.HOLD)
        start = WithStartWorkflowOperation(
            StockReservationWorkflow.run,
            HoldRequest(
                hold_id=hold_id,
                owner_id=self.customer_id,
                items=[WantedItem(sku=shelf.sku, quantity=quantity)],
                ttl_seconds=ttl_seconds,
            ),
            id=workflow_ids.hold(hold_id),
            task_queue=TaskQueue.INVENTORY,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        placed = await self.temporal.execute_update_with_start_workflow(
            StockReservationWorkflow.place, start_workflow_operation=start, id="place"
        )
        return hold_id, placed

    async def hold_status(self, hold_id: str) -> str:
        """The state of the hold's row."""
        rows = await self.database.statement(
            text("SELECT status FROM holds WHERE id = :id"), {"id": hold_id}
        )
        return str(rows[0]["status"])

    async def receive_event(
        self,
        provider: str,
        type_: str,
        *,
        object_id: str,
        reference: str | None = None,
        payment_id: str | None = None,
        payload: dict[str, Any] | None = None,
    ) -> str:
        """Store an event and run its workflow, as the API does; return what came of it."""
        kind = KINDS[provider](type_)
        event = WebhookEvent(
            provider=provider,
            event_id=new_id(Prefix.EVENT),
            type=type_,
            object_id=object_id,
            reference=reference,
            payload={"payment_id": payment_id, "subject": kind.subject, **(payload or {})},
        )
        ref = EventRef(provider=provider, event_id=event.event_id)
        await self._add([[event]])
        of_carrier = provider == "carrier"
        outcome: str = await self.temporal.execute_workflow(
            "CarrierEventWorkflow" if of_carrier else "PaymentEventWorkflow",
            ref,
            id=workflow_ids.webhook(provider, ref.event_id),
            task_queue=TaskQueue.FULFILLMENT if of_carrier else TaskQueue.PAYMENTS,
            result_type=str,
        )
        return outcome

    def workflow(self, workflow_id: str) -> WorkflowHandle[Any, Any]:
        """Any workflow, by its id."""
        return self.temporal.get_workflow_handle(workflow_id)

    async def fulfillment_started(self, order_id: str) -> bool:
        """Whether the order was handed over to its fulfilment."""
        try:
            await self.fulfillment(order_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def order(self, order_id: str) -> dict[str, Any]:
        """The order's row."""
        rows = await self.database.statement(
            text("SELECT * FROM orders WHERE id = :id"), {"id": order_id}
        )
        return dict(rows[0])

    async def events(self, order_id: str) -> list[str]:
        """The types of the timeline's entries, in their order."""
        rows = await self.database.statement(
            text("SELECT type FROM order_timeline WHERE order_id = :id ORDER BY sequence"),
            {"id": order_id},
        )
        return [row["type"] for row in rows]

    async def status(self, order_id: str) -> str | None:
        """The order's state; None before it is opened."""
        rows = await self.database.statement(
            text("SELECT status FROM orders WHERE id = :id"), {"id": order_id}
        )
        return str(rows[0]["status"]) if rows else None

    async def payment(self, order_id: str) -> dict[str, Any]:
        """The row of the order's only payment."""
        rows = await self.database.statement(
            text("SELECT * FROM payments WHERE order_id = :id"), {"id": order_id}
        )
        assert len(rows) == 1, rows
        return dict(rows[0])

    async def payments(self, order_id: str) -> list[dict[str, Any]]:
        """The rows of the order's payments, in the order of their attempts."""
        rows = await self.database.statement(
            text("SELECT * FROM payments WHERE order_id = :id ORDER BY attempt"), {"id": order_id}
        )
        return [dict(row) for row in rows]

    async def pay_next_with(self, order_id: str, payment_method: str) -> None:
        """Let the customer's card be another one, as if the bank had changed its mind."""
        await self.database.statement(
            text("UPDATE payments SET payment_method = :method WHERE order_id = :id"),
            {"id": order_id, "method": payment_method},
        )

    async def shipments(self, order_id: str) -> list[dict[str, Any]]:
        """The rows of the order's parcels, in the order of their numbers."""
        rows = await self.database.statement(
            text("SELECT * FROM shipments WHERE order_id = :id ORDER BY number"), {"id": order_id}
        )
        return [dict(row) for row in rows]

    async def timeline(self, order_id: str) -> list[dict[str, Any]]:
        """The timeline's entries, in their order."""
        rows = await self.database.statement(
            text("SELECT * FROM order_timeline WHERE order_id = :id ORDER BY sequence"),
            {"id": order_id},
        )
        return [dict(row) for row in rows]

    async def waits(self, order_id: str) -> list[str]:
        """What the order waits for, the longest first."""
        rows = await self.database.statement(
            text("SELECT what FROM order_waits WHERE order_id = :id ORDER BY since_at"),
            {"id": order_id},
        )
        return [row["what"] for row in rows]

    async def levels(self, shelf: Shelf) -> tuple[int, int]:
        """``on_hand`` and ``reserved`` of the shelf."""
        rows = await self.database.statement(
            text("SELECT on_hand, reserved FROM stock WHERE warehouse_id = :w AND sku = :s"),
            {"w": shelf.warehouse_id, "s": shelf.sku},
        )
        return rows[0]["on_hand"], rows[0]["reserved"]

    async def lines(self, order_id: str) -> list[str]:
        """The states of the order's reservation lines."""
        rows = await self.database.statement(
            text("SELECT status FROM reservation_lines WHERE order_id = :id ORDER BY id"),
            {"id": order_id},
        )
        return [row["status"] for row in rows]


def _line(shelf: Shelf, units: int, *, discount: int) -> CartLine:
    return CartLine(
        sku=shelf.sku,
        variant_id=shelf.variant_id,
        vendor_id=shelf.vendor_id,
        name="Thing",
        quantity=units,
        unit_price=PRICE,
        total=PRICE * units,
        tax=0,
        discount=discount,
    )


def _units(shelf: Shelf, units: int) -> list[list[Any]]:
    """The rows that put units on a shelf, with the movement that accounts for them."""
    return [
        [Stock(warehouse_id=shelf.warehouse_id, sku=shelf.sku, on_hand=units, reserved=0)],
        [
            StockMovement(
                warehouse_id=shelf.warehouse_id,
                sku=shelf.sku,
                delta=units,
                reason="initial",
                reference=f"initial:{shelf.warehouse_id}:{shelf.sku}",
                actor="test",
            )
        ],
    ]
