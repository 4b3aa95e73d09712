"""``perdure migrate-v1-users``, for the command line to register."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import TextIO

from rich.console import Console

from core.database import Database
from core.domain.errors import UnavailableError
from core.settings import load_settings
from deploy.cli.verify import leave
from deploy.local.errors import StackError
from deploy.old_users.migration import Migration, Tell
from deploy.old_users.reading import Line
from models.repositories.old_users import RecordOutcome

STATEMENT_SECONDS = 600.0
"""A rehearsal copies the accounts in one statement."""
EVERY = 10_000
"""Records between two lines of progress."""
NEEDS_SOMEBODY = ("conflict", "invalid", "key-twice")


def run_migration(
    path: Path, *, report: Path | None, dry_run: bool, region: str | None, actor: str
) -> None:
    """Bring the people of a file over, print what became of them, and leave with the exit code.

    The code is 0 when every record is here, and 3 when some wait for somebody.

    Raises:
        StackError: the file cannot be read, or the database is down.
    """
    console = Console(highlight=False, soft_wrap=True)
    began = monotonic()
    rows = report.open("w", encoding="utf-8", newline="") if report else None
    try:
        migration = Migration(path=path, region=region, tell=_reporter(console, rows))
        asyncio.run(_migrate(migration, dry_run=dry_run, actor=actor))
    except UnavailableError as error:
        raise StackError(
            "The database does not answer",
            hint="Run it again when it does: what is brought over stays, the rest goes on.",
        ) from error
    finally:
        if rows:
            rows.close()
    _print_counts(console, migration.counts, seconds=monotonic() - began, dry_run=dry_run)
    leave(3 if any(migration.counts[name] for name in NEEDS_SOMEBODY) else 0)


async def _migrate(migration: Migration, *, dry_run: bool, actor: str) -> None:
    settings = load_settings().postgres
    database = Database.open(
        settings.model_copy(update={"statement_timeout_seconds": STATEMENT_SECONDS})
    )
    try:
        if dry_run:
            await migration.rehearse(database)
        else:
            await migration.run(database, actor=actor)
    finally:
        await database.close()


def _reporter(console: Console, rows: TextIO | None) -> Tell:
    """Write a row for each record; every cell is a word of ours, a number or a checked key."""
    writer = csv.writer(rows) if rows else None
    if writer:
        writer.writerow(["line", "source_id", "outcome", "user_id", "detail"])
    seen = 0

    def tell(line: Line, outcome: RecordOutcome | None, word: str) -> None:
        nonlocal seen
        seen += 1
        if seen % EVERY == 0:
            console.print(f"{seen:,} records")
        if writer:
            writer.writerow(
                [
                    line.number,
                    outcome.source_id if outcome else "",
                    word or (outcome.outcome.value if outcome else ""),
                    (outcome.user_id or "") if outcome else "",
                    outcome.detail if outcome else "",
                ]
            )

    return tell


def _print_counts(console: Console, counts: Counter[str], *, seconds: float, dry_run: bool) -> None:
    total = sum(counts.values())
    console.print(
        f"{'Rehearsed' if dry_run else 'Read'} {total:,} records in {seconds:.1f} s"
        + (": nothing is written." if dry_run else ".")
    )
    for name, count in sorted(counts.items()):
        console.print(f"  {name:<14}{count:>10,}")
    sys.stdout.flush()
