"""The verification as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import orjson
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from temporalio.service import RPCError

from core.database import Database
from core.domain.errors import UnavailableError
from core.settings import PostgresSettings, Settings
from core.temporal import connect
from deploy.local.errors import StackError
from deploy.verification.everything import verify
from deploy.verification.report import Check, Report, Row

SANDBOX_PATH = "/stripe"
"""Where the sandbox serves Stripe's API; an address without it is the real Stripe's."""

STATEMENT_SECONDS = 600.0
SHOWN_ROWS = 20


async def command(settings: Settings, *, as_json: bool, console: Console) -> int:
    """Verify the platform of ``settings`` and print what was found; return the exit code.

    Raises:
        StackError: a part of the platform does not answer.
    """
    try:
        report = await _verify(settings)
    except (UnavailableError, httpx.HTTPError, RPCError, RuntimeError) as error:
        raise StackError(
            f"The platform cannot be verified: {str(error) or type(error).__name__}",
            hint="See `perdure status`, or start it with `perdure up`.",
        ) from error
    if as_json:
        console.out(orjson.dumps(report.to_document(), default=str).decode(), highlight=False)
    else:
        print_report(report, console)
    return 0 if report.is_clean else 1


def sandbox_of(settings: Settings) -> str | None:
    """The sandbox's address, when it stands in for Stripe."""
    base = settings.stripe.api_base.rstrip("/")
    return base.removesuffix(SANDBOX_PATH) if base.endswith(SANDBOX_PATH) else None


def print_report(report: Report, console: Console) -> None:
    """A line for each promise, then the rows that break them."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("promise")
    table.add_column("broken", justify="right")
    table.add_column("in flight", justify="right")
    for check in report.checks:
        table.add_row(
            _mark(check), check.promise, str(len(check.broken)), str(len(check.in_flight) or "")
        )
    console.print(table)
    for check in report.checks:
        if check.broken:
            console.print(f"\n[red]{check.name}[/red]: {check.promise}")
            _print_rows(check.broken, console)
    broken = sum(len(check.broken) for check in report.checks)
    console.print(
        f"\n[green]All {len(report.checks)} promises hold.[/green]"
        if report.is_clean
        else f"\n[red]{broken} rows break a promise.[/red]"
    )


async def _verify(settings: Settings) -> Report:
    database = Database.open(
        PostgresSettings(
            url=SecretStr(settings.postgres.url.get_secret_value()),
            pool_size=1,
            prepared_statements=settings.postgres.prepared_statements,
            statement_timeout_seconds=STATEMENT_SECONDS,
        )
    )
    try:
        return await verify(
            database=database,
            temporal=await connect(settings),
            sandbox_url=sandbox_of(settings),
        )
    finally:
        await database.close()


def _mark(check: Check) -> str:
    if check.broken:
        return "[red]✗[/red]"
    return "[yellow]-[/yellow]" if check.skipped else "[green]✓[/green]"


def _print_rows(rows: Sequence[Row], console: Console) -> None:
    for row in rows[:SHOWN_ROWS]:
        words = "  ".join(f"{name}={value}" for name, value in row.items() if value is not None)
        console.print(f"  {escape(words)}", soft_wrap=True, highlight=False)
    if len(rows) > SHOWN_ROWS:
        console.print(f"  … and {len(rows) - SHOWN_ROWS} more (all of them with --json)")
