"""What becomes of a person's data; never with a word of it, for these are payloads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class ErasureRef:
    """Whose data, by which wish."""

    erasure_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True)
class ErasureRequest:
    """Whose data; ``told`` and ``looks`` are what an earlier run of the workflow knew.

    Whether the person was told, and how often it was looked for open business.
    """

    ref: ErasureRef
    told: bool = False
    looks: int = 0


@dataclass(frozen=True, kw_only=True)
class OpenBusiness:
    """What is still under way, and how many of each; empty when nothing is.

    ``tokens_end_at`` (UTC) is when no access token of the closed account works any more.
    """

    counts: Mapping[str, int]
    tokens_end_at: datetime


@dataclass(frozen=True, kw_only=True)
class Farewell:
    """The message that tells the person; None when there is no proven address to send it to."""

    message_id: str | None


class ErasureActivities(ABC):
    """All but ``delete_files`` and ``forget_person`` are local activities."""

    @activity.defn
    @abstractmethod
    async def look_for_open_business(self, step: ErasureRef) -> OpenBusiness:
        """Count what has to end before the person can be forgotten, and show how it stands."""

    @activity.defn
    @abstractmethod
    async def write_farewell(self, step: ErasureRef) -> Farewell:
        """Write the last message; the same one however often it is called."""

    @activity.defn
    @abstractmethod
    async def delete_files(self, step: ErasureRef) -> None:
        """Delete the files that were made for the person."""

    @activity.defn
    @abstractmethod
    async def forget_person(self, step: ErasureRef) -> None:
        """Take the person out of every table."""

    @activity.defn
    @abstractmethod
    async def end_erasure(self, step: ErasureRef) -> None:
        """Say that it is done."""


@dataclass(frozen=True, kw_only=True)
class ExportRef:
    """Which export, and whose."""

    export_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True)
class MadeExport:
    """``expires_at`` (UTC) is when the file goes; None when the person was forgotten meanwhile."""

    expires_at: datetime | None


class ExportActivities(ABC):
    """Both talk to the store of files; neither is a local activity."""

    @activity.defn
    @abstractmethod
    async def make_export(self, step: ExportRef) -> MadeExport:
        """Write all that is known of a person into a file, unless that was done."""

    @activity.defn
    @abstractmethod
    async def drop_export(self, step: ExportRef) -> None:
        """Delete the file."""
