from __future__ import annotations

from typing import Any

import pytest

from tests.integration.deploy.sandbox.harness import (
    RunningSandbox,
    booking,
    eventually,
    eventually_async,
)

UNDER_WAY = ["handed_over", "in_transit", "delivered"]


async def book(sandbox: RunningSandbox, key: str, **changes: Any) -> dict[str, Any]:
    answer = await sandbox.carrier("POST", "/v1/shipments", booking(**changes), key=key)
    assert answer.status_code == 201, answer.text
    shipment: dict[str, Any] = answer.json()
    return shipment


async def statuses(sandbox: RunningSandbox, shipment_id: str) -> list[str]:
    shipment = (await sandbox.carrier("GET", f"/v1/shipments/{shipment_id}")).json()
    return [event["status"] for event in shipment["events"]]


async def test_collected_parcel_is_tracked_to_the_door(sandbox: RunningSandbox) -> None:
    shipment = await book(sandbox, "carrier-life", reference="shp_life")
    path = f"/v1/shipments/{shipment['id']}"
    assert (shipment["status"], shipment["events"]) == ("booked", [])

    first = await sandbox.carrier("POST", f"{path}/hand-over")
    again = await sandbox.carrier("POST", f"{path}/hand-over")

    await eventually(lambda: len(sandbox.receiver.about(shipment["id"])) == 3)
    assert (first.status_code, again.status_code) == (200, 200)
    assert await statuses(sandbox, shipment["id"]) == UNDER_WAY
    told = [event["data"]["status"] for event in sandbox.receiver.about(shipment["id"])]
    assert told == UNDER_WAY


async def test_booking_twice_with_one_key_is_one_shipment(sandbox: RunningSandbox) -> None:
    first = await book(sandbox, "carrier-twice", reference="shp_twice")

    again = await sandbox.carrier(
        "POST", "/v1/shipments", booking(reference="shp_twice"), key="carrier-twice"
    )
    changed = await sandbox.carrier(
        "POST", "/v1/shipments", booking(reference="shp_else"), key="carrier-twice"
    )

    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["idempotent-replayed"] == "true"
    assert changed.status_code == 422
    assert changed.json()["error"]["code"] == "idempotency_key_reused"
    found = await sandbox.carrier("GET", "/v1/shipments?reference=shp_twice")
    assert found.json() == {"data": [first]}


async def test_label_needs_no_key(sandbox: RunningSandbox) -> None:
    shipment = await book(sandbox, "carrier-label")

    label = await sandbox.http.get(
        shipment["label_url"].replace("http://sandbox.test", sandbox.url)
    )

    assert label.status_code == 200
    assert shipment["tracking_number"] in label.text


async def test_cancel_before_collection_only(sandbox: RunningSandbox) -> None:
    early = await book(sandbox, "carrier-cancel-1")
    late = await book(sandbox, "carrier-cancel-2")
    await sandbox.carrier("POST", f"/v1/shipments/{late['id']}/hand-over")

    canceled = await sandbox.carrier("POST", f"/v1/shipments/{early['id']}/cancel")
    refused = await sandbox.carrier("POST", f"/v1/shipments/{late['id']}/cancel")
    collected = await sandbox.carrier("POST", f"/v1/shipments/{early['id']}/hand-over")

    assert canceled.json()["status"] == "canceled"
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_handed_over")
    assert (collected.status_code, collected.json()["error"]["code"]) == (409, "shipment_canceled")


async def test_manual_transit_stops_until_it_is_set_again(sandbox: RunningSandbox) -> None:
    await sandbox.control("POST", "carrier", {"transit_ms": None})
    shipment = await book(sandbox, "carrier-manual")
    await sandbox.carrier("POST", f"/v1/shipments/{shipment['id']}/hand-over")
    injected = await sandbox.control(
        "POST",
        f"shipments/{shipment['id']}/events",
        {"status": "in_transit", "description": "by hand"},
    )
    assert injected.json()["events"][-1]["description"] == "by hand"

    await sandbox.control("POST", "carrier", {"transit_ms": 20})

    async def delivered() -> bool:
        return await statuses(sandbox, shipment["id"]) == UNDER_WAY

    await eventually_async(delivered)


@pytest.mark.parametrize("status", ["delivery_failed", "returning", "returned", "lost"])
async def test_injected_event_is_told_and_nothing_follows(
    sandbox: RunningSandbox, status: str
) -> None:
    await sandbox.control("POST", "carrier", {"transit_ms": None})
    shipment = await book(sandbox, f"carrier-inject-{status}")
    await sandbox.carrier("POST", f"/v1/shipments/{shipment['id']}/hand-over")

    await sandbox.control("POST", f"shipments/{shipment['id']}/events", {"status": status})
    await sandbox.control("POST", "carrier", {"transit_ms": 0})

    await eventually(lambda: len(sandbox.receiver.about(shipment["id"])) == 2)
    assert await statuses(sandbox, shipment["id"]) == ["handed_over", status]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (
            {"to_address": {**booking()["to_address"], "country": "USA"}},
            "invalid_address",
            "to_address.country",
        ),
        (
            {"to_address": {**booking()["to_address"], "name": ""}},
            "invalid_address",
            "to_address.name",
        ),
        ({"to_address": None}, "invalid_address", "to_address"),
        ({"items": []}, "invalid_request", "items"),
        ({"items": [{"sku": "A", "quantity": 0}]}, "invalid_request", "items.0.quantity"),
        ({"reference": None}, "invalid_request", "reference"),
    ],
)
async def test_bad_booking_names_its_field(
    sandbox: RunningSandbox, changes: dict[str, Any], code: str, field: str
) -> None:
    answer = await sandbox.carrier("POST", "/v1/shipments", booking(**changes), key="carrier-bad")

    assert answer.status_code == 422
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == (code, field)


async def test_requests_without_key_json_or_shipment_are_refused(sandbox: RunningSandbox) -> None:
    no_bearer = await sandbox.http.get(f"{sandbox.url}/carrier/v1/shipments")
    no_key = await sandbox.carrier("POST", "/v1/shipments", booking())
    no_json = await sandbox.http.post(
        f"{sandbox.url}/carrier/v1/shipments",
        content=b"{",
        headers=sandbox.carrier_headers("carrier-json"),
    )
    no_shipment = await sandbox.carrier("GET", "/v1/shipments/cshp_none")

    answers = [no_bearer, no_key, no_json, no_shipment]
    assert [(one.status_code, one.json()["error"]["code"]) for one in answers] == [
        (401, "not_authenticated"),
        (400, "idempotency_key_missing"),
        (400, "invalid_json"),
        (404, "not_found"),
    ]
