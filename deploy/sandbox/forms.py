"""Stripe's form encoding: `metadata[order_id]=1&expand[]=x&items[0][price]=p` to nested values."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

MAX_FIELDS = 1000
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


class MalformedFormError(ValueError):
    """The body is not a form that Stripe would understand."""


def parse_form(text: str) -> dict[str, Any]:
    """Nested dicts of strings; lists come from `name[]` and from consecutive `name[0]`, `name[1]`.

    Raises:
        MalformedFormError: A name is not well formed, contradicts another, or there are too many.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise MalformedFormError(str(error)) from error
    root: dict[str, Any] = {}
    for name, value in pairs:
        matched = _NAME.fullmatch(name)
        if matched is None:
            raise MalformedFormError(f"Invalid parameter name: {name}")
        _insert(root, [matched[1], *re.findall(r"\[([^\[\]]*)\]", matched[2])], name, value)
    return {name: _with_lists(value) for name, value in root.items()}


def _insert(root: dict[str, Any], keys: list[str], name: str, value: str) -> None:
    node = root
    for key in keys[:-1]:
        child = node.setdefault(key or str(len(node)), {})
        if not isinstance(child, dict):
            raise MalformedFormError(f"Invalid parameter: {name}")
        node = child
    leaf = keys[-1] or str(len(node))
    if isinstance(node.get(leaf), dict):
        raise MalformedFormError(f"Invalid parameter: {name}")
    node[leaf] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    converted = {key: _with_lists(child) for key, child in value.items()}
    if converted and list(converted) == [str(index) for index in range(len(converted))]:
        return list(converted.values())
    return converted
