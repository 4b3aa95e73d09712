from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from core.security import Passwords
from core.settings import PostgresSettings
from deploy.local.errors import StackError
from deploy.old_users import migration as migration_module
from deploy.old_users.migration import Migration
from deploy.old_users.reading import Line
from models.repositories.old_users import RecordOutcome
from tests.django_hashes import MAKERS, django_default

PASSWORD = "plum-kettle-orbit-42"
USERS = text("""
SELECT id, email, email_verified_at IS NOT NULL AS proven, phone, name, password_hash, role,
    disabled_at IS NULL AS open, created_at::text AS since
FROM users ORDER BY email NULLS LAST, phone
""")
RECORDS = text("SELECT source_id, outcome, detail, user_id FROM old_users ORDER BY source_id")
HEADER = (
    "kind,id,email,email_verified,phone,phone_verified,first_name,last_name,password,is_active,"
    "is_staff,date_joined,last_login"
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield opened
    await opened.close()


async def _migrate(
    database: Database, path: Path, *, dry_run: bool = False
) -> tuple[dict[str, int], dict[str, str]]:
    told: dict[str, str] = {}

    def tell(line: Line, outcome: RecordOutcome | None, word: str) -> None:
        detail = f"{outcome.outcome} {outcome.detail}".strip() if outcome else ""
        told[str(line.number)] = f"{word} {detail}".strip()

    migration = Migration(path=path, region="GB", tell=tell)
    if dry_run:
        await migration.rehearse(database)
    else:
        await migration.run(database, actor="operator:test")
    return dict(migration.counts), told


async def _rows(database: Database, sql: Any = USERS) -> list[dict[str, Any]]:
    return [dict(row) for row in await database.statement(sql, {})]


def _jsonl(path: Path, *records: Mapping[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def _csv(path: Path, *rows: str) -> Path:
    path.write_text("\ufeff" + "\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def _whole_world(path: Path) -> Path:
    """Every kind of record, those that only claim an address before those that have proven it."""
    return _csv(
        path,
        f"user,1,Ada@old.example,t,,,Ada,Lovelace,{MAKERS['pbkdf2_sha256'](PASSWORD)},t,f,"
        "2019-05-04 10:00:00+02:00,",
        "profile,1,ada@OLD.example,true,07946 000001,true,,,,t,f,,",
        f"user,2,claimed@old.example,f,,,Eve,,{MAKERS['bcrypt'](PASSWORD)},t,f,2020-01-01,",
        "profile,2,claimed@old.example,t,,,Grace,Hopper,,t,f,2018-01-01,",
        "user,3,,,+44 7946 000003,t,Bob,,,t,f,,",
        f"user,4,boss@old.example,t,,,Boss,,{django_default(None)},t,t,,",
        "user,5,gone@old.example,t,,,Gone,,md5$x$y,f,f,,",
        "profile,5,gone@old.example,t,,,Gone,,,t,f,,",
        "user,6,,,07946 000006,f,Nobody,,,t,f,,",
        "user,7,not an address,t,,,X,,,t,f,,",
        "user,8,late@old.example,maybe,,,X,,,t,f,,",
        "user,9,late@old.example",
        "robot,10,robot@old.example,t,,,X,,,t,f,,",
        "user,1,again@old.example,t,,,Ada,Again,,t,f,,",
    )


async def test_people_are_brought_over_and_doubts_are_reported(
    database: Database, tmp_path: Path
) -> None:
    counts, told = await _migrate(database, _whole_world(tmp_path / "old.csv"))
    users = await _rows(database)

    assert counts == {"created": 5, "merged": 1, "conflict": 2, "invalid": 5, "key-twice": 1}
    assert {number: word for number, word in told.items() if word != "created"} == {
        "3": "merged",
        "4": "conflict email-taken",
        "7": "created was-staff",
        "8": "created password-unknown",
        "9": "conflict closed-and-open",
        "10": "invalid no-address",
        "11": "invalid no-address",
        "12": "invalid email-verified-unknown",
        "13": "invalid wrong-number-of-fields",
        "14": "invalid no-key",
        "15": "key-twice",
    }
    ada = users[0]
    assert (ada["email"], ada["proven"], ada["phone"], ada["name"], ada["since"]) == (
        "Ada@old.example",
        True,
        "+447946000001",
        "Ada Lovelace",
        "2019-05-04 08:00:00+00",
    )
    assert (await Passwords().check(PASSWORD, ada["password_hash"])).matches
    assert [(user["email"], user["name"], user["open"]) for user in users[1:]] == [
        ("boss@old.example", "Boss", True),
        ("claimed@old.example", "Grace Hopper", True),
        ("gone@old.example", "Gone", False),
        (None, "Bob", True),
    ]
    assert {user["role"] for user in users} == {"customer"}


async def test_second_run_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = _whole_world(tmp_path / "old.csv")
    await _migrate(database, path)
    before = (await _rows(database), await _rows(database, RECORDS))

    counts, _ = await _migrate(database, path)

    assert (await _rows(database), await _rows(database, RECORDS)) == before
    assert counts == {"unchanged": 9, "conflict": 2, "invalid": 2, "changed-since": 1}


async def test_dry_run_says_the_same_and_writes_nothing(database: Database, tmp_path: Path) -> None:
    path = _whole_world(tmp_path / "old.csv")

    rehearsed = await _migrate(database, path, dry_run=True)

    assert (await _rows(database), await _rows(database, RECORDS)) == ([], [])
    assert await _migrate(database, path) == rehearsed


async def test_run_that_is_killed_goes_on_where_it_ended(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_module, "PART", 2)
    people = [
        {"id": number, "email": f"{number}@old.example", "email_verified": True}
        for number in range(5)
    ]
    path = _jsonl(tmp_path / "old.jsonl", *people)
    seen = Counter[str]()

    def die(line: Line, outcome: RecordOutcome | None, word: str) -> None:
        seen["told"] += 1
        if seen["told"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await Migration(path=path, region=None, tell=die).run(database, actor="operator:test")
    kept = await _rows(database)
    counts, _ = await _migrate(database, path)

    assert [user["email"] for user in kept] == [f"{number}@old.example" for number in range(4)]
    assert counts == {"unchanged": 4, "created": 1}
    assert len(await _rows(database)) == 5


async def test_conflict_is_tried_again_when_the_account_has_proven_its_address(
    database: Database, tmp_path: Path
) -> None:
    await database.statement(
        text("""INSERT INTO users (id, email, name, role)
                VALUES ('usr_1', 'ada@old.example', 'Ada', 'customer')"""),
        {},
    )
    path = _jsonl(
        tmp_path / "old.jsonl",
        {"id": 1, "email": "ada@old.example", "email_verified": True, "phone": "07946 000001"}
        | {"phone_verified": True},
    )

    first, _ = await _migrate(database, path)
    await database.statement(text("UPDATE users SET email_verified_at = now()"), {})
    second, _ = await _migrate(database, path)

    assert (first, second) == ({"conflict": 1}, {"merged": 1})
    assert [(user["id"], user["phone"]) for user in await _rows(database)] == [
        ("usr_1", "+447946000001")
    ]


async def test_old_world_gives_nobody_a_way_into_staffs_accounts(
    database: Database, tmp_path: Path
) -> None:
    await database.statement(
        text("""INSERT INTO users (id, email, email_verified_at, name, role)
                VALUES ('usr_1', 'boss@old.example', now(), 'Boss', 'staff')"""),
        {},
    )
    path = _jsonl(
        tmp_path / "old.jsonl",
        {"id": 1, "email": "boss@old.example", "email_verified": True}
        | {"password": MAKERS["argon2"](PASSWORD)},
    )

    counts, _ = await _migrate(database, path)

    assert counts == {"conflict": 1}
    assert [user["password_hash"] for user in await _rows(database)] == [None]


async def test_lines_that_are_no_records_do_not_stop_the_others(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "old.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"id": 1, "email": "a@old.example"}\n'
        b"\n"
        b'{"id": 2, "email": "\xff@old.example"}\n'
        b'{"id": 3, "email": "c\\u0000@old.example"}\n'
        b'{"id": 4, "email": "\\ud800@old.example"}\n'
        b"[1]\n" + b"[" * 100_000 + b"\n"
        b'{"id": "5; DROP", "email": "e@old.example"}\n'
        b'{"id": 6, "email": "f@old.example", "unheard_of": {"x": 1}}'
    )

    counts, told = await _migrate(database, path)

    assert counts == {"created": 2, "invalid": 6}
    assert told == {
        "1": "created",
        "3": "invalid no-json",
        "4": "invalid nul",
        "5": "invalid not-utf-8",
        "6": "invalid no-json-object",
        "7": "invalid too-long",
        "8": "invalid no-key",
        "9": "created",
    }


async def test_broken_encoding_in_csv_costs_one_record(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes(b"id,email,name\n1,a@old.example,Zo\xeb\n2,b@old.example,Zo\xc3\xab\n")

    counts, told = await _migrate(database, path)

    assert told == {"2": "invalid not-utf-8", "3": "created"}
    assert counts == {"created": 1, "invalid": 1}


@pytest.mark.parametrize(
    ("name", "octets"),
    [("old.txt", b"id\n1\n"), ("old.csv", b""), ("old.csv", b"email\n"), ("old.csv", b"id,id\n")],
)
async def test_file_that_is_none_is_refused(
    database: Database, tmp_path: Path, name: str, octets: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(octets)

    with pytest.raises(StackError):
        await _migrate(database, path)


async def test_command_prints_counts_writes_the_report_and_tells_by_its_exit_code(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    command = ["perdure", "migrate-v1-users", str(_whole_world(tmp_path / "old.csv"))]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name(command[0])),
        *command[1:],
        *("--region", "GB", "--report", str(report), "--data-dir", str(tmp_path)),
        env={**os.environ, "PERDURE_POSTGRES_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert process.returncode == 3
    assert b"created                5" in printed
    assert len(rows) == 14
    assert {"line": "4", "source_id": "user:2", "outcome": "conflict", "user_id": ""} | {
        "detail": "email-taken"
    } in rows
    assert "old.example" not in report.read_text()
    audited = await database.statement(
        text("SELECT after ->> 'created' AS n FROM audit_log WHERE action = 'users.migrated'"), {}
    )
    assert [row["n"] for row in audited] == ["5"]
