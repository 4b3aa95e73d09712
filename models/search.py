"""The index of the backend that searches in PostgreSQL; all of it can be made again at any time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from models import columns


def _by_code_point(**options: Any) -> Column[Any]:
    """A text that is compared by code points: a prefix is a range of the index."""
    return Column(String(collation="C"), nullable=False, **options)


class SearchState(SQLModel, table=True):
    """One row: which of the two tables of documents is read, and which rebuild fills the other."""

    __tablename__ = "search_state"
    __table_args__ = (
        CheckConstraint("id = 1", name="is_the_only_row"),
        CheckConstraint("live IN ('a', 'b')", name="live_known"),
    )

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    live: str
    rebuild: str | None = None
    swapped: str | None = None
    """The rebuild that is read now."""
    updated_at: datetime = columns.created_at()


class SearchShelf(SQLModel, table=True):
    """What documents are counted by: a vendor and a set of categories, as one number."""

    __tablename__ = "search_shelves"
    __table_args__ = (
        Index("ix_search_shelves_category_ids", "category_ids", postgresql_using="gin"),
    )

    number: int | None = Field(
        default=None, sa_column=Column(Integer, Identity(always=True), primary_key=True)
    )
    key: str = Field(unique=True)
    """A digest of both: an index on the list itself would have a longest list."""
    vendor_id: str = Field(index=True)
    category_ids: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))


class SearchName(SQLModel, table=True):
    """What vendors and categories of documents are called, for suggestions."""

    __tablename__ = "search_names"

    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str
    key: str
    """The words of the name, folded, with one space between them and before the first."""


class SearchWord(SQLModel, table=True):
    """A word that was written somewhere: what prefixes and typos are completed and mended to."""

    __tablename__ = "search_words"
    __table_args__ = (
        Index("ix_search_words_lexeme", "lexeme"),
        Index(
            "ix_search_words_similar",
            "word",
            postgresql_using="gin",
            postgresql_ops={"word": "gin_trgm_ops"},
        ),
    )

    word: str = Field(sa_column=_by_code_point(primary_key=True))
    lexeme: str
    documents: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    """How many have the lexeme, as counted by the last rebuild: the more, the likelier meant."""


class _SearchDocument(SQLModel):
    """A product that is on sale; the two tables are filled in turn."""

    number: int | None = Field(
        default=None,
        primary_key=True,
        sa_type=Integer,
        sa_column_args=[Identity(always=True)],
    )
    product_id: str = Field(unique=True)
    terms: str = Field(sa_type=TSVECTOR, nullable=False)
    """Lexemes: A the name, B categories, attributes, titles, C the vendor, D the description; SKUs
    as they are, in lower case."""
    shelf: int
    prices: dict[str, list[int]] = Field(sa_type=JSONB, nullable=False)
    currencies: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    lowest: list[int] = Field(sa_type=ARRAY(BigInteger), nullable=False)
    highest: list[int] = Field(sa_type=ARRAY(BigInteger), nullable=False)
    """The first and the last of ``prices``, in the order of ``currencies``: read for thousands of
    rows at once, where a look into JSON costs more than all the rest."""
    in_stock: bool
    created_at: int = Field(sa_type=BigInteger)
    name: str
    name_key: str = Field(sa_type=String(collation="C"), nullable=False)
    name_words: int
    checksum: str


def _indexes(table: str) -> tuple[Any, ...]:
    """A change of stock touches none of them; room on the page keeps those updates heap-only."""
    return (
        # Without a list of pending entries every search costs the same.
        Index(
            f"ix_{table}_terms",
            "terms",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
        Index(f"ix_{table}_shelf", "shelf"),
        Index(f"ix_{table}_created_at", "created_at"),
        Index(f"ix_{table}_name_key", "name_key"),
        {"postgresql_with": {"fillfactor": "80"}},
    )


class SearchDocumentA(_SearchDocument, table=True):
    __tablename__ = "search_documents_a"
    __table_args__ = _indexes(__tablename__)


class SearchDocumentB(_SearchDocument, table=True):
    __tablename__ = "search_documents_b"
    __table_args__ = _indexes(__tablename__)
