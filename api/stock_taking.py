"""A list of counted stock as CSV: every fault is named by its line and field, or it is read."""

from __future__ import annotations

import csv
import re

from core.domain.errors import FieldError, InvalidRequestError
from models.repositories.stock_changes import MOST_UNITS, CountedRow

HEADER = ["warehouse_id", "sku", "counted"]
_WAREHOUSE = re.compile(r"whs_[0-7][0-9a-hjkmnp-tv-z]{25}")
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula (OWASP, CSV injection)."""
_MOST_ERRORS = 100


def parse(body: bytes, *, max_rows: int) -> list[CountedRow]:
    """Read ``warehouse_id,sku,counted`` in UTF-8, with that header, by RFC 4180.

    Raises:
        InvalidRequestError: not such a list, more rows than allowed, or faults, each under
            ``/lines/{line}/{field}``; lines count from 1, the header's.
    """
    reader = csv.reader(_text(body).splitlines(keepends=True), strict=True)
    rows: list[CountedRow] = []
    errors: list[FieldError] = []
    seen: dict[tuple[str, str], int] = {}
    try:
        if [name.strip() for name in next(reader, [])] != HEADER:
            raise _refused("/lines/1", f"the first line is {','.join(HEADER)}")
        for cells in reader:
            if not cells:
                continue
            line = reader.line_num
            if len(rows) + len(errors) >= max_rows:
                raise _refused("", f"at most {max_rows} rows in one stock-taking")
            faults = _faults(line, cells, seen)
            errors += faults
            if not faults:
                warehouse_id, sku, counted = (cell.strip() for cell in cells)
                seen[warehouse_id, sku] = line
                rows.append(
                    CountedRow(line=line, warehouse_id=warehouse_id, sku=sku, counted=int(counted))
                )
    except csv.Error as error:
        raise _refused(f"/lines/{reader.line_num}", f"not CSV: {error}") from error
    if errors:
        raise InvalidRequestError(errors[:_MOST_ERRORS])
    if not rows:
        raise _refused("", "no row was counted")
    return rows


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused("", f"not UTF-8: byte {error.start + 1} begins no character") from error
    if "\x00" in text:
        raise _refused("", "not text: it has NUL characters")
    return text


def _faults(line: int, cells: list[str], seen: dict[tuple[str, str], int]) -> list[FieldError]:
    if len(cells) != len(HEADER):
        detail = f"{len(cells)} fields instead of {len(HEADER)}"
        return [FieldError(pointer=f"/lines/{line}", detail=detail)]
    found = {
        name: _fault(name, cell.strip(), cell) for name, cell in zip(HEADER, cells, strict=True)
    }
    errors = [
        FieldError(pointer=f"/lines/{line}/{name}", detail=detail)
        for name, detail in found.items()
        if detail
    ]
    first = seen.get((cells[0].strip(), cells[1].strip()))
    if not errors and first is not None:
        detail = f"counted on line {first} already"
        errors.append(FieldError(pointer=f"/lines/{line}/sku", detail=detail))
    return errors


def _fault(name: str, value: str, raw: str) -> str | None:
    if raw.startswith(_FORMULA):
        return "a formula, or a number with a sign, is not taken"
    if name == "warehouse_id":
        return None if _WAREHOUSE.fullmatch(value) else "not the id of a warehouse"
    if name == "sku":
        return None if _SKU.fullmatch(value) else "not a SKU"
    if _NUMBER.fullmatch(value) and int(value) <= MOST_UNITS:
        return None
    return f"not a whole number from 0 to {MOST_UNITS}"


def _refused(pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError(pointer=pointer, detail=detail)])
