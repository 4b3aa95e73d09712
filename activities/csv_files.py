"""Lists as files of CSV: read from the store part by part, and written to it as they are made."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

from defusedcsv import csv as defused

from core.domain.csv_cells import shielded
from core.domain.errors import (
    FieldError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
)
from core.gateways.objects import ObjectStore

CSV = "text/csv; charset=utf-8"
MAX_LINE_CHARACTERS = 256 * 1024
MAX_CELL_CHARACTERS = 64 * 1024


@asynccontextmanager
async def downloaded(store: ObjectStore, key: str, *, max_bytes: int) -> AsyncIterator[Path]:
    """Keep a copy of a file while the block runs.

    Raises:
        InvalidRequestError: nobody has uploaded it.
        PayloadTooLargeError: it has more than ``max_bytes``.
    """
    with tempfile.TemporaryDirectory(prefix="perdure-job-") as folder:
        path = Path(folder) / "list.csv"
        size = 0
        try:
            with path.open("wb") as copy:
                async for piece in store.get(key):
                    size += len(piece)
                    if size > max_bytes:
                        raise PayloadTooLargeError(f"the list has more than {max_bytes} bytes")
                    copy.write(piece)
        except NotFoundError as error:
            raise refused("", "no list was uploaded") from error
        yield path


def read_records(stream: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Read CSV by RFC 4180; yield each record with the line on which it begins, from 1.

    Raises:
        InvalidRequestError: not such text, under ``/lines/{line}``.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    reader = csv.reader(_lines(stream), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise refused(f"/lines/{line}", f"not CSV: {error}") from error
    except UnicodeDecodeError as error:
        detail = f"not UTF-8 there, or shortly after: the byte {error.object[error.start]:#04x}"
        raise refused(f"/lines/{line}", detail) from error


def _lines(stream: TextIO) -> Iterator[str]:
    number = 0
    while line := stream.readline(MAX_LINE_CHARACTERS + 1):
        number += 1
        if len(line) > MAX_LINE_CHARACTERS:
            raise refused(f"/lines/{number}", f"more than {MAX_LINE_CHARACTERS} characters")
        if "\x00" in line:
            raise refused(f"/lines/{number}", "not text: it has a NUL character")
        yield line


def open_text(path: Path) -> TextIO:
    """Open a list in UTF-8, with or without a byte order mark."""
    return path.open(encoding="utf-8-sig", newline="")


class CsvPieces:
    """Rows as bytes of CSV in which no spreadsheet finds a formula."""

    def __init__(self, header: Sequence[str]) -> None:
        self._text = io.StringIO(newline="")
        self._writer = defused.writer(self._text)
        self._writer.writerow([shielded(name) for name in header])

    def write(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Return the rows, after the header the first time."""
        for row in rows:
            self._writer.writerow([shielded(cell) for cell in row])
        piece = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return piece


def refused(pointer: str, detail: str) -> InvalidRequestError:
    """Refuse a list as a whole."""
    return InvalidRequestError([FieldError(pointer=pointer, detail=detail)])
