"""Long work on many rows: imports, exports and bulk actions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from api.schemas.base import AT_EXAMPLE, CurrencyCode, Moment, Schema, example, text
from core.domain.jobs import JobKind, OrderDeed, ProductDeed
from core.domain.products import ProductStatus
from core.domain.statuses import FulfillmentStatus, OrderStatus, PaymentStatus
from models.jobs import JobStatus

MOST_INLINE = 900_000
"""Characters of a list that comes with its request; a longer one is uploaded."""

MOST_BASIS_POINTS = 100_000
_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_URL = "https://files.perdure.dev/jobs"
_LIST = "product,name,status,sku,price:USD\ntee-black,Black Tee,draft,TEE-BLK-M,19.99\n"
_JOB: dict[str, Any] = {
    "id": f"job_{_ID}",
    "kind": "import_products",
    "status": "running",
    "dry_run": False,
    "actor": f"staff:usr_{_ID}",
    "vendor_id": None,
    "progress": 0.25,
    "total_rows": 4000,
    "done_rows": 998,
    "failed_rows": 2,
    "error": None,
    "cancel_requested_at": None,
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
    "ended_at": None,
}
_LINK = {"url": f"{_URL}/job_{_ID}/faults.csv", "expires_at": AT_EXAMPLE}
_ENDED = {**_JOB, "status": "done", "progress": 1.0, "ended_at": AT_EXAMPLE}

VendorId = Annotated[str, StringConstraints(pattern=r"^ven_[0-9a-z]{26}$")]
CategoryId = Annotated[str, StringConstraints(pattern=r"^cat_[0-9a-z]{26}$")]
ProductId = Annotated[str, StringConstraints(pattern=r"^prd_[0-9a-z]{26}$")]
OrderId = Annotated[str, StringConstraints(pattern=r"^ord_[0-9a-z]{26}$")]
CustomerId = Annotated[str, StringConstraints(pattern=r"^usr_[0-9a-z]{26}$")]
Reason = Annotated[str, text(200), Field(examples=["the season is over"])]


class ImportRequest(Schema):
    """A list of products in ``csv``, or without it a link to upload one.

    A dry run tells what is wrong, and changes nothing.
    """

    model_config = example({"dry_run": True, "csv": _LIST}, {"dry_run": False})

    dry_run: bool = False
    csv: Annotated[str, Field(min_length=1, max_length=MOST_INLINE)] | None = None


class ExportRequest(Schema):
    """Which products; without any of the fields all of them that the caller may change."""

    model_config = example({"status": "published"})

    vendor_id: VendorId | None = None
    category_id: CategoryId | None = None
    status: ProductStatus | None = None


class ProductFilter(Schema):
    """All that is named has to fit."""

    vendor_id: VendorId | None = None
    category_id: CategoryId | None = None
    status: ProductStatus | None = None


class PriceChange(Schema):
    """``basis_points`` more (or less, below zero) of each price in the currency.

    What comes out is rounded to the minor unit, half away from zero, and never below zero.
    """

    currency: CurrencyCode
    basis_points: Annotated[int, Field(strict=True, ge=-10_000, le=MOST_BASIS_POINTS)]


class ProductsRequest(Schema):
    """What to do with the products of ``ids``, or with those that fit ``filter`` now."""

    model_config = example(
        {
            "action": "change_prices",
            "filter": {"vendor_id": f"ven_{_ID}"},
            "price": {"currency": "USD", "basis_points": -1500},
            "reason": "the season is over",
        },
        {"action": "archive", "ids": [f"prd_{_ID}"], "reason": "sold out for good"},
    )

    action: ProductDeed
    ids: Annotated[list[ProductId], Field(min_length=1, max_length=10_000)] | None = None
    filter: ProductFilter | None = None
    price: PriceChange | None = None
    reason: Reason

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _one_of_both(self.ids, self.filter)
        if (self.action is ProductDeed.CHANGE_PRICES) != (self.price is not None):
            raise ValueError("price belongs to change_prices")
        return self


class OrderFilter(Schema):
    """All that is named has to fit."""

    status: OrderStatus | None = None
    payment_status: PaymentStatus | None = None
    fulfillment_status: FulfillmentStatus | None = None
    vendor_id: VendorId | None = None
    customer_id: CustomerId | None = None
    sku: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = (
        None
    )


class OrdersRequest(Schema):
    """What to do with the orders of ``ids``, or with those that fit ``filter`` now."""

    model_config = example(
        {
            "action": "hold",
            "filter": {"status": "confirmed", "sku": "TEE-BLK-M"},
            "reason": "the seam comes apart",
        }
    )

    action: OrderDeed
    ids: Annotated[list[OrderId], Field(min_length=1, max_length=10_000)] | None = None
    filter: OrderFilter | None = None
    reason: Reason

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _one_of_both(self.ids, self.filter)
        return self


class Link(Schema):
    """A file, at an address that stops working at ``expires_at``."""

    url: str
    expires_at: Moment


class Upload(Schema):
    """The one request that uploads the list; with ``fields`` it is a form with ``file`` last."""

    method: Literal["PUT", "POST"]
    url: str
    headers: dict[str, str]
    fields: dict[str, str]
    expires_at: Moment


class Job(Schema):
    """``progress`` goes from 0 to 1; ``failed_rows`` were left out, each with its reason."""

    model_config = example(_JOB)

    id: str
    kind: JobKind
    status: JobStatus
    dry_run: bool
    actor: str
    vendor_id: str | None
    progress: float
    total_rows: int | None
    done_rows: int
    failed_rows: int
    error: str | None
    cancel_requested_at: Moment | None
    created_at: Moment
    updated_at: Moment
    ended_at: Moment | None


class JobDetail(Job):
    """``output`` is what the job made, ``errors`` the list of what was wrong: line, field, why."""

    model_config = example({**_ENDED, "output": None, "errors": _LINK})

    output: Link | None
    errors: Link | None


class StartedImport(Schema):
    """``upload`` when the list is still to come; then ``POST /v1/jobs/{id}/start``."""

    model_config = example(
        {
            "job": {**_JOB, "status": "queued", "progress": 0.0, "total_rows": None},
            "upload": {
                "method": "PUT",
                "url": f"{_URL}/job_{_ID}/list.csv?signature=…",
                "headers": {"Content-Type": "text/csv"},
                "fields": {},
                "expires_at": AT_EXAMPLE,
            },
        }
    )

    job: Job
    upload: Upload | None


class JobPage(Schema):
    model_config = example({"data": [_JOB], "next_cursor": None})

    data: list[Job]
    next_cursor: str | None


def _one_of_both(ids: object, filters: Schema | None) -> None:
    if (ids is None) == (filters is None):
        raise ValueError("ids or filter, one of both")
    if filters is not None and not filters.model_fields_set:
        raise ValueError("a filter names something")
