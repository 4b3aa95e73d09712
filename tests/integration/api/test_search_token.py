"""Vendors are given tokens that find their own products, where the search knows such a thing."""

from __future__ import annotations

from dataclasses import replace

from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr

from api.app import create_app
from core.settings_search import MeilisearchSettings, SearchBackend, SearchSettings
from tests.integration.api.conftest import World
from tests.integration.api.test_parcels import headers_of_vendor

KEY = "a-search-key-of-some-length"
KEY_UID = "74c9c733-3368-4738-bbe5-1d18a5fecb37"


async def test_vendor_gets_a_token_for_their_own_products(world: World) -> None:
    shelf = await world.shop.stock_up(1)
    headers = headers_of_vendor(world, shelf.vendor_id)
    settings = world.resources.settings.model_copy(
        update={
            "search": SearchSettings(backend=SearchBackend.MEILISEARCH),
            "meilisearch": MeilisearchSettings(
                url="https://search.test", search_key=SecretStr(KEY), search_key_uid=KEY_UID
            ),
        }
    )
    resources = replace(world.resources, settings=settings)
    other = World(create_app(settings, resources), resources)

    async with other.client:
        answer = await other.client.get("/v1/vendor/search-token", headers=headers)

    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["url"], told["index"]) == ("https://search.test", "products")
    rules = jwt.decode(told["token"], OctKey.import_key(KEY), algorithms=["HS256"]).claims
    assert rules["apiKeyUid"] == KEY_UID
    assert rules["searchRules"] == {"products": {"filter": f'vendor_id = "{shelf.vendor_id}"'}}


async def test_search_without_tokens_says_so(world: World) -> None:
    shelf = await world.shop.stock_up(1)
    headers = headers_of_vendor(world, shelf.vendor_id)

    answer = await world.client.get("/v1/vendor/search-token", headers=headers)

    assert answer.status_code == 404
