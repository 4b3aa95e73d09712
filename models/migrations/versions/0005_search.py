"""search"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SLOTS = ("a", "b")
SIMILAR_WORDS = """
CREATE FUNCTION perdure_similar_words(asked text, longer integer, most integer)
RETURNS TABLE (word text, lexeme text, documents integer)
LANGUAGE sql STABLE SET pg_trgm.similarity_threshold = 0.2 AS $$
  SELECT w.word, w.lexeme, w.documents FROM search_words w
  WHERE w.word % asked AND length(w.word) BETWEEN length(asked) - 2 AND length(asked) + longer
  ORDER BY similarity(w.word, asked) DESC, w.documents DESC, w.word LIMIT most
$$
"""
"""Words that share trigrams with one, the most similar first. The threshold belongs to the
function: a pool of connections keeps no settings of a session."""


def upgrade() -> None:
    op.create_table(
        "search_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("live", sa.String(), nullable=False),
        sa.Column("rebuild", sa.String(), nullable=True),
        sa.Column("swapped", sa.String(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("live IN ('a', 'b')", name=op.f("ck_search_state_live_known")),
        sa.CheckConstraint("id = 1", name=op.f("ck_search_state_is_the_only_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_state")),
    )
    op.execute("INSERT INTO search_state (id, live) VALUES (1, 'a')")
    op.create_table(
        "search_shelves",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=False),
        sa.Column("category_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search_shelves")),
        sa.UniqueConstraint("key", name=op.f("uq_search_shelves_key")),
    )
    op.create_index(
        "ix_search_shelves_category_ids",
        "search_shelves",
        ["category_ids"],
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_search_shelves_vendor_id"), "search_shelves", ["vendor_id"])
    op.create_table(
        "search_names",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_search_names")),
    )
    op.create_table(
        "search_words",
        sa.Column("word", sa.String(collation="C"), nullable=False),
        sa.Column("lexeme", sa.String(), nullable=False),
        sa.Column("documents", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.create_index("ix_search_words_lexeme", "search_words", ["lexeme"])
    op.create_index(
        "ix_search_words_similar",
        "search_words",
        ["word"],
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    for slot in SLOTS:
        _create_documents(f"search_documents_{slot}")
    _create_language()


def _create_documents(table: str) -> None:
    op.create_table(
        table,
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("terms", postgresql.TSVECTOR(), nullable=False),
        sa.Column("shelf", sa.Integer(), nullable=False),
        sa.Column("prices", postgresql.JSONB(), nullable=False),
        sa.Column("currencies", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("lowest", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("highest", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("in_stock", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(collation="C"), nullable=False),
        sa.Column("name_words", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("product_id", name=op.f(f"uq_{table}_product_id")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        f"ix_{table}_terms",
        table,
        ["terms"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(f"ix_{table}_shelf", table, ["shelf"])
    op.create_index(f"ix_{table}_created_at", table, ["created_at"])
    op.create_index(f"ix_{table}_name_key", table, ["name_key"])


def _create_language() -> None:
    """English stems and no stop words: which words are too common is decided for all backends."""
    op.execute(
        "CREATE TEXT SEARCH DICTIONARY perdure_stem (TEMPLATE = snowball, Language = english)"
    )
    op.execute('CREATE TEXT SEARCH CONFIGURATION perdure_search (PARSER = "default")')
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION perdure_search "
        "ADD MAPPING FOR asciiword, word, numword, int, uint, float, sfloat, version "
        "WITH unaccent, perdure_stem"
    )
    # Loads the module whose setting the function carries.
    op.execute("SELECT show_limit()")
    op.execute(SIMILAR_WORDS)


def downgrade() -> None:
    op.execute("DROP FUNCTION perdure_similar_words(text, integer, integer)")
    op.execute("DROP TEXT SEARCH CONFIGURATION perdure_search")
    op.execute("DROP TEXT SEARCH DICTIONARY perdure_stem")
    for slot in reversed(SLOTS):
        op.drop_table(f"search_documents_{slot}")
    for table in ("search_words", "search_names", "search_shelves", "search_state"):
        op.drop_table(table)
