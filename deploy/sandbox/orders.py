"""Which order a request or a document is about: a provider knows it from its metadata alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.sandbox.documents import Documents

LINKS = ("payment_intent", "charge", "transaction", "source", "dispute", "refund", "id")
"""The fields and parameters that name another document, the most telling first."""

LONGEST_WAY = 4
"""A refund names its charge, which names its payment: no way to an order is longer."""


def order_of(documents: Documents, subject: Mapping[str, Any]) -> str | None:
    """The order in the metadata of the subject, or of the document that it names."""
    followed: set[str] = set()
    present: Mapping[str, Any] | None = subject
    for _ in range(LONGEST_WAY):
        if present is None:
            break
        metadata = present.get("metadata")
        order_id = metadata.get("order_id") if isinstance(metadata, Mapping) else None
        if order_id is not None:
            return str(order_id)
        present = _next(documents, present, followed)
    return None


def _next(
    documents: Documents, subject: Mapping[str, Any], followed: set[str]
) -> Mapping[str, Any] | None:
    for link in LINKS:
        name = subject.get(link)
        if isinstance(name, Mapping):
            name = name.get("id")
        if name is None or str(name) in followed:
            continue
        followed.add(str(name))
        found = documents.get(str(name))
        if found is not None:
            return found
    return None
