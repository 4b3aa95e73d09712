"""Products, variants and prices as those who sell them write and read them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import (
    AT_EXAMPLE,
    MAX_INTEGER,
    MONEY_EXAMPLE,
    Moment,
    Money,
    Schema,
    Sku,
    example,
    text,
)
from api.schemas.catalogue import PRODUCT_EXAMPLE, Media, Option, Product, Variant
from api.schemas.prices import Prices, Reason, WrittenPrice
from core.domain.products import MAX_SLUG_LENGTH

MAX_VARIANTS = 100
"""Of one request: more are added one by one, or imported."""
_INT4 = 2**31 - 1
_NO_CONTROLS_BUT_LINES = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"

Name = Annotated[str, text(200), Field(examples=["Plain tee"])]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=MAX_SLUG_LENGTH),
    Field(examples=["plain-tee"]),
]
Description = Annotated[str, StringConstraints(max_length=20_000, pattern=_NO_CONTROLS_BUT_LINES)]
Word = Annotated[str, text(64)]
Id = Annotated[str, text(64)]
AttributeValue = Annotated[
    Annotated[str, text(500, 0)]
    | Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-MAX_INTEGER, le=MAX_INTEGER)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)],
    Field(union_mode="left_to_right"),
]
Attributes = Annotated[dict[Word, AttributeValue], Field(max_length=50)]
CategoryIds = Annotated[list[Id], Field(max_length=20)]
Position = Annotated[int, Field(strict=True, ge=0, le=_INT4)]
Grams = Annotated[int, Field(strict=True, ge=0, le=_INT4)]
Status = Literal["draft", "published", "archived"]


class WrittenOption(Schema):
    """What variants are told apart by; ``values`` in the order of the page."""

    name: Word
    values: Annotated[list[Word], Field(min_length=1, max_length=100)]


Options = Annotated[list[WrittenOption], Field(max_length=5)]


_NEW_VARIANT = {
    "sku": "TEE-BLK-M",
    "title": "Black, M",
    "price": MONEY_EXAMPLE,
    "attributes": {"color": "black", "size": "M"},
    "weight_grams": 180,
}


class NewVariant(Schema):
    """A value of each option of the product is among ``attributes``; without a title they make it.

    ``price`` is one more of ``prices``.
    """

    model_config = example(_NEW_VARIANT)

    sku: Sku
    title: Annotated[str, text(200)] | None = None
    attributes: Attributes = Field(default_factory=dict)
    price: WrittenPrice | None = None
    prices: Prices = Field(default_factory=list)
    position: Position = 0
    weight_grams: Grams = 0
    reason: Reason = ""


class VariantChange(Schema):
    """Only what is sent changes; a SKU never does. ``withdrawn`` variants are not sold any more."""

    model_config = example({"title": "Coal, M", "price": {"amount": 2099, "currency": "USD"}})

    title: Annotated[str, text(200)] | None = None
    attributes: Attributes | None = None
    price: WrittenPrice | None = None
    position: Position | None = None
    weight_grams: Grams | None = None
    status: Literal["active", "withdrawn"] | None = None
    reason: Reason = ""


class NewProduct(Schema):
    """Staff name the vendor; a vendor's product is its own. Without a slug the name makes it."""

    model_config = example(
        {
            "name": "Plain tee",
            "description": "Heavy cotton, cut straight.",
            "category_ids": [],
            "options": [{"name": "color", "values": ["black"]}, {"name": "size", "values": ["M"]}],
            "variants": [_NEW_VARIANT],
        }
    )

    name: Name
    slug: Slug | None = None
    description: Description = ""
    vendor_id: Id | None = None
    category_ids: CategoryIds = Field(default_factory=list)
    options: Options = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=dict)
    status: Literal["draft", "published"] = "draft"
    variants: Annotated[list[NewVariant], Field(max_length=MAX_VARIANTS)] = Field(
        default_factory=list
    )
    reason: Reason = ""


class ProductChange(Schema):
    """Only what is sent changes."""

    model_config = example({"name": "Plain tee, heavy", "status": "published"})

    name: Name | None = None
    slug: Slug | None = None
    description: Description | None = None
    category_ids: CategoryIds | None = None
    options: Options | None = None
    attributes: Attributes | None = None
    status: Status | None = None
    reason: Reason = ""


class Decision(Schema):
    """Why, in words; the vendor reads it."""

    model_config = example({"reason": "the second picture shows another product"})

    reason: Annotated[str, text(500)]


_VARIANT: dict[str, Any] = {
    **PRODUCT_EXAMPLE["variants"][0],
    "product_id": PRODUCT_EXAMPLE["id"],
    "prices": [MONEY_EXAMPLE],
    "status": "active",
    "position": 0,
    "weight_grams": 180,
    "version": 3,
}


class SellerVariant(Variant):
    """``price`` is what a customer pays now, ``prices`` what holds when nothing else does.

    ``version`` is the product's, and so is the ``ETag``.
    """

    model_config = example(_VARIANT)

    product_id: str
    price: Money | None  # type: ignore[assignment]  # customers see only variants that have one
    prices: list[Money]
    status: str
    position: int
    weight_grams: int
    version: int


class SellerMedia(Media):
    """A picture, with how far it has come; only one that is ``ready`` is shown to customers."""

    status: str
    position: int
    reason: str


class SellerProduct(Product):
    """A product in whatever state, as its vendor and staff see it.

    ``on_sale`` says whether customers see it; ``approval_reason`` what staff said last.
    """

    model_config = example(
        {
            **PRODUCT_EXAMPLE,
            "media": [
                {**PRODUCT_EXAMPLE["media"][0], "status": "ready", "position": 0, "reason": ""}
            ],
            "variants": [_VARIANT],
            "on_sale": True,
            "approval": "approved",
            "approval_reason": "",
            "version": 3,
            "created_at": AT_EXAMPLE,
            "updated_at": AT_EXAMPLE,
            "deleted_at": None,
        }
    )

    options: list[Option]
    media: list[SellerMedia]  # type: ignore[assignment]  # each is a Media, and more
    variants: list[SellerVariant]  # type: ignore[assignment]  # each is a Variant, and more
    on_sale: bool
    approval: str
    approval_reason: str
    version: int
    created_at: Moment
    updated_at: Moment
    deleted_at: Moment | None
