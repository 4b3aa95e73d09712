"""Things that belong to somebody, one maker for each kind that a path can name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from core.domain.jobs import JobKind
from core.domain.permissions import VendorRank
from core.domain.statuses import HoldStatus, SettlementStatus
from models import Hold, ProductMedia, Settlement
from models.jobs import Job, JobStatus
from models.personal_data import ExportStatus, PersonalExport
from models.repositories import sessions
from models.repositories.sessions import NewSession
from models.users import SignInMethod
from tests.integration.api.conftest import World
from tests.integration.api.kept_carts import make_cart
from tests.policies.policy import Own
from tests.returning import delivered, requested
from tests.shop import Shelf, Shop

Headers = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Belonging:
    """What is somebody's: the values of the path, and who may come in."""

    table: str
    """Where its row is, which nobody else changes."""
    path: dict[str, str]
    owner: Headers
    stranger: Headers
    """As good as the owner in all but this one thing."""
    guests: list[Headers] = field(default_factory=list)
    """Others without an account, who get 404 too."""


async def of_cart(world: World) -> Belonging:
    shelf = await world.shop.stock_up(5)
    owner, stranger = await world.person(), await world.person()
    cart = await make_cart(world, shelf, 1, owner)
    other = await make_cart(world, shelf)
    return Belonging(
        table="carts",
        path={"id": cart["id"], "sku": shelf.sku},
        owner=owner.headers,
        stranger=stranger.headers,
        guests=[{}, {"Cart-Token": other["token"]}],
    )


async def of_guests_cart(world: World) -> Belonging:
    shelf = await world.shop.stock_up(5)
    owner, stranger = await world.person(), await world.person()
    cart, other = await make_cart(world, shelf), await make_cart(world, shelf)
    return Belonging(
        table="carts",
        path={"id": cart["id"]},
        owner={**owner.headers, "Cart-Token": cart["token"]},
        stranger={**stranger.headers, "Cart-Token": other["token"]},
    )


async def of_hold(world: World) -> Belonging:
    owner, stranger = await world.person(), await world.person()
    hold = Hold(
        id=new_id(Prefix.HOLD),
        owner_id=owner.user_id,
        status=HoldStatus.RELEASED,
        expires_at=datetime.now(UTC),
    )
    async with world.database.transaction() as session:
        session.add(hold)
        path = {"id": hold.id}
    return Belonging(table="holds", path=path, owner=owner.headers, stranger=stranger.headers)


async def of_order(world: World) -> Belonging:
    return (await _sold(world))[0]


async def of_return(world: World) -> Belonging:
    return (await _sold(world, sent_back=True))[0]


async def of_parcel(world: World) -> Belonging:
    order, shelf = await _sold(world)
    (parcel,) = await world.shop.shipments(order.path["id"])
    return await _of_vendor(world, "shipments", parcel["id"], shelf.vendor_id)


async def of_settlement(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    settlement_id = new_id(Prefix.SETTLEMENT)
    async with world.database.transaction() as session:
        session.add(
            Settlement(
                id=settlement_id,
                vendor_id=shelf.vendor_id,
                currency="USD",
                period_start_at=datetime.now(UTC) - timedelta(days=1),
                period_end_at=datetime.now(UTC),
                status=SettlementStatus.CANCELED,
            )
        )
    return await _of_vendor(world, "settlements", settlement_id, shelf.vendor_id)


async def of_session(world: World) -> Belonging:
    owner, stranger = await world.person(), await world.person()
    session = NewSession(
        id=new_id(Prefix.SESSION),
        user_id=owner.user_id,
        method=SignInMethod.PASSWORD,
        token_hash=new_id(Prefix.SESSION),
        lifetime_seconds=600,
    )
    await sessions.open_session(world.database, session)
    path = {"id": session.id}
    return Belonging(table="sessions", path=path, owner=owner.headers, stranger=stranger.headers)


async def of_job(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    job_id = new_id(Prefix.JOB)
    async with world.database.transaction() as session:
        session.add(
            Job(
                id=job_id,
                kind=JobKind.EXPORT_PRODUCTS,
                status=JobStatus.DONE,
                actor="system",
                vendor_id=shelf.vendor_id,
                parameters={},
                total_rows=0,
            )
        )
    return await _of_vendor(world, "jobs", job_id, shelf.vendor_id)


async def of_export(world: World) -> Belonging:
    owner, stranger = await world.person(), await world.person()
    export_id = new_id(Prefix.EXPORT)
    async with world.database.transaction() as session:
        session.add(PersonalExport(id=export_id, user_id=owner.user_id, status=ExportStatus.QUEUED))
    return Belonging(
        table="personal_exports",
        path={"id": export_id},
        owner=owner.headers,
        stranger=stranger.headers,
    )


async def of_member(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    clerk = await world.person("vendor", vendor_id=shelf.vendor_id, rank=VendorRank.CLERK)
    return await _of_vendor(world, "users", clerk.user_id, shelf.vendor_id)


async def of_api_key(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    owner = await world.person("vendor", vendor_id=shelf.vendor_id)
    key = await world.key(owner.user_id, vendor_id=shelf.vendor_id, scopes=[])
    return await _of_vendor(world, "api_keys", key.user_id, shelf.vendor_id)


async def of_invitation(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    owner = await world.person("vendor", vendor_id=shelf.vendor_id)
    answer = await world.client.post(
        "/v1/vendor/members",
        json={"email": f"{owner.user_id}@shop.perdure.dev"},
        headers={**owner.headers, "Idempotency-Key": owner.user_id},
    )
    return await _of_vendor(world, "account_messages", answer.json()["id"], shelf.vendor_id)


async def of_product(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    return await _of_vendor(world, "products", await product_of(world, shelf), shelf.vendor_id)


async def of_deleted_product(world: World) -> Belonging:
    product = await of_product(world)
    await world.database.statement(
        text("UPDATE products SET deleted_at = now() WHERE id = :id"), product.path
    )
    return product


async def of_variant(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    return await _of_vendor(world, "variants", shelf.variant_id, shelf.vendor_id)


async def of_media(world: World) -> Belonging:
    shelf = await world.shop.stock_up(1)
    media_id = new_id(Prefix.MEDIA)
    async with world.database.transaction() as session:
        session.add(
            ProductMedia(id=media_id, product_id=await product_of(world, shelf), alt="", position=0)
        )
    return await _of_vendor(world, "product_media", media_id, shelf.vendor_id)


async def product_of(world: World, shelf: Shelf) -> str:
    rows = await world.database.statement(
        text("SELECT product_id FROM variants WHERE id = :id"), {"id": shelf.variant_id}
    )
    return str(rows[0]["product_id"])


async def _sold(world: World, *, sent_back: bool = False) -> tuple[Belonging, Shelf]:
    """A customer's order that was delivered, or a return of it."""
    shelf = await world.shop.stock_up(5)
    owner, stranger = await world.person(), await world.person()
    shop = Shop(world.database, world.resources.temporal)
    shop.customer_id = owner.user_id
    sold = await delivered(world.resources, shop, shelf)
    id_ = await requested(world.database, sold) if sent_back else sold.order_id
    tokens = world.app.state.order_tokens
    guests = [{"Order-Token": tokens.issue(one)} for one in (sold.order_id, new_id(Prefix.ORDER))]
    made = Belonging(
        table="returns" if sent_back else "orders",
        path={"id": id_},
        owner=owner.headers,
        stranger=stranger.headers,
        guests=guests,
    )
    return made, shelf


async def _of_vendor(world: World, table: str, id_: str, vendor_id: str) -> Belonging:
    owner = await world.person("vendor", vendor_id=vendor_id)
    stranger = await world.person("vendor", vendor_id=(await world.shop.stock_up(1)).vendor_id)
    return Belonging(table=table, path={"id": id_}, owner=owner.headers, stranger=stranger.headers)


MAKERS: dict[Own, Callable[[World], Awaitable[Belonging]]] = {
    Own.CART: of_cart,
    Own.GUESTS_CART: of_guests_cart,
    Own.HOLD: of_hold,
    Own.ORDER: of_order,
    Own.RETURN: of_return,
    Own.PARCEL: of_parcel,
    Own.SESSION: of_session,
    Own.SETTLEMENT: of_settlement,
    Own.JOB: of_job,
    Own.MEDIA: of_media,
    Own.MEMBER: of_member,
    Own.EXPORT: of_export,
    Own.INVITATION: of_invitation,
    Own.API_KEY: of_api_key,
    Own.PRODUCT: of_product,
    Own.DELETED_PRODUCT: of_deleted_product,
    Own.VARIANT: of_variant,
}
