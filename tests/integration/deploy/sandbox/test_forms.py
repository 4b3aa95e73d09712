from __future__ import annotations

import pytest

from deploy.sandbox.forms import MalformedFormError, parse_form


def test_nested_names_become_nested_values() -> None:
    form = "amount=1&metadata[order_id]=o%201&expand[]=a&expand[]=b&items[0][x]=1&items[1][x]=2"

    assert parse_form(form) == {
        "amount": "1",
        "metadata": {"order_id": "o 1"},
        "expand": ["a", "b"],
        "items": [{"x": "1"}, {"x": "2"}],
    }


def test_blank_value_is_kept() -> None:
    assert parse_form("metadata=") == {"metadata": ""}


@pytest.mark.parametrize("form", ["a[=1", "[a]=1", "a=1&a[b]=2", "a[b]=1&a=2", "a&" * 2000])
def test_malformed_form_is_refused(form: str) -> None:
    with pytest.raises(MalformedFormError):
        parse_form(form)
