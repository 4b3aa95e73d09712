from __future__ import annotations

import re
from pathlib import Path

import pytest

from activities.catalogue_files import FilePart, count_rows, parts_of
from activities.csv_files import MAX_LINE_CHARACTERS, CsvPieces
from core.domain.catalogue_import import MAX_VARIANTS
from core.domain.errors import InvalidRequestError

HEADER = "product,sku,name\n"


def written(tmp_path: Path, body: str | bytes) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def read(path: Path, *, after: int = 0, rows: int = 1000) -> list[FilePart]:
    return list(parts_of(path, after=after, rows=rows))


def skus(part: FilePart) -> list[list[str]]:
    return [[row.variant.sku for row in group] for group in part.groups]


def refusal(path: Path, *, max_rows: int = 1000) -> tuple[str, str]:
    with pytest.raises(InvalidRequestError) as refused:
        count_rows(path, max_rows=max_rows)
    (error,) = refused.value.errors
    return error.pointer, error.detail


@pytest.mark.parametrize("mark", ["", "﻿"])
def test_rows_of_a_product_stay_in_one_part(tmp_path: Path, mark: str) -> None:
    path = written(tmp_path, mark + HEADER + "a,A1,\na,A2,\na,A3,\nb,B1,\nc,C1,\n")

    parts = read(path, rows=2)

    assert count_rows(path, max_rows=5) == 5
    assert [skus(part) for part in parts] == [[["A1", "A2", "A3"]], [["B1"], ["C1"]]]
    assert [part.position for part in parts] == [3, 5]


def test_second_reading_goes_on_behind_the_rows_that_are_done(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "a,A1,\nb,B1,\nc,A1,\na,A9,\nd,D1,\n")

    (rest,) = read(path, after=2)

    assert rest.position == 5
    assert skus(rest) == [["D1"]]
    assert [(fault.line, fault.field, fault.detail) for fault in rest.faults] == [
        (4, "sku", "this SKU is on line 2 already"),
        (5, "product", "rows of a product stand together: see line 2"),
    ]


def test_quoted_cells_have_lines_of_their_own(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + 'a,A1,"two\nlines"\r\nb,,\n')

    (part,) = read(path)

    (row,) = part.groups[0]
    assert [(fault.line, fault.field) for fault in row.faults] == [(2, "name")]
    assert [(fault.line, fault.field) for fault in part.faults] == [(4, "sku")]


def test_product_with_too_many_rows_is_cut_and_bounds_its_part(tmp_path: Path) -> None:
    lines = "".join(f"a,A{n},\n" for n in range(MAX_VARIANTS + 30))
    path = written(tmp_path, HEADER + lines)

    parts = read(path, rows=10)
    again = read(path, after=parts[0].position, rows=10)

    assert len(parts[0].groups[0]) == MAX_VARIANTS
    assert [part.failed_rows for part in parts] == [0, 10, 10, 10]
    assert [part.position for part in again] == [part.position for part in parts[1:]]
    assert [part.failed_rows for part in again] == [10, 10, 10]


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ("", "", "the list is empty"),
        (HEADER, "", "the list has no rows"),
        (HEADER + 'a,A1,"open', "/lines/2", "not CSV: unexpected end of data"),
        (HEADER + 'a,A1,"x"y\n', "/lines/2", "not CSV: ',' expected after '\"'"),
        (HEADER + "a,A1,x\x00\n", "/lines/2", "not text: it has a NUL character"),
        (HEADER + "a,A1,x\n" * 1001, "", "more than 1000 rows: send several lists"),
        (
            HEADER.encode() + b"a,A1,caf\xe9\n",
            "/lines/1",
            "not UTF-8 there, or shortly after: the byte 0xe9",
        ),
        (
            (HEADER + "a,A1,x\n").encode("utf-16"),
            "/lines/1",
            "not UTF-8 there, or shortly after: the byte 0xff",
        ),
        (HEADER + "x" * (MAX_LINE_CHARACTERS + 1), "/lines/2", "more than 262144 characters"),
        (HEADER + f"a,A1,{'x' * 70_000}\n", "/lines/2", "not CSV: field larger than field limit"),
    ],
)
def test_file_that_is_no_list_is_refused_as_a_whole(
    tmp_path: Path, body: str | bytes, pointer: str, detail: str
) -> None:
    found = refusal(written(tmp_path, body))

    assert found[0] == pointer
    assert re.sub(r" \(\d+\)$", "", found[1]) == detail


def test_written_rows_have_no_formula() -> None:
    pieces = CsvPieces(["a", "b"])

    assert pieces.write([("=1+1", "-5")]) == b"a,b\r\n'=1+1,'-5\r\n"
    assert pieces.write([("|calc", "a|b")]) == b"'|calc,a|b\r\n"
    assert pieces.write([]) == b""
