from __future__ import annotations

import pytest
from pydantic import SecretStr

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.gateways.event_kinds import carrier_kind
from core.gateways.payments import ProviderEvent
from core.settings import PostgresSettings
from models import Order, Shipment
from models.repositories.webhook_inbox import Novelty, record_event

CARRIER_ID = "cshp_1"


async def parcel(database: Database, status: str) -> None:
    """An order with one parcel at the carrier."""
    order = Order(
        id=new_id(Prefix.ORDER),
        number=1,
        customer_id=new_id(Prefix.USER),
        status="shipped",
        payment_status="captured",
        fulfillment_status="shipped",
        currency="USD",
        subtotal_amount=1,
        discount_amount=0,
        shipping_amount=0,
        tax_amount=0,
        total_amount=1,
        shipping_method="standard",
        shipping_address={},
        workflow_id="",
    )
    shipment = Shipment(
        id=new_id(Prefix.SHIPMENT),
        order_id=order.id,
        number=1,
        vendor_id=new_id(Prefix.VENDOR),
        warehouse_id=new_id(Prefix.WAREHOUSE),
        status=status,
        capture_amount=1,
        carrier="carrier",
        carrier_shipment_id=CARRIER_ID,
    )
    async with database.transaction() as session:
        session.add(order)
        await session.flush()
        session.add(shipment)


@pytest.mark.parametrize(
    ("present", "told", "novelty"),
    [
        ("packed", "handed_over", Novelty.NEW),
        ("handed_over", "handed_over", Novelty.NOTHING_NEW),
        ("handed_over", "in_transit", Novelty.NEW),
        ("in_transit", "handed_over", Novelty.NOTHING_NEW),
        ("in_transit", "delivered", Novelty.NEW),
        ("delivery_failed", "in_transit", Novelty.NEW),
        ("delivered", "in_transit", Novelty.NOTHING_NEW),
        ("delivered", "delivered", Novelty.NOTHING_NEW),
    ],
)
async def test_carriers_event_is_news_unless_the_parcel_is_as_far(
    database_url: str, present: str, told: str, novelty: Novelty
) -> None:
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    await parcel(database, present)

    answer = await record_event(
        database,
        provider="carrier",
        event=ProviderEvent(
            event_id="cevt_1",
            type=f"shipment.{told}",
            object_id=CARRIER_ID,
            reference=None,
            payload={},
            kind=carrier_kind(f"shipment.{told}"),
        ),
    )

    assert answer is novelty
    await database.close()
