"""Where files are kept, and what a picture may be: the sections ``objects`` and ``media``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr

from core.section import PLACEHOLDER, Section

MEBIBYTE = 1024 * 1024


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
        default=SecretStr(f"{PLACEHOLDER}-object-key-of-32-bytes-at-least"),
        description="signs the links of the store local",
    )
    public_url: str | None = Field(
        default=None, description="of a CDN that reads the store; unset means the store itself"
    )
    link_seconds: int = Field(default=900, ge=1, description="how long a download link works")
    upload_seconds: int = Field(default=3600, ge=1, description="how long an upload link works")


class S3Settings(Section):
    """Of the store ``s3``; without a key the SDK looks for one where it always does."""

    bucket: str = "perdure"
    region: str = "us-east-1"
    endpoint_url: str | None = Field(default=None, description="unset means AWS")
    path_style: bool = Field(default=False, description="true for MinIO and the like")
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    timeout_seconds: float = 20.0


class CloudinarySettings(Section):
    cloud_name: str = "perdure"
    api_key: str = ""
    api_secret: SecretStr = SecretStr(f"{PLACEHOLDER}-cloudinary")
    api_base: str = "https://api.cloudinary.com"
    delivery_base: str = "https://res.cloudinary.com"
    timeout_seconds: float = 30.0


class MediaSettings(Section):
    max_bytes: int = Field(default=20 * MEBIBYTE, ge=1, description="of the upload of a picture")
    max_pixels: int = Field(
        default=50_000_000, ge=1, description="of a picture; more is refused before it is decoded"
    )
    thumbnail_widths: tuple[int, ...] = Field(
        default=(160, 480, 960), description="JSON list, pixels; no picture is made larger"
    )
    max_per_product: int = Field(default=30, ge=1, description="pictures of one product")
    decoded_at_once: int = Field(
        default=1, ge=1, description="by one worker; each takes up to 8 bytes a pixel"
    )
