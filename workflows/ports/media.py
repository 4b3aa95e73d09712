"""Pictures of products: an upload is looked for, made fit to be shown, shown, or refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from temporalio import activity


class MediaStage(StrEnum):
    """What is to be done for a picture."""

    AWAITED = "awaited"
    """Nothing was uploaded yet."""
    ARRIVED = "arrived"
    """The upload is there, and nobody has looked into it."""
    SETTLED = "settled"
    """It is shown, or refused."""
    REMOVED = "removed"
    """Nobody wants it any more; its files may still be there."""


@dataclass(frozen=True, kw_only=True)
class MediaRef:
    media_id: str


@dataclass(frozen=True, kw_only=True)
class MediaState:
    """``expires_at`` (UTC) is when the link of an awaited upload stops working."""

    stage: MediaStage
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PreparedMedia:
    """What was made of an upload, or why nothing was: then ``refusal`` says it in words.

    ``file`` and ``thumbnails`` (by width in pixels) are keys in the object store.
    """

    refusal: str = ""
    file: str = ""
    content_type: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    thumbnails: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EraseMedia:
    """``expired``: nothing was uploaded in time, so an awaited picture goes too."""

    media_id: str
    expired: bool = False


@dataclass(frozen=True, kw_only=True)
class SettleMedia:
    """Show what was prepared, or write down why it is refused."""

    media_id: str
    prepared: PreparedMedia


class MediaActivities(ABC):
    """All but ``settle_media`` ask the object store, and go over the task queue."""

    @abstractmethod
    @activity.defn
    async def look_at_media(self, step: MediaRef) -> MediaState:
        """Tell how a picture stands; an upload that has come is noted.

        Raises:
            UnavailableError: the object store does not answer.
        """

    @abstractmethod
    @activity.defn
    async def prepare_media(self, step: MediaRef) -> PreparedMedia:
        """Check the upload by its content and write the files that are to be shown.

        Raises:
            UnavailableError: the object store does not answer.
        """

    @abstractmethod
    @activity.defn
    async def settle_media(self, step: SettleMedia) -> MediaState:
        """Show the picture, or refuse it; one that was removed meanwhile stays so."""

    @abstractmethod
    @activity.defn
    async def drop_upload(self, step: MediaRef) -> None:
        """Remove what was uploaded: nothing reads it any more.

        Raises:
            UnavailableError: the object store does not answer.
        """

    @abstractmethod
    @activity.defn
    async def erase_media(self, step: EraseMedia) -> MediaState:
        """Remove the files of a picture that nobody wants or that never came, then its row.

        Of another picture nothing is removed.

        Raises:
            UnavailableError: the object store does not answer.
        """
