"""What remains of the story: the accounts, the goods, who did what and why."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.demo.story.buying import BY_HAND, NOTEBOOK, SMALL_NOTEBOOK, TEE
from deploy.demo.story.people import Cast, Json, Person, require, until

SKUS = (BY_HAND, TEE, NOTEBOOK, SMALL_NOTEBOOK)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """``charges`` is the provider's view; ``restocked`` the movements of goods that came back."""

    order: Json
    charges: list[Json]
    restocked: list[Json]
    timeline: list[Json]
    audit: list[Json]

    @property
    def refunded(self) -> int:
        """What the provider has given back, minor units."""
        return sum(int(charge["refunded"]) for charge in self.charges)


async def look_back(cast: Cast, customer: Person, order_id: str, returns: list[Json]) -> Ending:
    """Read what the customer, staff and the provider have of the order, and compare."""
    worth = sum(int(one["refund"]["amount"]) for one in returns)
    order = await until(
        lambda: customer.get(f"/v1/orders/{order_id}"),
        lambda now: now["payment_status"] == "partially_refunded",
        what="the order says what was paid back",
    )
    charges = await cast.carrier.charges(order_id)
    total = int(order["total"]["amount"])
    taken = sum(int(charge["captured"]) for charge in charges)
    require(taken == total, f"{taken} was captured, the total is {total}")
    ending = Ending(
        order=order,
        charges=charges,
        restocked=await _restocked(cast.staff, {str(one["id"]) for one in returns}),
        timeline=(await customer.get(f"/v1/orders/{order_id}/timeline"))["data"],
        audit=(await cast.staff.get("/v1/admin/audit-log", target=order_id))["data"],
    )
    require(ending.refunded == worth, f"{ending.refunded} was refunded, the returns say {worth}")
    units = sum(int(movement["delta"]) for movement in ending.restocked)
    require(units == 1, f"{units} units were restocked, one could be sold again")
    nameless = [entry for entry in ending.timeline if not entry["actor"]]
    require(not nameless, f"nobody did these: {nameless}")
    return ending


async def _restocked(staff: Person, returns: set[str]) -> list[Json]:
    found: list[Json] = []
    for sku in SKUS:
        movements = await staff.get("/v1/admin/stock-movements", sku=sku, limit="100")
        found += [
            one
            for one in movements["data"]
            if any(return_id in one["reference"] for return_id in returns)
        ]
    return found
