"""Opens the store of files that the settings name."""

from __future__ import annotations

from core.gateways.objects import ObjectStore
from core.gateways.objects_local import LocalObjectStore
from core.settings import Settings
from core.settings_objects import ObjectStoreKind


def open_object_store(settings: Settings) -> ObjectStore:
    """Open it; nothing connects before it is used."""
    objects = settings.objects
    match objects.store:
        case ObjectStoreKind.S3:
            from core.gateways.objects_s3 import (  # noqa: PLC0415  # an optional dependency
                S3ObjectStore,
            )

            return S3ObjectStore.open(settings.s3, public_url=objects.public_url)
        case ObjectStoreKind.CLOUDINARY:
            from core.gateways.objects_cloudinary import (  # noqa: PLC0415  # as above
                CloudinaryObjectStore,
            )

            return CloudinaryObjectStore.open(settings.cloudinary, public_url=objects.public_url)
        case ObjectStoreKind.LOCAL:
            return LocalObjectStore(
                objects.directory,
                key=objects.signing_key.get_secret_value(),
                base_url=settings.api.public_url,
                public_url=objects.public_url,
            )
