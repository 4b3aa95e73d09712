"""Categories as staff write and read them."""

from __future__ import annotations

from api.schemas.base import AT_EXAMPLE, Moment, Schema, example
from api.schemas.catalogue import CATEGORY_EXAMPLE, Category
from api.schemas.prices import Reason
from api.schemas.products import Description, Id, Name, Position, Slug

_STAFFS = {
    **CATEGORY_EXAMPLE,
    "version": 1,
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
    "deleted_at": None,
}


class NewCategory(Schema):
    """Without a parent it is at the top; without a slug the name makes it."""

    model_config = example({"name": "T-shirts", "parent_id": None, "position": 3})

    name: Name
    slug: Slug | None = None
    description: Description = ""
    parent_id: Id | None = None
    position: Position = 0
    reason: Reason = ""


class CategoryChange(Schema):
    """Only what is sent changes; ``parent_id`` moves it with all that is below it."""

    model_config = example({"parent_id": "cat_01jd7x9k2me8kv1qzr5t0w3y4c", "position": 1})

    name: Name | None = None
    slug: Slug | None = None
    description: Description | None = None
    parent_id: Id | None = None
    position: Position | None = None
    reason: Reason = ""


class StaffCategory(Category):
    """``deleted_at`` is when it was taken away; customers do not see it then."""

    model_config = example(_STAFFS)

    version: int
    created_at: Moment
    updated_at: Moment
    deleted_at: Moment | None


class StaffCategoryPage(Schema):
    model_config = example({"data": [_STAFFS], "next_cursor": None})

    data: list[StaffCategory]
    next_cursor: str | None
