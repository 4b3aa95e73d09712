"""Expansion: an id in an answer is replaced by the object that it names."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.sandbox.documents import Documents, Json
from deploy.sandbox.stripe.errors import StripeError

MAX_DEPTH = 4


def expand(documents: Documents, body: Json, paths: Iterable[str]) -> None:
    """Expand in place.

    Raises:
        StripeError: A path is too deep or names something that is no id.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_DEPTH:
            raise StripeError(
                f"You cannot expand more than {MAX_DEPTH} levels of a property.", param="expand"
            )
        _expand(documents, body, steps, path)


def _expand(documents: Documents, node: Json, steps: list[str], path: str) -> None:
    name = steps[0]
    if name not in node or isinstance(node[name], (int, float, bool)):
        raise StripeError(
            f"This property cannot be expanded ({path}).", code="property_not_expandable"
        )
    value = node[name]
    if isinstance(value, str):
        found = documents.get(value)
        if found is None:
            raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
        node[name] = value = found
    if len(steps) == 1:
        return
    for child in value if isinstance(value, list) else [value]:
        if isinstance(child, dict):
            _expand(documents, child, steps[1:], path)
