"""What staff does to parcels is in the audit log, once, with who, what and why."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from models.repositories import audit
from tests.integration.api.conftest import World
from tests.integration.api.test_parcels import parcel_of, post
from tests.shop import Shelf

_SHELF = text("""
SELECT v.sku, v.id AS variant_id, s.vendor_id, s.warehouse_id
FROM shipments s JOIN shipment_items i ON i.shipment_id = s.id JOIN variants v ON v.sku = i.sku
WHERE s.id = :id
""")


async def shelf_of(world: World, shipment_id: str) -> Shelf:
    """Where the parcel's goods lie."""
    (row,) = await world.database.statement(_SHELF, {"id": shipment_id})
    return Shelf(**row)


@pytest.mark.usefixtures("workers")
async def test_moves_of_staff_and_vendors_are_audited(world: World) -> None:
    staff = await world.person("staff")
    shipment_id, vendor = await parcel_of(world)
    admin = f"/v1/admin/shipments/{shipment_id}"

    accepted = await post(world, f"/v1/vendor/shipments/{shipment_id}/accept", vendor, "accept")
    assert accepted.status_code == 200
    for move in ("pack", "hand-over"):
        key = new_id(Prefix.EVENT)
        first = await post(world, f"{admin}/{move}", staff.headers, key)
        again = await post(world, f"{admin}/{move}", staff.headers, key)
        assert (first.status_code, again.content) == (200, first.content), first.text
    news = {"status": "delivered", "description": "at the neighbor's"}
    assert (await post(world, f"{admin}/events", staff.headers, "news", news)).status_code == 200
    late = {"status": "in_transit"}
    assert (await post(world, f"{admin}/events", staff.headers, "late", late)).status_code == 409

    entries = await audit.list_entries(world.database, limit=9, target=shipment_id)
    *of_staff, of_vendor = entries
    assert {entry.actor for entry in of_staff} == {f"staff:{staff.user_id}"}
    assert (of_vendor.actor.partition(":")[0], of_vendor.action) == ("vendor", "shipment.accept")
    assert [(entry.action, entry.before, entry.after) for entry in reversed(of_staff)] == [
        ("shipment.pack", {"status": "planned"}, {"status": "planned"}),
        ("shipment.hand_over", {"status": "packed"}, {"status": "packed"}),
        (
            "shipment.event",
            {"status": "handed_over"},
            {"status": "delivered", "told": "delivered", "sellable": None},
        ),
    ]


@pytest.mark.usefixtures("workers")
async def test_parcel_that_staff_sends_from_elsewhere_is_audited_with_the_reason(
    world: World,
) -> None:
    staff = await world.person("staff")
    shipment_id, _ = await parcel_of(world)
    reallocate = f"/v1/admin/shipments/{shipment_id}/reallocate"
    assert (await post(world, reallocate, staff.headers, "1", {"reason": "flood"})).status_code == (
        409
    )
    assert await audit.list_entries(world.database, limit=9, target=shipment_id) == []
    await world.shop.stock_up_elsewhere(await shelf_of(world, shipment_id), 5)

    moved = await post(world, reallocate, staff.headers, "2", {"reason": "flood"})

    assert moved.status_code == 200, moved.text
    (entry,) = await audit.list_entries(world.database, limit=9, target=shipment_id)
    assert (entry.action, entry.reason) == ("shipment.reallocate", "flood")
    assert entry.before == {"status": "planned"}
    assert entry.after is not None
    assert entry.after["status"] == "canceled"
    assert len(entry.after["shipment_ids"]) == 1
