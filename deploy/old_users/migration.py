"""Bring the old world's people over, a part of the file in a transaction at a time.

Records whose address is proven come first, the rest in a second reading: so what somebody only
claimed never stands in the way of what another has proven, however the file is sorted. A part that
is committed is never done again, and one that is not leaves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.old_users import Account, Conflict, Decision, OldRecord, decide
from deploy.old_users.reading import Line, read_lines
from deploy.old_users.understanding import (
    SenselessError,
    fingerprint_of,
    is_proven,
    record_of,
    source_id_of,
)
from models.personal_data import OldUserOutcome
from models.repositories import audit, old_users
from models.repositories.old_users import RecordOutcome

PART = 1000
_LASTING = frozenset({OldUserOutcome.CREATED, OldUserOutcome.MERGED})
_UNCHANGED = "unchanged"
_CHANGED = "changed-since"

Tell = Callable[[Line, RecordOutcome | None, str], None]
"""What the report is told: the line, what became of it, and a word if it is no record."""
Transactions = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@dataclass(kw_only=True)
class Migration:
    """One run over one file.

    Args:
        path: the file.
        region: the country of numbers that are written without one.
        tell: is told of each record.
    """

    path: Path
    region: str | None
    tell: Tell
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self, database: Database, *, actor: str) -> None:
        """Bring everybody over, and say so in the audit log.

        Raises:
            StackError: the file is none that can be read.
            UnavailableError: the database is down; the next run goes on where this one ended.
        """
        await self._run(database.transaction)
        async with database.transaction() as session:
            await audit.record(
                session,
                actor=actor,
                action="users.migrated",
                target="old_users",
                reason="brought over from the old world",
                after=dict(self.counts),
            )

    async def rehearse(self, database: Database) -> None:
        """Do the same to a copy that goes away; what is real is read only.

        Raises:
            StackError: the file is none that can be read.
            UnavailableError: the database is down.
        """
        async with database.transaction() as session:
            await old_users.rehearse(session)
            await self._run(lambda: _same(session))

    async def _run(self, transaction: Transactions) -> None:
        for proven in (True, False):
            lines = (line for line in read_lines(self.path) if is_proven(line) is proven)
            for part in _parts(lines):
                async with transaction() as session:
                    told = await self._take(session, part)
                for line, outcome, word in told:
                    self.counts[word or (outcome.outcome if outcome else "")] += 1
                    self.tell(line, outcome, word)

    async def _take(
        self, session: AsyncSession, part: Sequence[Line]
    ) -> list[tuple[Line, RecordOutcome | None, str]]:
        await old_users.take_turn(session)
        known = await old_users.find_outcomes(
            session, {key for line in part if (key := source_id_of(line))}
        )
        told: list[tuple[Line, RecordOutcome | None, str]] = []
        fresh: dict[str, tuple[Line, OldRecord]] = {}
        senseless: dict[str, RecordOutcome] = {}
        for line in part:
            key = source_id_of(line)
            before = known.get(key or "")
            if key in fresh or key in senseless:
                told.append((line, None, "key-twice"))
            elif before is not None and _is_done(before, line):
                word = _UNCHANGED if before.fingerprint == fingerprint_of(line) else _CHANGED
                told.append((line, before, word))
            else:
                self._understand(line, fresh, senseless, told)
        outcomes = await _bring_over(session, [record for _, record in fresh.values()])
        await old_users.write_outcomes(session, [*outcomes, *senseless.values()])
        return told + [(fresh[one.source_id][0], one, "") for one in outcomes]

    def _understand(
        self,
        line: Line,
        fresh: dict[str, tuple[Line, OldRecord]],
        senseless: dict[str, RecordOutcome],
        told: list[tuple[Line, RecordOutcome | None, str]],
    ) -> None:
        try:
            record = record_of(line, region=self.region)
        except SenselessError as error:
            outcome = RecordOutcome(
                source_id=source_id_of(line) or "",
                fingerprint=fingerprint_of(line),
                user_id=None,
                outcome=OldUserOutcome.INVALID,
                detail=str(error),
            )
            if outcome.source_id:
                senseless[outcome.source_id] = outcome
            told.append((line, outcome, ""))
        else:
            fresh[record.source_id] = (line, record)


def _is_done(before: RecordOutcome, line: Line) -> bool:
    """A person who is here lives on here; a conflict may have gone, a record been put right."""
    if before.outcome in _LASTING:
        return True
    return before.outcome == OldUserOutcome.INVALID and before.fingerprint == fingerprint_of(line)


async def _bring_over(session: AsyncSession, records: Sequence[OldRecord]) -> list[RecordOutcome]:
    if not records:
        return []
    known = await old_users.lock_accounts(
        session,
        emails={record.email_key for record in records if record.email_key},
        phones={record.phone for record in records if record.phone},
    )
    book = _Book(known)
    decisions = [(record, book.take(record)) for record in records]
    await old_users.fill_accounts(session, book.changed(new=False))
    added = await old_users.add_accounts(session, book.changed(new=True))
    return [_outcome(record, decision, added) for record, decision in decisions]


class _Book:
    """The accounts that a part concerns, as its records change them one after the other."""

    def __init__(self, known: Iterable[Account]) -> None:
        self._before = {account.id: account for account in known}
        self._by_email: dict[str, Account] = {}
        self._by_phone: dict[str, Account] = {}
        for account in self._before.values():
            self._write(account)
        self._now = dict(self._before)

    def take(self, record: OldRecord) -> Decision:
        decision = decide(
            record,
            by_email=self._by_email,
            by_phone=self._by_phone,
            new_id=new_id(Prefix.USER),
        )
        if decision.account is not None:
            self._write(decision.account)
            self._now[decision.account.id] = decision.account
        return decision

    def changed(self, *, new: bool) -> list[Account]:
        return [
            account
            for account in self._now.values()
            if (account.made_by is not None) is new and account != self._before.get(account.id)
        ]

    def _write(self, account: Account) -> None:
        if account.email_key:
            self._by_email[account.email_key] = account
        if account.phone:
            self._by_phone[account.phone] = account


def _outcome(record: OldRecord, decision: Decision, added: set[str]) -> RecordOutcome:
    account, conflict = decision.account, decision.conflict
    if account is not None and account.made_by and account.id not in added:
        account, conflict = None, Conflict.EMAIL_TAKEN
    if account is None:
        outcome = OldUserOutcome.CONFLICT
    elif account.made_by == record.source_id:
        outcome = OldUserOutcome.CREATED
    else:
        outcome = OldUserOutcome.MERGED
    return RecordOutcome(
        source_id=record.source_id,
        fingerprint=record.fingerprint,
        user_id=account.id if account else None,
        outcome=outcome,
        detail=" ".join([*([conflict] if conflict else []), *decision.notes]),
    )


@asynccontextmanager
async def _same(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    yield session


def _parts(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while part := list(islice(rest, PART)):
        yield part
