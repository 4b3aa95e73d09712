"""Parcels: packed by hand, lost, sent again, delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploy.demo.story.buying import BY_HAND
from deploy.demo.story.people import Cast, Json, Person, require, until

LOST_REASON = "the carrier cannot find it; the customer waits"
GONE = frozenset({"handed_over", "in_transit", "out_for_delivery", "delivered"})


async def parcels_of(customer: Person, order_id: str) -> list[Json]:
    """The parcels of the customer's order, by number."""
    found: list[Json] = (await customer.get(f"/v1/orders/{order_id}/shipments"))["data"]
    return found


async def wait_for_parcels(
    customer: Person, order_id: str, is_so: Callable[[list[Json]], bool], *, what: str
) -> list[Json]:
    """The parcels, once it is so."""
    return await until(lambda: parcels_of(customer, order_id), is_so, what=what)


async def plan_of(customer: Person, order_id: str) -> list[Json]:
    """The handling time is over: which parcels the order will be."""
    return await wait_for_parcels(customer, order_id, bool, what="the parcels are planned")


async def own_parcels(maker: Person, order_id: str) -> list[Json]:
    """What the vendor has to send of an order, by number."""
    listed = (await maker.get("/v1/vendor/shipments", limit="100"))["data"]
    mine = [parcel for parcel in listed if parcel["order_id"] == order_id]
    return sorted(mine, key=lambda parcel: int(parcel["number"]))


async def pack_in_two(maker: Person, order_id: str) -> list[Json]:
    """The vendor accepts both parcels, packs one of them in two, and hands all three over.

    Returns:
        The vendor's three parcels, by number.
    """
    planned = await own_parcels(maker, order_id)
    require(len(planned) > 1, f"{BY_HAND} comes in {len(planned)} parcel from two warehouses")
    for parcel in planned:
        await _move(maker, parcel, "accept")
    large = max(planned, key=_units)
    item_id = large["items"][0]["item_id"]
    await _move(maker, large, "pack", {"items": [{"item_id": item_id, "quantity": 1}]})
    for parcel in planned:
        if parcel is not large:
            await _move(maker, parcel, "pack")
        await _move(maker, parcel, "hand-over")
    ids = {parcel["id"] for parcel in planned}
    (rest,) = [one for one in await own_parcels(maker, order_id) if one["id"] not in ids]
    for move in ("accept", "pack", "hand-over"):
        await _move(maker, rest, move)
    return await until(
        lambda: own_parcels(maker, order_id),
        lambda parcels: all(parcel["status"] in GONE for parcel in parcels),
        what="the vendor's parcels have left",
    )


def _units(parcel: Json) -> int:
    return sum(item["quantity"] for item in parcel["items"])


async def _move(maker: Person, parcel: Json, move: str, body: Json | None = None) -> Json:
    """Do the next thing with a parcel, once it is possible."""
    path = f"/v1/vendor/shipments/{parcel['id']}"
    wanted = move.replace("-", "_")
    await until(
        lambda: maker.get(path),
        lambda now: wanted in now["moves"],
        what=f"parcel {parcel['number']}: {move} is possible",
    )
    return await maker.post(f"{path}/{move}", body)


async def lose(cast: Cast, customer: Person, order_id: str, sku: str) -> Json:
    """The carrier loses the parcel with these goods; what staff then see among stuck orders."""

    def left(parcels: list[Json]) -> bool:
        return all(parcel["status"] in GONE for parcel in parcels if _has(parcel, sku))

    parcels = await wait_for_parcels(customer, order_id, left, what=f"{sku} has left")
    (parcel,) = [one for one in parcels if _has(one, sku)]
    await cast.carrier.says(parcel, "lost")

    async def stuck() -> list[Json]:
        data: list[Json] = (await cast.staff.get("/v1/admin/orders/stuck", limit="100"))["data"]
        return [one for one in data if one["id"] == order_id]

    (entry,) = await until(stuck, bool, what="staff see that the order is stuck")
    require("retry" in entry["actions"], f"staff can only {entry['actions']}")
    return entry


async def send_again(staff: Person, order_id: str, stuck: Json) -> Json:
    """Staff decide to send the lost goods once more; the parcel that replaces them, when gone."""
    what = stuck["waits"][0]["what"]
    decision = {"action": "retry", "what": what, "reason": LOST_REASON}
    await staff.post(f"/v1/admin/orders/{order_id}/resolve", decision)

    async def replacement() -> list[Json]:
        order = await staff.get(f"/v1/admin/orders/{order_id}")
        return [one for one in order["shipments"] if one["purpose"] == "replacement"]

    def gone(parcels: list[Json]) -> bool:
        return [parcel["status"] in GONE for parcel in parcels] == [True]

    (parcel,) = await until(replacement, gone, what="the replacement has left")
    return await staff.get(f"/v1/admin/shipments/{parcel['id']}")


async def deliver(cast: Cast, customer: Person, order_id: str) -> Json:
    """The carrier brings everything that it still has; the order, when it is delivered."""
    await bring(cast, [one for one in await parcels_of(customer, order_id) if _is_under_way(one)])
    return await until(
        lambda: customer.get(f"/v1/orders/{order_id}"),
        lambda order: (
            order["status"] == "delivered" and not any(map(_is_under_way, order["shipments"]))
        ),
        what="the order and every parcel of it are delivered",
    )


async def bring(cast: Cast, parcels: Sequence[Json]) -> None:
    """The carrier is at the door with these."""
    for parcel in parcels:
        await cast.carrier.says(parcel, "delivered")


def _is_under_way(parcel: Json) -> bool:
    return parcel["status"] in GONE - {"delivered"}


def _has(parcel: Json, sku: str) -> bool:
    return any(item["sku"] == sku for item in parcel["items"])
