"""Pictures of products, from the promise of an upload to the last file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.domain.errors import ConflictError, NotFoundError
from models.catalogue import MediaStatus, Product, ProductMedia
from models.oversight import AuditEntry
from models.repositories import audit
from models.repositories.product_changes import look_again, touch
from models.users import Role

_ADDED = "media.added"
_GONE = "there is no such picture"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPicture:
    """What a picture is shown with; addresses are public, lengths in pixels."""

    url: str
    content_type: str
    size_bytes: int
    width: int
    height: int
    thumbnails: Mapping[str, str]


async def promise(
    session: AsyncSession, media: ProductMedia, *, vendor_id: str | None, most: int, actor: str
) -> None:
    """Write down a picture that is to be uploaded, as the last one of its product.

    Args:
        session: the caller's transaction.
        media: the new row; its position is set here.
        vendor_id: only a product of this vendor; None for any.
        most: pictures that a product may have.
        actor: who adds it.

    Raises:
        NotFoundError: there is no such product, or it is somebody else's.
        ConflictError: it has as many pictures as it may.
    """
    await _lock_product(session, media.product_id, vendor_id)
    counted = await session.execute(
        select(func.count(), func.max(col(ProductMedia.position))).where(
            col(ProductMedia.product_id) == media.product_id,
            col(ProductMedia.status) != MediaStatus.REMOVED,
        )
    )
    number, last = counted.one()
    if number >= most:
        raise ConflictError(f"the product has {number} pictures already; {most} at most")
    media.position = 0 if last is None else last + 1
    session.add(media)
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action=_ADDED,
        target=media.id,
        reason="",
        after={"product_id": media.product_id, "content_type": media.content_type},
    )


async def of_product(
    session: AsyncSession, product_id: str, *, vendor_id: str | None
) -> Sequence[ProductMedia]:
    """Return all pictures of a product in their order, those that are not shown too.

    Raises:
        NotFoundError: there is no such product, or it is somebody else's.
    """
    await _require_product(session, product_id, vendor_id)
    found = await session.scalars(
        select(ProductMedia)
        .where(
            col(ProductMedia.product_id) == product_id,
            col(ProductMedia.status) != MediaStatus.REMOVED,
        )
        .order_by(col(ProductMedia.position), col(ProductMedia.id))
    )
    return found.all()


async def find(
    session: AsyncSession, media_id: str, *, vendor_id: str | None, lock: bool = False
) -> ProductMedia:
    """Return a picture that is not removed.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    statement = (
        select(ProductMedia)
        .join(Product, col(Product.id) == col(ProductMedia.product_id))
        .where(
            col(ProductMedia.id) == media_id,
            col(ProductMedia.status) != MediaStatus.REMOVED,
            col(Product.deleted_at).is_(None),
        )
    )
    if vendor_id is not None:
        statement = statement.where(col(Product.vendor_id) == vendor_id)
    if lock:
        statement = statement.with_for_update(of=ProductMedia)
    media = (await session.scalars(statement)).one_or_none()
    if media is None:
        raise NotFoundError(_GONE)
    return media


async def change(
    session: AsyncSession, media: ProductMedia, values: Mapping[str, Any], *, actor: str
) -> None:
    """Set the alternative text or the position; the caller has locked the row."""
    before = {name: getattr(media, name) for name in values}
    if before == dict(values):
        return
    for name, value in values.items():
        setattr(media, name, value)
    await session.flush()
    await _tell(session, media, by_vendor=_is_vendor(actor))
    await audit.record(
        session,
        actor=actor,
        action="media.changed",
        target=media.id,
        reason="",
        before=before,
        after=dict(values),
    )


async def remove(session: AsyncSession, media: ProductMedia, *, actor: str) -> None:
    """Show a picture no more; the caller has locked the row, and its workflow erases the files."""
    await _tell(session, media)
    before = media.status
    media.status = MediaStatus.REMOVED
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="media.removed",
        target=media.id,
        reason="",
        before={"product_id": media.product_id, "status": before},
    )


async def row_of(
    session: AsyncSession, media_id: str, *, lock: bool = False
) -> ProductMedia | None:
    """Return the row of a picture however it stands; None when it is gone."""
    return await session.get(ProductMedia, media_id, with_for_update=lock)


async def show(session: AsyncSession, media: ProductMedia, picture: ShownPicture) -> None:
    """Show a picture that was worked on; the caller has locked the row."""
    media.status = MediaStatus.READY
    media.url = picture.url
    media.content_type = picture.content_type
    media.size_bytes = picture.size_bytes
    media.width = picture.width
    media.height = picture.height
    media.thumbnails = dict(picture.thumbnails)
    await session.flush()
    added_by = await session.scalar(
        select(col(AuditEntry.actor)).where(
            col(AuditEntry.target) == media.id, col(AuditEntry.action) == _ADDED
        )
    )
    await _tell(session, media, by_vendor=_is_vendor(added_by or ""))


async def refuse(session: AsyncSession, media: ProductMedia, reason: str) -> None:
    """Write down why a picture is not shown; the caller has locked the row."""
    media.status = MediaStatus.REJECTED
    media.reason = reason
    await session.flush()


async def _tell(session: AsyncSession, media: ProductMedia, *, by_vendor: bool = False) -> None:
    """Only a picture that is shown changes its product; staff may have to look at it again."""
    if media.status != MediaStatus.READY:
        return
    if by_vendor and await look_again(session, [media.product_id]):
        return
    await touch(session, [media.product_id])


def _is_vendor(actor: str) -> bool:
    return actor.startswith(f"{Role.VENDOR}:")


async def _lock_product(session: AsyncSession, product_id: str, vendor_id: str | None) -> None:
    await _require_product(session, product_id, vendor_id, lock=True)


async def _require_product(
    session: AsyncSession, product_id: str, vendor_id: str | None, *, lock: bool = False
) -> None:
    statement = select(col(Product.id)).where(
        col(Product.id) == product_id, col(Product.deleted_at).is_(None)
    )
    if vendor_id is not None:
        statement = statement.where(col(Product.vendor_id) == vendor_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    if (await session.scalars(statement)).one_or_none() is None:
        raise NotFoundError("there is no such product")
