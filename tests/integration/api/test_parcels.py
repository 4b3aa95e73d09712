"""Vendors see and move their own parcels, staff those of all; what is not possible is a 409."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.fulfillment import PostgresFulfillmentActivities
from api.schemas.shipments import Parcel, ParcelPage
from core.domain.ids import Prefix, new_id
from core.domain.permissions import RANKS, VendorRank
from core.security import AccessTokens, Principal
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World
from tests.shop import ADDRESS
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.fulfillment import OrderRef
from workflows.ports.shipments import PlannedShipment
from workflows.task_queues import TaskQueue


def headers_of_vendor(world: World, vendor_id: str | None) -> dict[str, str]:
    principal = Principal(
        user_id=new_id(Prefix.USER),
        role="vendor",
        vendor_id=vendor_id,
        permissions=RANKS[VendorRank.OWNER],
    )
    token = AccessTokens.of(world.resources.settings.auth).issue(principal)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def parcel_of(world: World) -> tuple[str, dict[str, str]]:
    """A parcel that waits for its vendor, and the headers of somebody who works there."""
    parcel, vendor = await planned_parcel(world)
    await start(world, parcel)
    return parcel.shipment_id, vendor


async def start(world: World, parcel: PlannedShipment) -> None:
    await world.resources.temporal.start_workflow(
        Child.SHIPMENT,
        parcel,
        id=workflow_ids.shipment(parcel.shipment_id),
        task_queue=TaskQueue.FULFILLMENT,
    )


async def planned_parcel(world: World) -> tuple[PlannedShipment, dict[str, str]]:
    """A parcel that no workflow looks after yet."""
    shelf = await world.shop.stock_up(5)
    await world.database.statement(
        text("UPDATE vendors SET fulfillment = 'manual' WHERE id = :id RETURNING id"),
        {"id": shelf.vendor_id},
    )
    order_id = await world.shop.draft(shelf, 2)
    await world.shop.place(order_id)
    fulfillment = PostgresFulfillmentActivities(
        world.database, world.resources.settings.fulfillment
    )
    # Before the fulfilment does it: its handling time is longer than a test.
    plan = await ActivityEnvironment().run(
        fulfillment.plan_fulfillment, OrderRef(order_id=order_id)
    )
    (parcel,) = plan.shipments
    return parcel, headers_of_vendor(world, shelf.vendor_id)


async def post(
    world: World, path: str, headers: dict[str, str], key: str, body: Any = None
) -> httpx.Response:
    return await world.client.post(path, headers=headers | {"Idempotency-Key": key}, json=body)


@pytest.mark.usefixtures("workers")
async def test_vendor_who_is_quicker_than_the_parcels_workflow_waits_for_it(
    world: World,
) -> None:
    parcel, vendor = await planned_parcel(world)
    path = f"/v1/vendor/shipments/{parcel.shipment_id}/accept"

    accepting = asyncio.create_task(post(world, path, vendor, "at-once"))
    claimed = text("SELECT key FROM idempotency_keys WHERE key = 'at-once'")
    await eventually(lambda: world.database.statement(claimed, {}), bool)
    await start(world, parcel)

    accepted = await accepting
    assert (accepted.status_code, accepted.json()["moves"]) == (200, ["pack", "reject"])


@pytest.mark.usefixtures("workers")
async def test_vendor_moves_a_parcel_step_by_step_and_no_step_twice(
    world: World, staff: Person
) -> None:
    shipment_id, vendor = await parcel_of(world)
    path = f"/v1/vendor/shipments/{shipment_id}"
    seen = Parcel.model_validate_json((await world.client.get(path, headers=vendor)).content)
    assert (seen.status, seen.moves, seen.shipping_address) == (
        "planned",
        ["accept", "reject"],
        None,
    )

    accepted = await post(world, f"{path}/accept", vendor, "first")
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["shipping_address"]["line1"] == ADDRESS["line1"]
    again = await post(world, f"{path}/accept", vendor, "first")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (accepted.content, "true")
    twice = await post(world, f"{path}/accept", vendor, "second")
    assert twice.status_code == 409
    assert (twice.json()["state"], twice.json()["allowed"]) == ("planned", ["pack", "reject"])

    item_id = accepted.json()["items"][0]["item_id"]
    too_many = {"items": [{"item_id": item_id, "quantity": 3}]}
    refused = await post(world, f"{path}/pack", vendor, "third", too_many)
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["pack", "reject"])
    packed = await post(world, f"{path}/pack", vendor, "fourth")
    assert (packed.status_code, packed.json()["status"]) == (200, "packed")

    events = f"/v1/admin/shipments/{shipment_id}/events"
    early = await post(world, events, staff.headers, "fifth", {"status": "delivered"})
    assert early.status_code == 409
    assert (early.json()["state"], early.json()["allowed"]) == (
        "packed",
        ["canceled", "handed_over"],
    )
    gone = await post(world, f"{path}/hand-over", vendor, "sixth")
    assert (gone.status_code, gone.json()["status"]) == (200, "handed_over")
    told = await post(world, events, staff.headers, "seventh", {"status": "delivered"})
    assert (told.status_code, told.json()["status"]) == (200, "delivered")
    late = await post(world, events, staff.headers, "eighth", {"status": "in_transit"})
    assert (late.status_code, late.json()["state"]) == (409, "delivered")


@pytest.mark.usefixtures("workers")
async def test_parcel_belongs_to_its_vendor_alone(
    world: World, customer: Person, staff: Person
) -> None:
    shipment_id, vendor = await parcel_of(world)
    path = f"/v1/vendor/shipments/{shipment_id}"
    other = headers_of_vendor(world, new_id(Prefix.VENDOR))
    for headers, status in (
        (other, 404),
        (customer.headers, 403),
        (staff.headers, 403),
        (headers_of_vendor(world, None), 403),
        ({}, 401),
    ):
        assert (await world.client.get(path, headers=headers)).status_code == status
        answer = await post(world, f"{path}/accept", headers, new_id(Prefix.EVENT))
        assert answer.status_code == status
    for headers, ids in ((vendor, [shipment_id]), (other, [])):
        listed = await world.client.get(
            "/v1/vendor/shipments", params={"status": "planned"}, headers=headers
        )
        page = ParcelPage.model_validate_json(listed.content)
        assert [parcel.id for parcel in page.data] == ids
    assert (await world.client.get(path, headers=vendor)).json()["accepted_at"] is None

    admin = f"/v1/admin/shipments/{shipment_id}"
    assert (await world.client.get(admin, headers=vendor)).status_code == 403
    assert (await world.client.get(admin, headers=staff.headers)).json()["number"] == 1
    nowhere = await post(
        world, f"{admin}/reallocate", staff.headers, "nowhere", {"reason": "a flood"}
    )
    assert nowhere.status_code == 409
    accepted = await post(world, f"{admin}/accept", staff.headers, "instead")
    assert (accepted.status_code, accepted.json()["moves"]) == (200, ["pack", "reject"])
