"""Where files are kept, and what a picture may be: the sections ``objects`` and ``media``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr

from core.section import Section


class ObjectStoreKind(StrEnum):
    LOCAL = "local"
    S3 = "s3"
    CLOUDINARY = "cloudinary"


class ObjectSettings(Section):
    store: ObjectStoreKind = Field(
        default=ObjectStoreKind.LOCAL, description="local, s3 or cloudinary"
    )
    directory: Path = Field(
        default=Path(".perdure/objects"), description="of the store local; all processes share it"
    )
    signing_key: SecretStr = Field(
        default=SecretStr("embedded-placeholder-object-key-of-32-bytes-at-least"),
        description="signs the links of the store local",
    )
    public_url: str | None = Field(
        default=None, description="of a CDN that reads the store; unset means the store itself"
    )
    link_seconds: int = Field(default=900, ge=1, description="how long a download link works")
    upload_seconds: int = Field(default=3600, ge=1, description="how long an upload link works")
