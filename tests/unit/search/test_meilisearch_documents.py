from __future__ import annotations

import pytest

from search.meilisearch_documents import completed, keys_of, plain, to_meilisearch
from tests.search_documents import document


def test_other_forms_stand_for_plurals_and_singulars() -> None:
    flat = to_meilisearch(
        document("Wolf knife", categories=("Dresses",), attribute_values=("Berry", "Box"))
    )

    assert flat["other_forms"] == ["berries", "boxes", "dress", "knives", "wolves"]


def test_name_is_completed_from_each_word_and_tells_whose_it_is() -> None:
    keys = keys_of("cat_1", "Bed\tlinen")

    assert keys == ["bed linen\tBed linen\tcat_1", "linen\tBed linen\tcat_1"]
    assert [completed(key, "lin") for key in keys] == [None, ("Bed linen", "cat_1")]
    assert completed("lin", "lin") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"Crème" -brûlée', "creme brulee"), ("T-shirt", "t shirt"), ("\x00*", ""), ("", "")],
)
def test_plain_text_has_words_alone(text: str, expected: str) -> None:
    assert plain(text) == expected
