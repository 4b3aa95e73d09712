"""The life of one order that is not simple, as `perdure demo --story` tells it, to the cent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from deploy.demo.story import buying, coming_back, ending, sending
from deploy.demo.story.buying import BY_HAND, NOTEBOOK, SMALL_NOTEBOOK, TEE
from deploy.demo.story.ending import SKUS, Ending
from deploy.demo.story.people import Cast, Json, NotAsToldError, Person, on_stage
from tests.platform import Platform

# Seeded prices in cents; the code takes 10 % off, Washington levies 6.5 % on goods and shipping.
THROWS, TEES, NOTE, SMALL_NOTE = 4 * 6900, 3 * 1999, 1400, 1000
SUBTOTAL = THROWS + TEES + NOTE
DISCOUNT, SHIPPING, TAX = 3500, 500, 2080
TOTAL = SUBTOTAL - DISCOUNT + SHIPPING + TAX
TEES_PAID = TEES - 600 + 351
TWO_TEES = TEES_PAID * 2 // 3
NOTE_PAID, SMALL_NOTE_COSTS = NOTE - 140 + 82, SMALL_NOTE - 140 + 56
CHEAPER_BY = NOTE_PAID - SMALL_NOTE_COSTS

Levels = dict[str, list[tuple[int, int]]]
Parcels = Counter[tuple[str, int, str]]


async def levels(staff: Person, warehouses: Iterable[str]) -> Levels:
    """What lies in each warehouse and what of it is reserved, by SKU."""
    found: Levels = {}
    for sku in SKUS:
        stock = (await staff.get(f"/v1/stock/{sku}"))["by_warehouse"]
        by_id = {one["warehouse_id"]: (one["on_hand"], one["reserved"]) for one in stock}
        found[sku] = [by_id[one] for one in warehouses if one in by_id]
    return found


def moved(before: Levels, after: Levels) -> Levels:
    """By how much on hand and reserved have changed."""
    return {
        sku: [
            (now[0] - then[0], now[1] - then[1])
            for then, now in zip(before[sku], after[sku], strict=True)
        ]
        for sku in SKUS
    }


def as_seen(parcels: Iterable[Json]) -> Parcels:
    """SKU, units and status of every parcel; each has one line."""
    return Counter(
        (parcel["items"][0]["sku"], parcel["items"][0]["quantity"], parcel["status"])
        for parcel in parcels
    )


def amounts(order: Json) -> dict[str, int]:
    names = ("subtotal", "discount", "shipping", "tax", "total")
    return {name: order[name]["amount"] for name in names}


async def test_order_of_three_vendors_is_split_lost_resent_returned_and_exchanged(
    platform: Platform, http: httpx.AsyncClient, sandbox: httpx.AsyncClient
) -> None:
    speed = (await sandbox.get("/_control/carrier")).json()
    async with on_stage(str(http.base_url), str(sandbox.base_url)) as cast:
        warehouses = await buying.fill_shelves(cast.staff)
        before = await levels(cast.staff, warehouses)
        assert [on_hand - held for on_hand, held in before[BY_HAND]] == [3, 2]

        customer, order = await bought(cast)
        assert moved(before, await levels(cast.staff, warehouses)) == {
            BY_HAND: [(0, 3), (0, 1)],
            TEE: [(0, 3)],
            NOTEBOOK: [(0, 1)],
            SMALL_NOTEBOOK: [(0, 0)],
        }
        await packed_in_two(cast, customer, order)
        await lost_and_sent_again(cast, customer, order)
        await delivered(cast, customer, order)
        assert moved(before, await levels(cast.staff, warehouses)) == {
            BY_HAND: [(-3, 0), (-1, 0)],
            TEE: [(-6, 0)],
            NOTEBOOK: [(-1, 0)],
            SMALL_NOTEBOOK: [(0, 0)],
        }
        returns = await came_back(cast, customer, order)
        assert moved(before, await levels(cast.staff, warehouses)) == {
            BY_HAND: [(-3, 0), (-1, 0)],
            TEE: [(-5, 0)],
            NOTEBOOK: [(-1, 0)],
            SMALL_NOTEBOOK: [(-1, 0)],
        }
        me = await customer.get("/v1/me")
        remains(await ending.look_back(cast, customer, order["id"], returns), me["id"])
    assert (await sandbox.get("/_control/carrier")).json() == speed
    verified = await asyncio.to_thread(platform.perdure, "verify", check=False)
    assert verified.returncode == 0, verified.stdout


async def bought(cast: Cast) -> tuple[Person, Json]:
    """A guest's cart becomes a customer's, and one payment is authorized for it."""
    cart = await buying.fill_cart(cast.guest)
    assert cart["subtotal"]["amount"] == SUBTOTAL
    customer, merged = await buying.become_customer(cast, cart)
    assert merged["id"] != cart["id"]
    with pytest.raises(NotAsToldError, match="answered 404"):
        await Person(http=cast.guest.http, headers={"Cart-Token": cart["token"]}).get(
            f"/v1/carts/{cart['id']}"
        )

    order = await buying.check_out(customer, merged)
    assert amounts(order) == {
        "subtotal": SUBTOTAL,
        "discount": DISCOUNT,
        "shipping": SHIPPING,
        "tax": TAX,
        "total": TOTAL,
    }
    assert len({item["vendor_id"] for item in order["items"]}) == 3
    assert order["payment_status"] == "authorized"
    assert await charges(cast, order) == [("requires_capture", TOTAL, 0, 0)]
    return customer, order


async def packed_in_two(cast: Cast, customer: Person, order: Json) -> None:
    """The vendor's goods leave in three parcels from two warehouses."""
    planned = await sending.plan_of(customer, order["id"])
    assert sorted((key[0], key[1]) for key in as_seen(planned)) == [
        (NOTEBOOK, 1),
        (TEE, 3),
        (BY_HAND, 1),
        (BY_HAND, 3),
    ]
    packed = await sending.pack_in_two(cast.maker, order["id"])
    assert as_seen(packed) == {(BY_HAND, 1, "handed_over"): 2, (BY_HAND, 2, "handed_over"): 1}
    assert len({parcel["warehouse_id"] for parcel in packed}) == 2


async def lost_and_sent_again(cast: Cast, customer: Person, order: Json) -> None:
    """Staff see the lost parcel and have its goods sent once more, for nothing."""
    stuck = await sending.lose(cast, customer, order["id"], TEE)
    (wait,) = stuck["waits"]
    assert (sorted(wait["actions"]), wait["what"].startswith("lost parcel ")) == (
        ["refund", "retry", "skip"],
        True,
    )
    assert await charges(cast, order) == [("succeeded", TOTAL, TOTAL, 0)]
    sent = await sending.send_again(cast.staff, order["id"], stuck)
    assert (sent["purpose"], as_seen([sent])) == ("replacement", {(TEE, 3, "handed_over"): 1})
    staff_sees = await cast.staff.get(f"/v1/admin/orders/{order['id']}")
    assert staff_sees["waits"] == []
    assert await charges(cast, order) == [("succeeded", TOTAL, TOTAL, 0)]


async def delivered(cast: Cast, customer: Person, order: Json) -> None:
    """Every parcel has arrived but the lost one."""
    now = await sending.deliver(cast, customer, order["id"])
    assert (now["payment_status"], now["fulfillment_status"]) == ("captured", "delivered")
    assert as_seen(now["shipments"]) == {
        (NOTEBOOK, 1, "delivered"): 1,
        (BY_HAND, 1, "delivered"): 2,
        (BY_HAND, 2, "delivered"): 1,
        (TEE, 3, "delivered"): 1,
        (TEE, 3, "delivery_failed"): 1,
    }


async def came_back(cast: Cast, customer: Person, order: Json) -> list[Json]:
    """Two of three tees for their money, a notebook for a smaller one and the difference."""
    returned = await coming_back.return_two_tees(cast, customer, order)
    (item,) = returned["items"]
    assert (item["sellable_quantity"], item["damaged_quantity"]) == (1, 1)
    assert returned["refund"]["amount"] == TWO_TEES
    assert await charges(cast, order) == [("succeeded", TOTAL, TOTAL, TWO_TEES)]

    exchanged, parcels = await coming_back.exchange_notebook(cast, customer, order)
    assert exchanged["refund"]["amount"] == CHEAPER_BY
    assert as_seen(parcels)[SMALL_NOTEBOOK, 1, "delivered"] == 1
    assert await charges(cast, order) == [("succeeded", TOTAL, TOTAL, TWO_TEES + CHEAPER_BY)]
    return [returned, exchanged]


def remains(seen: Ending, customer: str) -> None:
    """The accounts are even, and it is known who did what and why."""
    order = seen.order
    assert amounts(order)["total"] == TOTAL
    assert sorted(refund["amount"]["amount"] for refund in order["refunds"]) == [
        CHEAPER_BY,
        TWO_TEES,
    ]
    assert {item["sku"]: item["returned_quantity"] for item in order["items"]} == {
        BY_HAND: 0,
        TEE: 2,
        NOTEBOOK: 1,
        SMALL_NOTEBOOK: 0,
    }
    by: dict[str, set[str]] = {}
    for entry in seen.timeline:
        by.setdefault(entry["actor"], set()).add(entry["type"])
    (staff,) = [actor for actor in by if actor.startswith("staff:")]
    (maker,) = [actor for actor in by if actor.startswith("vendor:")]
    assert by[maker] >= {"shipment.accepted", "shipment.split"}
    assert by[staff] >= {"step.resolved", "shipment.replaced", "return.approved", "return.received"}
    assert by[f"customer:{customer}"] >= {"return.requested", "return.in_transit"}
    assert "shipment.lost" in by["provider:carrier"]
    assert reasons(seen.timeline, "step.resolved") == [sending.LOST_REASON]
    assert reasons(seen.timeline, "return.requested") == ["changed_mind", "damaged"]
    (decided,) = [one for one in seen.audit if one["action"] == "order.step_retry"]
    assert (decided["actor"], decided["reason"]) == (staff, sending.LOST_REASON)


def reasons(timeline: Iterable[Json], kind: str) -> list[str]:
    return [entry["detail"] for entry in timeline if entry["type"] == kind]


async def charges(cast: Cast, order: Json) -> list[tuple[str, Any, Any, Any]]:
    """Status, amount, captured and refunded of every charge that the provider knows."""
    return [
        (one["status"], one["amount"], one["captured"], one["refunded"])
        for one in await cast.carrier.charges(order["id"])
    ]
