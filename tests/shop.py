"""A shop for tests: a vendor, a product, and variants with as much stock as a test needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from core.database import Database
from core.domain.ids import Prefix, new_id
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
)
from models.repositories.drafts import Cart, CartLine, PlannedLine, claim_checkout
from workflows import search_attributes, workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.messages import Checkout, CheckoutAnswer
from workflows.task_queues import TaskQueue

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
                Stock(warehouse_id=shelf.warehouse_id, sku=shelf.sku, on_hand=units, reserved=0),
            ],
            [
                StockMovement(
                    warehouse_id=shelf.warehouse_id,
                    sku=shelf.sku,
                    delta=units,
                    reason="initial",
                    reference=f"initial:{shelf.sku}",
                    actor="test",
                )
            ],
        ]
        async with self.database.transaction() as session:
            for level in rows:
                session.add_all(level)
                await session.flush()
        return shelf

    async def draft(
        self,
        shelf: Shelf,
        quantity: int = 1,
        *,
        payment_method: str = "pm_card_visa",
        hold_id: str | None = None,
    ) -> str:
        """Claim a key and write the draft of an order, as the API does; return the order's id."""
        goods = PRICE * quantity
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
                    CartLine(
                        sku=shelf.sku,
                        variant_id=shelf.variant_id,
                        vendor_id=shelf.vendor_id,
                        name="Thing",
                        quantity=quantity,
                        unit_price=PRICE,
                        total=goods,
                        tax=0,
                    )
                ],
                subtotal=goods,
                discount=0,
                shipping=SHIPPING,
                tax=0,
                total=goods + SHIPPING,
                shipping_method="standard",
                shipping_address=ADDRESS,
                provider="stripe",
                payment_method=payment_method,
                hold_id=hold_id,
                plan=[
                    PlannedLine(warehouse_id=shelf.warehouse_id, sku=shelf.sku, quantity=quantity)
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
