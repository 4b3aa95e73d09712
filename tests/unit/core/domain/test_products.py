from __future__ import annotations

from functools import partial

import pytest

from core.domain.errors import InvalidStateError
from core.domain.products import (
    APPROVAL_MOVES,
    MAX_SLUG_LENGTH,
    PRODUCT_MOVES,
    Approval,
    ProductStatus,
    attribute_faults,
    choice,
    moved_approval,
    moved_product,
    option_faults,
    slug_of,
)

OPTIONS = [{"name": "color", "values": ["black", "red"]}, {"name": "a/b", "values": ["1"]}]


@pytest.mark.parametrize("present", ProductStatus)
@pytest.mark.parametrize("wanted", ProductStatus)
def test_state_moves_by_the_table_alone(present: ProductStatus, wanted: ProductStatus) -> None:
    move = partial(moved_product, approval=Approval.APPROVED, needs_approval=True, by_vendor=True)

    if wanted is present or wanted in PRODUCT_MOVES[present]:
        assert move(present, wanted) is wanted
    else:
        with pytest.raises(InvalidStateError):
            move(present, wanted)


@pytest.mark.parametrize(
    ("approval", "needs_approval", "by_vendor", "published"),
    [
        (Approval.NOT_REQUESTED, False, True, True),
        (Approval.NOT_REQUESTED, True, True, False),
        (Approval.APPROVED, True, True, True),
        (Approval.REQUESTED, False, True, False),
        (Approval.REJECTED, False, True, False),
        (Approval.REJECTED, True, False, True),
    ],
)
def test_vendor_publishes_what_does_not_wait_for_staff(
    *, approval: Approval, needs_approval: bool, by_vendor: bool, published: bool
) -> None:
    publish = partial(
        moved_product,
        ProductStatus.DRAFT,
        ProductStatus.PUBLISHED,
        approval=approval,
        needs_approval=needs_approval,
        by_vendor=by_vendor,
    )

    if published:
        assert publish() is ProductStatus.PUBLISHED
    else:
        with pytest.raises(InvalidStateError) as refused:
            publish()
        assert refused.value.allowed == ("archived",)


@pytest.mark.parametrize("present", Approval)
@pytest.mark.parametrize("wanted", Approval)
def test_approval_moves_by_the_table_alone(present: Approval, wanted: Approval) -> None:
    if wanted in APPROVAL_MOVES[present]:
        assert moved_approval(present, wanted) is wanted
    else:
        with pytest.raises(InvalidStateError):
            moved_approval(present, wanted)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Plain tee", "plain-tee"),
        ("  Écharpe d'été — N° 5 ", "echarpe-d-ete-n-5"),
        ("東京", ""),
        ("x" * 79 + " y", "x" * (MAX_SLUG_LENGTH - 1)),
    ],
)
def test_slug_has_the_words_of_the_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_options_are_named_once_with_each_value_once() -> None:
    twice = [*OPTIONS, {"name": "color", "values": ["x", "y", "x"]}]

    assert option_faults(OPTIONS) == []
    assert [fault.pointer for fault in option_faults(twice)] == [
        "/options/2/name",
        "/options/2/values/2",
    ]


def test_variant_has_a_value_of_each_option() -> None:
    fitting = {"color": "red", "a/b": "1", "ean": "4006381333931"}

    assert attribute_faults(OPTIONS, fitting) == []
    assert [fault.pointer for fault in attribute_faults(OPTIONS, {"a/b": "2"})] == [
        "/attributes",
        "/attributes/a~1b",
    ]
    assert choice(OPTIONS, fitting) == ("red", "1")
