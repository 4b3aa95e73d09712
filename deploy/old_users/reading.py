"""The lines of the old world's file, one at a time: CSV with a header, or a JSON object a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError

COLUMNS = frozenset(
    {
        "kind",
        "id",
        "email",
        "email_verified",
        "phone",
        "phone_verified",
        "name",
        "first_name",
        "last_name",
        "password",
        "is_active",
        "is_staff",
        "is_superuser",
        "date_joined",
    }
)
LONGEST_LINE = 64 * 1024
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One record as it is written; ``problem`` says why it cannot be read."""

    number: int
    """Of its last line in the file, from 1."""
    values: Mapping[str, str]
    problem: str = ""


def read_lines(path: Path) -> Iterator[Line]:
    """Read a file from its beginning, never more of it than a record.

    Raises:
        StackError: it is no such file, or its header names no ``id``.
    """
    form = _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise StackError(
            f"{path.name} is neither CSV nor JSON lines", hint="Name it .csv, .jsonl or .ndjson."
        )
    return _csv_lines(path) if form == "csv" else _json_lines(path)


def _csv_lines(path: Path) -> Iterator[Line]:
    csv.field_size_limit(LONGEST_LINE)
    # Octets that are no UTF-8 become lone surrogates: then one record is wrong, not the file.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(rows, [])]
        except csv.Error as error:
            raise _no_header() from error
        if "id" not in header or len(set(header)) != len(header):
            raise _no_header()
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(number=rows.line_num, values={}, problem=f"csv: {error}")
                continue
            if not row:
                continue
            if len(row) != len(header):
                yield Line(number=rows.line_num, values={}, problem="wrong-number-of-fields")
                continue
            yield _line(rows.line_num, dict(zip(header, row, strict=True)))


def _json_lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        number = 0
        while octets := file.readline(LONGEST_LINE):
            number += 1
            if len(octets) == LONGEST_LINE:
                while octets and not octets.endswith(b"\n"):
                    octets = file.readline(LONGEST_LINE)
                yield Line(number=number, values={}, problem="too-long")
            elif octets.strip():
                yield _json_line(number, octets.removeprefix(b"\xef\xbb\xbf"))


def _json_line(number: int, octets: bytes) -> Line:
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError):
        return Line(number=number, values={}, problem="no-json")
    if not isinstance(document, dict):
        return Line(number=number, values={}, problem="no-json-object")
    return _line(number, {name: _words(value) for name, value in document.items()})


def _words(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _line(number: int, values: Mapping[str, str]) -> Line:
    known = {name: value.strip() for name, value in values.items() if name in COLUMNS}
    try:
        "".join(known.values()).encode()
    except UnicodeEncodeError:
        return Line(number=number, values={}, problem="not-utf-8")
    if any("\x00" in value for value in known.values()):
        return Line(number=number, values={}, problem="nul")
    return Line(number=number, values=known)


def _no_header() -> StackError:
    return StackError(
        "The file has no header that names each column once, `id` among them",
        hint="The columns are in docs/guides/migrate-v1-users.md.",
    )
