"""Calls of those who sell, for tests of the catalogue."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from models import Vendor, VendorStatus
from tests.integration.api.conftest import Person, World
from tests.shop import ADDRESS

OPTIONS = [{"name": "color", "values": ["black", "red"]}, {"name": "size", "values": ["M", "L"]}]


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def variant(**changes: Any) -> dict[str, Any]:
    return {
        "sku": new_id(Prefix.VARIANT).upper(),
        "attributes": {"color": "black", "size": "M"},
        "price": usd(1999),
        **changes,
    }


class Seller:
    """A member of a new vendor, and what they call."""

    def __init__(self, world: World, person: Person, vendor_id: str) -> None:
        self.world = world
        self.person = person
        self.vendor_id = vendor_id

    @classmethod
    async def new(cls, world: World, **vendor: Any) -> Seller:
        vendor_id = new_id(Prefix.VENDOR)
        async with world.database.transaction() as session:
            session.add(Vendor(id=vendor_id, name="Maker", slug=vendor_id, **vendor))
        return cls(world, await world.person("vendor", vendor_id=vendor_id), vendor_id)

    async def call(
        self, method: str, path: str, body: Any = None, /, **headers: str
    ) -> httpx.Response:
        return await self.world.client.request(
            method,
            f"/v1{path}",
            json=body,
            headers={
                **self.person.headers,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    async def product(self, **changes: Any) -> dict[str, Any]:
        """A published product with one variant, unless ``changes`` say otherwise."""
        body = {
            "name": f"Tee {new_id(Prefix.PRODUCT)}",
            "options": OPTIONS,
            "variants": [variant()],
            "status": "published",
            **changes,
        }
        made = await self.call("POST", "/products", body)
        assert made.status_code == 201, made.text
        document: dict[str, Any] = made.json()
        return document

    async def stock_up(self, sku: str, units: int = 9) -> None:
        warehouse_id = (await self.world.shop.stock_up(1)).warehouse_id
        await self.world.database.statement(
            text("""
                WITH moved AS (
                    INSERT INTO stock_movements
                        (warehouse_id, sku, delta, reason, reference, actor)
                    VALUES (:warehouse_id, :sku, :units, 'initial', :sku, 'test')
                )
                INSERT INTO stock (warehouse_id, sku, on_hand) VALUES (:warehouse_id, :sku, :units)
            """),
            {"warehouse_id": warehouse_id, "sku": sku, "units": units},
        )

    async def suspend(self, status: VendorStatus = VendorStatus.SUSPENDED) -> None:
        await self.world.database.statement(
            text("UPDATE vendors SET status = :status WHERE id = :id"),
            {"id": self.vendor_id, "status": status},
        )


async def quoted(world: World, sku: str) -> httpx.Response:
    body = {
        "items": [{"sku": sku, "quantity": 1}],
        "currency": "USD",
        "shipping_address": dict(ADDRESS),
        "shipping_method": "standard",
    }
    return await world.client.post("/v1/quotes", json=body)


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]
