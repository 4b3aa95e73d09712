"""Pictures of a product as the API promises them, for tests of what follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from core.domain.ids import Prefix, new_id
from core.resources import Resources
from models import MediaStatus, ProductMedia
from models.repositories import media as pictures
from tests.shop import Shop
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.media import MediaRef
from workflows.task_queues import TaskQueue

_PRODUCT_OF = text("SELECT product_id FROM variants WHERE sku = :sku")
LINK_LASTS = timedelta(hours=1)
ACTOR = "staff:usr_1"


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Makes pictures of one product, and says when it is."""

    resources: Resources
    product_id: str
    now: datetime

    @classmethod
    async def open(cls, resources: Resources, now: datetime | None = None) -> Studio:
        shelf = await Shop(resources.database, resources.temporal).stock_up(1)
        rows = await resources.database.statement(_PRODUCT_OF, {"sku": shelf.sku})
        return cls(
            resources=resources,
            product_id=rows[0]["product_id"],
            now=now or datetime.now(UTC),
        )

    @property
    def shop(self) -> Shop:
        return Shop(self.resources.database, self.resources.temporal)

    async def promise(self, content_type: str = "image/jpeg") -> str:
        media_id = new_id(Prefix.MEDIA)
        media = ProductMedia(
            id=media_id,
            product_id=self.product_id,
            alt="",
            position=0,
            status=MediaStatus.AWAITING_UPLOAD,
            upload_key=upload_key(media_id),
            content_type=content_type,
            upload_expires_at=self.now + LINK_LASTS,
        )
        async with self.resources.database.transaction() as session:
            await pictures.promise(session, media, vendor_id=None, most=9, actor=ACTOR)
        return media_id

    async def upload(self, media_id: str, body: bytes) -> None:
        await self.resources.objects.put(upload_key(media_id), body, content_type="image/jpeg")

    async def remove(self, media_id: str) -> None:
        async with self.resources.database.transaction() as session:
            media = await pictures.find(session, media_id, vendor_id=None, lock=True)
            await pictures.remove(session, media, actor=ACTOR)

    async def follow(self, media_id: str) -> None:
        """As the API does when there is news."""
        await self.resources.temporal.start_workflow(
            Child.MEDIA,
            MediaRef(media_id=media_id),
            id=workflow_ids.media(media_id),
            task_queue=TaskQueue.CATALOGUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="media_changed",
        )

    async def row(self, media_id: str) -> dict[str, Any] | None:
        async with self.resources.database.transaction() as session:
            found = await pictures.row_of(session, media_id)
            return found.model_dump() if found else None

    async def files(self, media_id: str) -> list[str]:
        """The keys of all files of a picture."""
        found: list[str] = []
        for folder in ("uploads", "public"):
            prefix = f"{folder}/media/{media_id}/"
            found += [key async for key in self.resources.objects.list(prefix)]
        return sorted(found)


def upload_key(media_id: str) -> str:
    return f"uploads/media/{media_id}/picture"
