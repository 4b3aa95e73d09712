"""The application in this process, on the real PostgreSQL, Valkey and Temporal of the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.app import create_app
from core.api_keys import hash_of, new_key
from core.domain.ids import Prefix, new_id
from core.domain.permissions import EVERYTHING, RANKS, Permission, VendorRank
from core.resources import Resources, open_resources
from core.security import AccessTokens, Passwords, Principal
from core.settings import Settings
from models import ApiKey, ShippingOption, TaxRule, User
from models.catalogue import EVERYWHERE
from models.repositories import impersonation
from tests.shop import ADDRESS, Shelf, Shop
from workers.registry import POOLS
from workers.runtime import running_pools

PASSWORD = "plum-kettle-orbit-42"
TABLES = ("users", "refresh_tokens", "idempotency_keys", "checkout_drafts", "orders", "holds")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone with an account, and the header that proves it."""

    user_id: str
    email: str
    headers: dict[str, str]


class World:
    """A shop, its application and the people who use it."""

    def __init__(self, app: FastAPI, resources: Resources) -> None:
        self.app = app
        self.resources = resources
        self.database = resources.database
        self.shop = Shop(resources.database, resources.temporal)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://api.test",
        )

    async def person(
        self,
        role: str = "customer",
        *,
        vendor_id: str | None = None,
        rank: VendorRank = VendorRank.OWNER,
        permissions: frozenset[Permission] = EVERYTHING,
        impersonator_id: str | None = None,
    ) -> Person:
        """Somebody with an account and a token.

        Of staff with ``permissions``; of a vendor as owner, if nothing else is said; a person as
        whom ``impersonator_id`` acts.
        """
        user_id = new_id(Prefix.USER)
        granted = {"staff": permissions, "vendor": RANKS[rank]}.get(role, frozenset())
        if vendor_id is None:
            granted = granted if role == "staff" else frozenset()
        email = f"{user_id}@shop.perdure.dev"
        async with self.database.transaction() as session:
            session.add(
                User(
                    id=user_id,
                    email=email,
                    name="Ada",
                    role=role,
                    permissions=sorted(permissions) if role == "staff" else [],
                    password_hash=await _password_hash(),
                    vendor_id=vendor_id,
                    vendor_rank=rank if vendor_id else None,
                )
            )
        session_id = None
        if impersonator_id is not None:
            session_id = new_id(Prefix.SESSION)
            async with self.database.transaction() as session:
                await impersonation.begin(
                    session,
                    session_id,
                    user_id=user_id,
                    impersonator_id=impersonator_id,
                    reason="a test",
                    lifetime_seconds=3600,
                )
        token = AccessTokens.of(self.resources.settings.auth).issue(
            Principal(
                user_id=user_id,
                role=role,
                vendor_id=vendor_id,
                permissions=granted,
                session_id=session_id,
                impersonator_id=impersonator_id,
            )
        )
        return Person(user_id=user_id, email=email, headers={"Authorization": f"Bearer {token}"})

    async def key(
        self, created_by: str, *, vendor_id: str | None, scopes: Iterable[Permission]
    ) -> Person:
        """A key of a machine, as if it were a person; ``user_id`` is the key's id."""
        key_id = new_id(Prefix.API_KEY)
        secret = new_key(key_id, occasion="test", master="test")
        async with self.database.transaction() as session:
            session.add(
                ApiKey(
                    id=key_id,
                    name="robot",
                    vendor_id=vendor_id,
                    scopes=sorted(scopes),
                    secret_hash=hash_of(secret),
                    created_by=created_by,
                )
            )
        return Person(user_id=key_id, email="", headers={"Authorization": f"Bearer {secret}"})

    async def count_rows(self) -> dict[str, int]:
        counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in TABLES)  # noqa: S608  # names of this file
        rows = await self.database.statement(text(f"SELECT {counts}"), {})
        return dict(rows[0])


@cache
def _hashing() -> asyncio.Task[str]:
    return asyncio.ensure_future(Passwords().hash(PASSWORD))


async def _password_hash() -> str:
    """Of everybody's password, made once: hashing is slow by design."""
    return await _hashing()


def checkout_body(shelf: Shelf, **changes: Any) -> dict[str, Any]:
    return {
        "items": [{"sku": shelf.sku, "quantity": 1}],
        "currency": "USD",
        "shipping_address": dict(ADDRESS),
        "shipping_method": "standard",
        "payment": {"provider": "stripe", "payment_method": "pm_card_visa"},
        **changes,
    }


@pytest.fixture(scope="session")
async def world(settings: Settings) -> AsyncIterator[World]:
    async with open_resources(settings) as resources:
        async with resources.database.transaction() as session:
            for row in (
                TaxRule(country="US", basis_points=800),
                ShippingOption(method="standard", zone_id=EVERYWHERE, currency="USD", amount=500),
            ):
                await session.merge(row)
        made = World(create_app(settings, resources), resources)
        async with made.client:
            yield made


@pytest.fixture(scope="session")
async def shelf(world: World) -> Shelf:
    return await world.shop.stock_up(1000)


@pytest.fixture(scope="session")
async def customer(world: World) -> Person:
    return await world.person()


@pytest.fixture(scope="package")
async def workers(settings: Settings, sandbox_url: str) -> AsyncIterator[None]:
    """Every queue of the platform, and the outside world.

    They end with this package: other tests have workers of their own on the same queues.
    """
    async with (
        open_resources(settings, for_worker=True) as resources,
        running_pools(resources, list(POOLS)),
    ):
        yield
