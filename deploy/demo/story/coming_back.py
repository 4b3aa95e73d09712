"""The customer sends goods back: some for money, one for another."""

from __future__ import annotations

from typing import Any

from deploy.demo.story.buying import NOTEBOOK, SMALL_NOTEBOOK, TEE
from deploy.demo.story.people import Cast, Json, Person, require, until
from deploy.demo.story.sending import GONE, bring, wait_for_parcels


async def return_two_tees(cast: Cast, customer: Person, order: Json) -> Json:
    """Two of three come back: one can be sold again, one cannot, and both are paid for."""
    tee = _item(order, TEE)
    wanted = {"item_id": tee["id"], "quantity": 2, "reason": "changed_mind"}
    received = [
        {"item_id": tee["id"], "quantity": 1, "condition": "sellable"},
        {"item_id": tee["id"], "quantity": 1, "condition": "damaged"},
    ]
    return await _send_back(cast, customer, order["id"], wanted, received)


async def exchange_notebook(cast: Cast, customer: Person, order: Json) -> tuple[Json, list[Json]]:
    """A damaged notebook comes back, a smaller one goes out; the difference is paid back.

    Returns:
        The return, and the order's parcels once the exchanged goods are delivered.
    """
    notebook = _item(order, NOTEBOOK)
    wanted = {
        "item_id": notebook["id"],
        "quantity": 1,
        "reason": "damaged",
        "exchange_sku": SMALL_NOTEBOOK,
    }
    received = [{"item_id": notebook["id"], "quantity": 1, "condition": "damaged"}]
    returned = await _send_back(cast, customer, order["id"], wanted, received)

    def of_exchange(parcels: list[Json]) -> list[Json]:
        return [one for one in parcels if one["purpose"] == "exchange"]

    def gone(parcels: list[Json]) -> bool:
        return [one["status"] in GONE for one in of_exchange(parcels)] == [True]

    parcels = await wait_for_parcels(customer, order["id"], gone, what="the exchange has left")
    await bring(cast, of_exchange(parcels))
    parcels = await wait_for_parcels(
        customer,
        order["id"],
        lambda found: [one["status"] for one in of_exchange(found)] == ["delivered"],
        what="the exchange is delivered",
    )
    return returned, parcels


async def _send_back(
    cast: Cast, customer: Person, order_id: str, wanted: Json, received: list[Json]
) -> Json:
    """Asked for, approved, sent, received and inspected; the return, once it is settled."""
    opened = await customer.post(f"/v1/orders/{order_id}/returns", {"items": [wanted]})
    path = f"/v1/admin/returns/{opened['id']}"
    await cast.staff.post(f"{path}/approve", {"reason": "within two weeks"})
    shipped = {"tracking_number": "1Z999AA10123456784"}
    await customer.post(f"/v1/returns/{opened['id']}/shipped", shipped)
    await cast.staff.post(f"{path}/receive", {"items": received})
    settled = await until(
        lambda: customer.get(f"/v1/returns/{opened['id']}"),
        lambda now: now["status"] == "refunded",
        what="the return is settled",
    )
    require(settled["refund"] is not None, "nothing is paid back")
    return settled


def _item(order: Json, sku: str) -> dict[str, Any]:
    (item,) = [one for one in order["items"] if one["sku"] == sku]
    return dict(item)
