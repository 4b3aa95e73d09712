"""What is Meilisearch's alone: its settings, its tasks, its outages, its tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from meilisearch import Client
from meilisearch.errors import MeilisearchApiError
from pydantic import SecretStr

from core.domain.errors import UnavailableError
from core.settings_search import MeilisearchSettings
from search.meilisearch import MeilisearchIndex
from search.meilisearch_settings import INDEX_SETTINGS
from search.meilisearch_tokens import vendor_token
from search.queries import SearchQuery, SuggestionKind
from tests.contract.search.meilisearch_stub import (
    API_KEY,
    SEARCH_KEY,
    SEARCH_KEY_UID,
    Stub,
    serving,
)
from tests.search_documents import category_id, document, product_id, vendor_id


@dataclass(frozen=True, kw_only=True)
class Served:
    stub: Stub
    settings: MeilisearchSettings
    index: MeilisearchIndex


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    stub = Stub()
    with serving(stub) as url:
        settings = MeilisearchSettings(
            url=url,
            api_key=SecretStr(API_KEY),
            search_key=SecretStr(SEARCH_KEY),
            search_key_uid=SEARCH_KEY_UID,
            task_seconds=1,
        )
        yield Served(stub=stub, settings=settings, index=MeilisearchIndex.open(settings))
    assert stub.faults == []


async def test_settings_are_applied_once_and_to_every_rebuild(served: Served) -> None:
    for _ in range(2):
        await served.index.apply_settings()
    rebuild = await served.index.begin()

    types = [task.type for task in served.stub.tasks]
    assert types == ["indexCreation", "settingsUpdate"] * 2
    for uid in ("products", rebuild):
        present = served.stub.indexes[uid].settings
        assert {name: present[name] for name in INDEX_SETTINGS} == INDEX_SETTINGS


async def test_failed_task_is_an_outage_and_the_next_try_succeeds(served: Served) -> None:
    await served.index.apply_settings()
    served.stub.failing = "documentAdditionOrUpdate"

    with pytest.raises(UnavailableError):
        await served.index.upsert([document("Lamp")])
    await served.index.upsert([document("Lamp")])

    assert await served.index.count() == 1


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
async def test_refusal_that_is_not_our_fault_is_an_outage(served: Served, status: int) -> None:
    served.stub.broken = status

    for call in (
        served.index.search(SearchQuery(text="lamp")),
        served.index.suggest("lamp", limit=3),
        served.index.ping(),
        served.index.count(),
    ):
        with pytest.raises(UnavailableError):
            await call


async def test_wrong_question_is_an_error_of_ours(served: Served) -> None:
    served.stub.broken = 400

    with pytest.raises(MeilisearchApiError):
        await served.index.search(SearchQuery(text="lamp"))


async def test_server_that_is_not_there_is_an_outage() -> None:
    nowhere = MeilisearchIndex.open(MeilisearchSettings(url="http://127.0.0.1:1"))

    for call in (nowhere.ping(), nowhere.search(SearchQuery()), nowhere.upsert([document("A")])):
        with pytest.raises(UnavailableError):
            await call


async def test_swap_that_is_repeated_does_not_swap_back(served: Served) -> None:
    await served.index.upsert([document("Old")])
    rebuild = await served.index.begin()
    await served.index.fill(rebuild, [document("New")])
    await served.index.swap(rebuild)
    # As after a crash between the swap and the deletion of what it replaced.
    Client(served.settings.url, API_KEY).create_index(rebuild)

    await served.index.swap(rebuild)

    found = (await served.index.search(SearchQuery())).product_ids
    assert list(found) == [product_id("New")]
    assert [task.type for task in served.stub.tasks].count("indexSwap") == 1


async def test_names_are_completed_from_each_of_their_words(served: Served) -> None:
    await served.index.upsert(
        [
            document("Linen shirt", vendor="Lintech", categories=("Bed linen & more",)),
            document("Sofa", vendor="Other", categories=("Scarves",)),
        ]
    )

    async def suggested(text: str) -> set[tuple[str, SuggestionKind, str]]:
        found = await served.index.suggest(text, limit=10)
        return {(one.text, one.kind, one.id) for one in found}

    category = ("Bed linen & more", SuggestionKind.CATEGORY, category_id("Bed linen & more"))
    product = ("Linen shirt", SuggestionKind.PRODUCT, product_id("Linen shirt"))
    vendor = ("Lintech", SuggestionKind.VENDOR, vendor_id("Lintech"))
    assert await suggested("LIN") == {category, product, vendor}
    assert await suggested("linen m") == {category}
    assert await suggested("linen sh") == {product}
    assert await suggested('"-') == set()


@pytest.mark.parametrize("text", ['"lamp"', "-lamp", "lamp -desk", "lamp OR 1", '"', "lamp\\"])
async def test_operators_are_ordinary_text(served: Served, text: str) -> None:
    await served.index.upsert([document("Desk lamp"), document("Chair")])

    result = await served.index.search(SearchQuery(text=text))

    assert list(result.product_ids)[:1] == [product_id("Desk lamp")] or text == '"'


@pytest.mark.parametrize("value", ['x" OR id != "', "x\\", 'x\\" IN ["', "]"])
async def test_filter_cannot_be_left(served: Served, value: str) -> None:
    await served.index.upsert([document("Lamp")])

    result = await served.index.search(SearchQuery(category_id=value, vendor_id=value))
    await served.index.delete([value])

    assert result.estimated_total == 0
    assert await served.index.count() == 1


async def test_vendors_token_finds_their_products_alone(served: Served) -> None:
    await served.index.upsert(
        [document("Lamp", vendor="North"), document("Lamp 2", vendor="South")]
    )
    token = vendor_token(served.settings, vendor_id("North"))
    assert token is not None
    client = Client(token.url, token.token)

    found = client.index(token.index).search("lamp")

    assert [hit["id"] for hit in found["hits"]] == [product_id("Lamp")]
    with pytest.raises(MeilisearchApiError) as refusal:
        client.index(token.index).get_stats()
    assert refusal.value.status_code == 403
    forged = f"{token.token[:-3]}abc"
    with pytest.raises(MeilisearchApiError):
        Client(token.url, forged).index(token.index).search("lamp")


def test_there_is_no_token_without_a_search_key() -> None:
    assert vendor_token(MeilisearchSettings(), vendor_id("North")) is None
