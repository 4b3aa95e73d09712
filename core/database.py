"""PostgreSQL: one engine per process, one transaction per step, one round trip where it counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from core.domain.errors import UnavailableError
from core.settings import PostgresSettings

# Class 57P is "operator intervention" (shutdown, crash), 53300 too many connections,
# 40001 and 40P01 a serialization failure and a deadlock: the same statement may succeed later.
# Source: PostgreSQL manual, appendix A.
_RETRYABLE_STATES = ("57P", "53", "40001", "40P01", "08")

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class Database:
    """The pool. ``transaction`` is for steps, ``statement`` for a single round trip."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def open(cls, settings: PostgresSettings) -> Self:
        """Make the pool; it connects when it is first used."""
        url = settings.url.get_secret_value().replace("postgresql://", "postgresql+asyncpg://", 1)
        connect_args: dict[str, Any] = {
            "timeout": settings.connect_timeout_seconds,
            "command_timeout": settings.statement_timeout_seconds,
        }
        if not settings.prepared_statements:
            connect_args |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
        return cls(
            create_async_engine(
                url,
                pool_size=settings.pool_size,
                max_overflow=settings.max_overflow,
                pool_timeout=settings.connect_timeout_seconds,
                connect_args=connect_args,
            )
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: commits at the end, rolls back on any error.

        Raises:
            UnavailableError: the database is down, or asks to try again.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise_if_unavailable(error)
            raise

    @asynccontextmanager
    async def one_at_a_time(self, name: str) -> AsyncIterator[None]:
        """Let one caller of all processes into the block of a name; the others wait their turn.

        It keeps a connection for as long, so the block is short, and opens no second one.

        Raises:
            UnavailableError: the database is down, or the turn did not come in time.
        """
        async with self.transaction() as session:
            await session.execute(_ONE_AT_A_TIME, {"name": name})
            yield

    async def statement(
        self, sql: TextClause, parameters: Mapping[str, object]
    ) -> Sequence[RowMapping]:
        """Run one statement that is its own transaction, in one round trip; return its rows.

        A connection that broke before (a restart of PostgreSQL) is replaced and the statement
        sent once more, so it must be safe to run twice.

        Raises:
            UnavailableError: the database is down, or asks to try again.
        """
        try:
            return await self._execute(sql, parameters)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise_if_unavailable(error)
                raise
        except (PoolTimeoutError, OSError) as error:
            raise UnavailableError("the database is not available") from error
        try:
            return await self._execute(sql, parameters)
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise_if_unavailable(error)
            raise

    async def _execute(
        self, sql: TextClause, parameters: Mapping[str, object]
    ) -> Sequence[RowMapping]:
        async with self._autocommit.connect() as connection:
            result = await connection.execute(sql, parameters)
            return result.mappings().all() if result.returns_rows else []

    async def ping(self) -> None:
        """Raise ``UnavailableError`` unless the database answers."""
        await self.statement(text("SELECT 1"), {})

    async def close(self) -> None:
        await self.engine.dispose()


def raise_if_unavailable(error: Exception) -> None:
    """Turn a connection problem, or a request to try again, into ``UnavailableError``."""
    if isinstance(error, DBAPIError):
        state = sqlstate(error)
        retryable = error.connection_invalidated or state.startswith(_RETRYABLE_STATES)
        if not retryable and not (isinstance(error, OperationalError) and not state):
            return
    raise UnavailableError("the database is not available") from error


def sqlstate(error: DBAPIError) -> str:
    """Return the five-letter SQLSTATE of an error, or nothing when there is none."""
    return str(getattr(error.orig, "sqlstate", None) or "")
