"""The tree of categories, by staff."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api import categories
from api.auth import CatalogueReader, CatalogueWriter
from api.dependencies import CategoryId, Cursor, CursorsDep, Limit, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.preconditions import IfMatch
from api.schemas.categories import CategoryChange, NewCategory, StaffCategory, StaffCategoryPage
from api.sellers import Document, answer, made_once
from core.domain.errors import NotFoundError
from core.domain.ids import Prefix
from models.repositories import categories as stored

api = router("staff")

_STAFF = ("not-authenticated", "forbidden")


@api.get(
    "/admin/categories",
    response_model=StaffCategoryPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_all_categories(
    *,
    _staff: CatalogueReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    deleted: Annotated[bool, Query(description="Those that were taken away")] = False,
) -> Response:
    """Return categories by id."""
    scope = {"list": "all-categories", "deleted": deleted}
    rows = await stored.page_of(
        resources.database,
        limit=limit + 1,
        after=cursors.open(cursor, scope=scope),
        deleted=deleted,
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda row: str(row["id"]),
            render=lambda row: row,
        )
    )


@api.get(
    "/admin/categories/{id}",
    response_model=StaffCategory,
    responses=problems(*_STAFF, "not-found"),
)
async def get_category(
    category_id: CategoryId, _staff: CatalogueReader, resources: Res
) -> Response:
    """Return a category, a deleted one too; its `ETag` is for the next change."""
    found = await stored.find(resources.database, category_id)
    if found is None:
        raise NotFoundError("there is no such category")
    return answer(found)


@api.post(
    "/admin/categories",
    status_code=201,
    response_model=StaffCategory,
    responses=problems(*_STAFF, "conflict", "idempotency-key-missing", "idempotency-key-reused"),
)
async def create_category(
    request: Request, wanted: NewCategory, who: CatalogueWriter, call: Idempotent, resources: Res
) -> Response:
    """Make a category."""

    async def make(category_id: str) -> Document:
        return await categories.create(resources, category_id, wanted, who=who)

    return await made_once(
        request, resources, call, Prefix.CATEGORY, make, location="/v1/admin/categories/{id}"
    )


@api.patch(
    "/admin/categories/{id}",
    response_model=StaffCategory,
    responses=problems(*_STAFF, "not-found", "conflict", "precondition-failed"),
)
async def change_category(
    category_id: CategoryId,
    wanted: CategoryChange,
    who: CatalogueWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change what is sent; another parent moves the category with all that is below it."""
    return answer(
        await categories.change(resources, category_id, wanted, who=who, if_match=if_match)
    )


@api.delete(
    "/admin/categories/{id}",
    status_code=204,
    responses=problems(*_STAFF, "not-found", "conflict", "precondition-failed"),
)
async def delete_category(
    category_id: CategoryId, who: CatalogueWriter, resources: Res, if_match: IfMatch = None
) -> Response:
    """Take a category away that has none below it; its products stay."""
    await categories.delete(resources, category_id, who=who, if_match=if_match)
    return Response(status_code=204)


@api.post(
    "/admin/categories/{id}/restore",
    response_model=StaffCategory,
    responses=problems(*_STAFF, "not-found", "conflict"),
)
async def restore_category(
    category_id: CategoryId, who: CatalogueWriter, resources: Res
) -> Response:
    """Bring a deleted category back, with the products that were in it."""
    return answer(await categories.restore(resources, category_id, who=who))
