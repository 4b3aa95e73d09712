"""Lists of products for tests, and what came of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.jobs import JobKind
from core.gateways.objects import ObjectStore
from models import Category, Vendor
from models.jobs import Job, JobStatus
from models.repositories import jobs

HEADER = "product,vendor,name,categories,status,sku,title,option:Size,price:USD,price:EUR"
STAFF = "staff:usr_01jd7x9k2me8kv1qzr5t0w3y4b"

_CATALOGUE = text("""
SELECT p.slug, p.name, p.status, p.version, p.options::text AS options, v.sku, v.title,
    v.attributes::text AS attributes, v.position,
    (SELECT string_agg(currency || ' ' || amount, ', ' ORDER BY currency)
     FROM variant_prices WHERE variant_id = v.id) AS prices,
    (SELECT string_agg(c.slug, '|' ORDER BY c.slug) FROM product_categories m
     JOIN categories c ON c.id = m.category_id WHERE m.product_id = p.id) AS categories
FROM products p JOIN variants v ON v.product_id = p.id
WHERE p.vendor_id = :vendor_id ORDER BY p.slug, v.position
""")
_FAULTS = text("""
SELECT fault ->> 'row' AS row, fault ->> 'field' AS field, fault ->> 'detail' AS detail
FROM job_parts, jsonb_array_elements(errors) AS fault
WHERE job_id = :job_id ORDER BY number, CAST(fault ->> 'row' AS int)
""")


@dataclass(frozen=True, kw_only=True)
class Seller:
    """A vendor with a category of its own name."""

    id: str
    slug: str


async def open_vendor(database: Database, *, careful: bool = False) -> Seller:
    """A vendor; ``careful`` when staff have to approve what it publishes."""
    vendor_id = new_id(Prefix.VENDOR)
    slug = vendor_id.replace("_", "-")
    async with database.transaction() as session:
        session.add(Vendor(id=vendor_id, name="Vendor", slug=slug, products_need_approval=careful))
        session.add(Category(id=new_id(Prefix.CATEGORY), name="Things", slug=slug))
    return Seller(id=vendor_id, slug=slug)


def list_of(seller: Seller, products: int, *, sizes: Sequence[str] = ("S", "M")) -> str:
    """A list of that many products, each in these sizes."""
    lines = [HEADER]
    for number in range(products):
        slug = f"{seller.slug}-{number:05}"
        for size in sizes:
            sku = f"{slug}-{size}".upper()
            of_product = f"{slug},{seller.slug},Thing {number},{seller.slug},published"
            lines.append(f"{of_product},{sku},{size},{size},{number % 90 + 1}.99,{number % 90}")
    return "\n".join(lines) + "\n"


async def write_job(
    database: Database,
    objects: ObjectStore,
    body: str | bytes,
    *,
    vendor_id: str | None = None,
    dry_run: bool = False,
    kind: JobKind = JobKind.IMPORT_PRODUCTS,
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """Write a job down with its list, as the API does; return its id."""
    job_id = new_id(Prefix.JOB)
    key = f"jobs/{job_id}/list.csv"
    content = body if isinstance(body, bytes) else body.encode()
    await objects.put(key, content, content_type="text/csv")
    async with database.transaction() as session:
        await jobs.add(
            session,
            Job(
                id=job_id,
                kind=kind,
                status=JobStatus.QUEUED,
                actor=STAFF,
                vendor_id=vendor_id,
                dry_run=dry_run,
                parameters=dict(parameters or {}),
                input_key=key,
            ),
        )
    return job_id


async def catalogue_of(database: Database, seller: Seller) -> list[dict[str, Any]]:
    """A vendor's variants with their products, in order."""
    return [dict(row) for row in await database.statement(_CATALOGUE, {"vendor_id": seller.id})]


async def job_of(database: Database, job_id: str) -> Job:
    async with database.transaction() as session:
        return await jobs.find(session, job_id)


async def faults_of(database: Database, job_id: str) -> list[tuple[int, str, str]]:
    """Line, field and reason of all that was left out."""
    rows = await database.statement(_FAULTS, {"job_id": job_id})
    return [(int(row["row"]), row["field"], row["detail"]) for row in rows]


async def text_of(pieces: AsyncIterator[bytes]) -> str:
    """A file of the store as text."""
    return b"".join([piece async for piece in pieces]).decode()


def rows_of(lines: Iterable[Sequence[str]]) -> str:
    """Rows of cells that need no quotes, as CSV."""
    return "\n".join(",".join(cells) for cells in lines) + "\n"
