"""What people type, and what they expect to find first: the same of every backend."""

from __future__ import annotations

import pytest

from search.documents import ProductDocument
from search.index import SearchIndex
from search.queries import SearchQuery, SuggestionKind
from tests.search_documents import category_id, document, product_id, vendor_id


async def found(finder: SearchIndex, text: str) -> list[str]:
    result = await finder.search(SearchQuery(text=text))
    return list(result.product_ids)


def ids(*names: str) -> list[str]:
    return [product_id(name) for name in names]


@pytest.mark.parametrize(
    ("text", "better", "worse"),
    [
        ("lamp", document("Lamp"), document("Chair", description="Fits below a lamp.")),
        ("lamp", document("Desk lamp"), document("Sofa", categories=("Lamp corner",))),
        ("walnut", document("Desk", attribute_values=("walnut",)), document("Table",
            description="Like walnut.")),
        ("shirt", document("Shirt"), document("Short skirt")),
        ("linen shirt", document("Linen shirt"), document("Shirt", description="Not of linen.")),
        ("linen shirt", document("Linen shirt"), document("Linen shirt with a very long name")),
        ("blue lamp", document("Lamp", variant_titles=("Blue",)),
         document("Chair", description="Goes with a blue lamp.")),
    ],
    ids=["name", "name-category", "attribute", "typo", "both", "whole-name", "title"],
)  # fmt: skip  # a table
async def test_the_better_match_comes_first(
    finder: SearchIndex, text: str, better: ProductDocument, worse: ProductDocument
) -> None:
    filler = [document(f"Filler {n}", description="Nothing of it.") for n in range(5)]
    await finder.upsert([worse, *filler, better])

    results = await found(finder, text)

    assert results[0] == better.id
    assert set(results) <= {better.id, worse.id}


SHELF = (
    document("Wireless headphones"),
    document("Chino trousers"),
    document("Crème brûlée dishes"),
    document("Striped T-shirt"),
    document("Bookshelf"),
    document("Summer dress", description="For hot days."),
    document("Merino sweater"),
    document("Kitchen knife", skus=("KNF-20.B_1", "KNF-26")),
    document("Café Ünïcode", vendor="Łódź & Søn"),
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("headphones", "Wireless headphones"),
        ("HEADPHONES wireless", "Wireless headphones"),
        ("headpho", "Wireless headphones"),
        ("wireless head", "Wireless headphones"),
        ("headphnes", "Wireless headphones"),
        ("haedphones", "Wireless headphones"),
        ("wirless hedphones", "Wireless headphones"),
        ("wirelessheadphones", "Wireless headphones"),
        ("headphone", "Wireless headphones"),
        ("headset", "Wireless headphones"),
        ("chino pants", "Chino trousers"),
        ("creme brulee", "Crème brûlée dishes"),
        ("CRÈME BRULÉE", "Crème brûlée dishes"),
        ("cre\u0300me", "Crème brûlée dishes"),
        ("t shirt", "Striped T-shirt"),
        ("tshirt", "Striped T-shirt"),
        ("tee", "Striped T-shirt"),
        ("book shelf", "Bookshelf"),
        ("dresses", "Summer dress"),
        ("dress for the summer", "Summer dress"),
        ("merino jumper", "Merino sweater"),
        ("KNF-20.B_1", "Kitchen knife"),
        ("knf-26", "Kitchen knife"),
        ("knives", "Kitchen knife"),
        ("unicode", "Café Ünïcode"),
        ("lodz son", "Café Ünïcode"),
    ],
)
async def test_what_is_meant_is_found_first(finder: SearchIndex, text: str, name: str) -> None:
    await finder.upsert(SHELF)

    assert (await found(finder, text))[:1] == ids(name)


async def test_all_words_are_wanted_while_some_product_has_them(finder: SearchIndex) -> None:
    await finder.upsert([document("Red lamp"), document("Blue lamp"), document("Blue chair")])

    assert await found(finder, "blue lamp") == ids("Blue lamp")


async def test_most_words_are_enough_when_no_product_has_all(finder: SearchIndex) -> None:
    await finder.upsert([document("Blue lamp"), document("Red chair"), document("Sofa")])

    assert (await found(finder, "blue lamp xylophone"))[0] == product_id("Blue lamp")
    assert await found(finder, "xylophone") == []


async def test_short_words_and_numbers_are_meant_as_they_are_written(finder: SearchIndex) -> None:
    await finder.upsert([document("Cat 20000"), document("Car 10000")])

    assert await found(finder, "cat") == ids("Cat 20000")
    assert await found(finder, "10000") == ids("Car 10000")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "'",
        '"',
        "\\",
        "a & b | !c <-> d:*A",
        "((((",
        "%",
        "_",
        "' OR 1=1; --",
        "filter = 1 AND x TO y",
        "\u200b\u202e\ufeff",
        "\U0001f4a1",
        "\ufdfa" * 20,
        "\u0130\u0131\u00df\ufb03\u01c6",
        "e" + "\u0301" * 100,
        "日本語の本",
        "x" * 5000,
        "word " * 1000,
        "1e5 -0x1f 1.5.3 007",
    ],
)
async def test_any_text_is_an_ordinary_search(finder: SearchIndex, text: str) -> None:
    await finder.upsert([document("Lamp", description=text)])

    result = await finder.search(SearchQuery(text=text))
    suggestions = await finder.suggest(text, limit=5)

    assert result.estimated_total in (0, 1)
    assert len(suggestions) <= 5


async def test_suggestions_are_names_with_a_word_that_begins_so(finder: SearchIndex) -> None:
    await finder.upsert(
        [
            document("Linen shirt", vendor="Lintech", categories=("Lingerie & more",)),
            document("Blue linen scarf", vendor="Lintech", categories=("Scarves",)),
            document("Sofa", vendor="Other", categories=("Scarves",), description="Linen."),
        ]
    )

    found = {(each.text, each.kind, each.id) for each in await finder.suggest("lin", limit=10)}

    assert found == {
        ("Linen shirt", SuggestionKind.PRODUCT, product_id("Linen shirt")),
        ("Blue linen scarf", SuggestionKind.PRODUCT, product_id("Blue linen scarf")),
        ("Lintech", SuggestionKind.VENDOR, vendor_id("Lintech")),
        ("Lingerie & more", SuggestionKind.CATEGORY, category_id("Lingerie & more")),
    }
    assert len(await finder.suggest("lin", limit=2)) == 2
    assert [each.text for each in await finder.suggest("linen shi", limit=5)] == ["Linen shirt"]
    assert await finder.suggest("nothing", limit=5) == []
