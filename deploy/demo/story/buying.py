"""A guest fills a cart, turns out to have an account, and pays once for goods of three vendors."""

from __future__ import annotations

import secrets

from deploy.demo.story.people import Cast, Json, Person, require, sign_in

BY_HAND = "THROW-OAT"
"""Of the vendor that moves its parcels by hand; it lies in two warehouses."""

TEE, NOTEBOOK, SMALL_NOTEBOOK = "TEE-BLK-M", "NOTE-A5", "NOTE-A6"
GOODS = {BY_HAND: 4, TEE: 3, NOTEBOOK: 1}
SHELVES = (3, 2)
"""Units to buy in the first warehouse and in the second: neither has four."""

CODE = "WELCOME10"
CURRENCY = "USD"
ADDRESS: Json = {
    "name": "Mary Jackson",
    "line1": "1 Pike Place",
    "city": "Seattle",
    "region": "WA",
    "postal_code": "98101",
    "country": "US",
}


async def fill_shelves(staff: Person) -> list[str]:
    """Staff put the throws where the story needs them; the ids of the two warehouses."""
    listed = (await staff.get("/v1/admin/warehouses", limit="100"))["data"]
    known = {one["id"]: one["priority"] for one in listed}
    stock = await staff.get(f"/v1/stock/{BY_HAND}")
    levels = sorted(stock["by_warehouse"], key=lambda level: known[level["warehouse_id"]])
    require(len(levels) == len(SHELVES), f"{BY_HAND} lies in {len(levels)} warehouses")
    for level, wanted in zip(levels, SHELVES, strict=True):
        delta = wanted - level["available"]
        if delta:
            change = {"warehouse_id": level["warehouse_id"], "sku": BY_HAND, "delta": delta}
            reason = "counted before the story"
            await staff.post("/v1/admin/stock-adjustments", change | {"reason": reason})
    return [level["warehouse_id"] for level in levels]


async def fill_cart(guest: Person) -> Json:
    """A guest puts goods of three vendors into a cart; it has a token of its own."""
    cart = await guest.post("/v1/carts", {"currency": CURRENCY})
    token = {"Cart-Token": cart["token"]}
    for sku, quantity in GOODS.items():
        item = {"sku": sku, "quantity": quantity}
        filled = await guest.post(f"/v1/carts/{cart['id']}/items", item, **token)
    require(
        not any(line["problems"] for line in filled["items"]), f"the cart has problems: {filled}"
    )
    return filled | {"token": cart["token"]}


async def become_customer(cast: Cast, cart: Json) -> tuple[Person, Json]:
    """The guest signs up and in; the cart comes along, and a code is kept in it."""
    account = {
        "email": f"story-{secrets.token_hex(6)}@demo.perdure.dev",
        "password": secrets.token_urlsafe(18),
    }
    await cast.guest.post("/v1/auth/register", account | {"name": ADDRESS["name"]})
    customer = await sign_in(cast.guest, account["email"], account["password"])
    token = {"Cart-Token": cart["token"]}
    merged = await customer.post(f"/v1/carts/{cart['id']}/merge", **token)
    found = {line["sku"]: line["quantity"] for line in merged["items"]}
    require(found == GOODS, f"the merged cart has {found}")
    return customer, await customer.put(f"/v1/carts/{merged['id']}/promotion", {"code": CODE})


async def check_out(customer: Person, cart: Json) -> Json:
    """One payment for the whole cart; the order is confirmed in the answer."""
    order = await customer.post(
        "/v1/checkouts",
        {
            "cart_id": cart["id"],
            "currency": CURRENCY,
            "shipping_address": ADDRESS,
            "shipping_method": "standard",
            "payment": {"provider": "stripe", "payment_method": "pm_card_visa"},
        },
    )
    require(order["status"] == "confirmed", f"the order is {order['status']}")
    require([one["code"] for one in order["promotions"]] == [CODE], "the code was not applied")
    return order
