from __future__ import annotations

import pytest

from api.stock_taking import parse
from core.domain.errors import InvalidRequestError
from models.repositories.stock_changes import CountedRow

ONE = "whs_01jd7x9k2me8kv1qzr5t0w3y4b"
HEAD = "warehouse_id,sku,counted"


def lines(*rows: str) -> bytes:
    return "\n".join((HEAD, *rows)).encode()


def refused(body: bytes, max_rows: int = 10) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequestError) as caught:
        parse(body, max_rows=max_rows)
    return [(error.pointer, error.detail) for error in caught.value.errors]


@pytest.mark.parametrize(
    "body",
    [
        lines(f"{ONE},TEE,41"),
        lines(f"{ONE},TEE,41") + b"\r\n\r\n",
        b"\xef\xbb\xbf" + lines(f'"{ONE}","TEE"," 41 "').replace(b"\n", b"\r\n"),
    ],
)
def test_list_is_read_with_or_without_mark_quotes_and_windows_ends(body: bytes) -> None:
    assert parse(body, max_rows=1) == [CountedRow(line=2, warehouse_id=ONE, sku="TEE", counted=41)]


BAD_ROWS = [
    (f"{ONE},TEE", "/lines/2", "2 fields instead of 3"),
    (f"{ONE},TEE,1,2", "/lines/2", "4 fields instead of 3"),
    ("whs_1,TEE,1", "/lines/2/warehouse_id", "not the id of a warehouse"),
    (f"{ONE},T E,1", "/lines/2/sku", "not a SKU"),
    (f"{ONE},=cmd(),1", "/lines/2/sku", "a formula, or a number with a sign, is not taken"),
    (f"{ONE},TEE,=1+1", "/lines/2/counted", "a formula, or a number with a sign, is not taken"),
    (f"{ONE},TEE,-1", "/lines/2/counted", "a formula, or a number with a sign, is not taken"),
    (f"{ONE},TEE,1.5", "/lines/2/counted", "not a whole number from 0 to 2000000000"),
    (f"{ONE},TEE,", "/lines/2/counted", "not a whole number from 0 to 2000000000"),
    (f"{ONE},TEE,2000000001", "/lines/2/counted", "not a whole number from 0 to 2000000000"),
    (f"{ONE},TEE,\u0664", "/lines/2/counted", "not a whole number from 0 to 2000000000"),
]


@pytest.mark.parametrize(("row", "pointer", "detail"), BAD_ROWS)
def test_fault_is_named_by_line_and_field(row: str, pointer: str, detail: str) -> None:
    assert refused(lines(row)) == [(pointer, detail)]


def test_every_fault_is_named_at_once() -> None:
    found = refused(lines("x,y z,1", f"{ONE},TEE,1", f"{ONE},TEE,2"))

    assert [pointer for pointer, _ in found] == [
        "/lines/2/warehouse_id",
        "/lines/2/sku",
        "/lines/4/sku",
    ]
    assert found[-1][1] == "counted on line 3 already"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", "/lines/1"),
        (b"sku,counted\nTEE,1", "/lines/1"),
        (b"\xff\xfe" + HEAD.encode("utf-16-le"), ""),
        (lines(f"{ONE},T\x00,1"), ""),
        (lines(f'{ONE},"TEE,1'), "/lines/2"),
        (lines(f'{ONE},"TEE"x,1'), "/lines/2"),
        (lines(), ""),
        (lines(f"{ONE},A,1", f"{ONE},B,1", f"{ONE},C,1"), ""),
    ],
    ids=["empty", "header", "utf-16", "nul", "open quote", "stray quote", "no row", "too many"],
)
def test_what_is_no_such_list_is_refused_whole(body: bytes, pointer: str) -> None:
    assert [found for found, _ in refused(body, max_rows=2)] == [pointer]
