from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Own, Policy, link, seller

_READS, _WRITES = Permission.CATALOGUE_READ, Permission.CATALOGUE_WRITE

ROUTES: dict[str, Policy] = {
    "POST /v1/products/{id}/media": seller(_WRITES, own=Own.PRODUCT, idempotent=True),
    "GET /v1/products/{id}/media": seller(_READS, own=Own.PRODUCT),
    "GET /v1/media/{id}": seller(_READS, own=Own.MEDIA),
    "PATCH /v1/media/{id}": seller(_WRITES, own=Own.MEDIA),
    "DELETE /v1/media/{id}": seller(_WRITES, own=Own.MEDIA),
    "POST /v1/media/{id}/complete": seller(_WRITES, own=Own.MEDIA),
    "GET /v1/objects/{key}": link(),
    "PUT /v1/objects/{key}": link(),
}
