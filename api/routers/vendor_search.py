"""A token with which a vendor's own pages search their products directly."""

from __future__ import annotations

from fastapi import Response

from api.auth import VendorCatalogue
from api.dependencies import Res
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.search import SearchToken
from core.domain.errors import NotFoundError
from core.settings_search import SearchBackend
from search.meilisearch_tokens import vendor_token

api = router("vendor")


@api.get(
    "/vendor/search-token",
    response_model=SearchToken,
    responses=problems("not-authenticated", "forbidden", "not-found"),
)
async def get_search_token(vendor: VendorCatalogue, resources: Res) -> Response:
    """Return a tenant token of Meilisearch that finds the vendor's products on sale, and no others.

    Not found where products are searched in PostgreSQL, or no search key is configured.
    """
    settings = resources.settings
    token = None
    if settings.search.backend is SearchBackend.MEILISEARCH:
        token = vendor_token(settings.meilisearch, vendor.vendor_id)
    if token is None:
        raise NotFoundError("the search of this shop gives no tokens")
    return JsonResponse(token, headers={"Cache-Control": "no-store"})
