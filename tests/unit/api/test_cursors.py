from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from api.cursors import Cursors, InvalidCursorError

SCOPE = {"list": "orders", "customer": "usr_1", "status": None}
CURSORS = Cursors("a-key-of-at-least-thirty-two-bytes!!")


def test_no_cursor_opens_the_first_page() -> None:
    assert CURSORS.open(None, scope=SCOPE) is None


def test_sealed_cursor_opens_to_its_position() -> None:
    cursor = CURSORS.seal("ord_1", scope=SCOPE)

    assert CURSORS.open(cursor, scope=dict(reversed(SCOPE.items()))) == "ord_1"
    assert "ord_1" not in cursor


@pytest.mark.parametrize(
    "scope", [{}, {**SCOPE, "list": "products"}, {**SCOPE, "status": "failed"}]
)
def test_cursor_of_another_list_is_refused(scope: dict[str, object]) -> None:
    cursor = CURSORS.seal("ord_1", scope=SCOPE)

    with pytest.raises(InvalidCursorError):
        CURSORS.open(cursor, scope=scope)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "\x00", "A" * 500, urlsafe_b64encode(b"0" * 16 + b"ord_1").decode()],
)
def test_forged_cursor_is_refused_with_a_pointer(cursor: str) -> None:
    with pytest.raises(InvalidCursorError) as caught:
        CURSORS.open(cursor, scope=SCOPE)

    assert caught.value.extra() == {
        "errors": [{"pointer": "/query/cursor", "detail": "not a cursor of this list"}]
    }


def test_cursor_of_another_key_is_refused() -> None:
    cursor = Cursors("another-key-of-at-least-thirty-two-b").seal("ord_1", scope=SCOPE)

    with pytest.raises(InvalidCursorError):
        CURSORS.open(cursor, scope=SCOPE)
