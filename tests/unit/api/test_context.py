from __future__ import annotations

import re

import pytest

from api.context import request_id_of, trace_id_of

FRESH = re.compile(r"[0-9a-f]{32}")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def _scope(name: bytes, value: str) -> dict[str, object]:
    return {"headers": [(name, value.encode("latin-1"))]}


@pytest.mark.parametrize("given", ["a", "req_1", "A.b-C:9", "x" * 128])
def test_sane_request_id_is_kept(given: str) -> None:
    assert request_id_of(_scope(b"x-request-id", given)) == given


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 129, "é", "a\nb", '{"a":1}'])
def test_odd_request_id_is_replaced(given: str) -> None:
    assert FRESH.fullmatch(request_id_of(_scope(b"x-request-id", given)))


def test_trace_is_continued() -> None:
    assert trace_id_of(_scope(b"traceparent", f"00-{TRACE}-{PARENT}-01")) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-extra",
    ],
)
def test_bad_traceparent_starts_a_new_trace(given: str) -> None:
    fresh = trace_id_of(_scope(b"traceparent", given))

    assert FRESH.fullmatch(fresh)
    assert fresh != TRACE
