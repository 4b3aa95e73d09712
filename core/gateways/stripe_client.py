"""What all calls of Stripe's API share: the version, the errors, and the walk through lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import stripe

from core.domain.provider_books import Page
from core.gateways.stripe_mapping import domain_error_of

Item = TypeVar("Item")

API_VERSION = "2026-10-28.endive"
"""The version that the mapping was written for; the account's default does not matter."""

PAGE_SIZE = 100
"""The most that Stripe lists at once."""


@contextmanager
def domain_errors() -> Iterator[None]:
    """Raise what the SDK raises as ``ProviderError`` or ``ProviderRejectedError``."""
    try:
        yield
    except stripe.StripeError as error:
        # Not chained: Stripe's own words would travel into logs and workflow histories.
        raise domain_error_of(error) from None


def page_of(
    listed: stripe.ListObject[Any], read: Callable[[Mapping[str, Any]], Item]
) -> Page[Item]:
    """One page; Stripe's cursor is the id of the last object on it."""
    more = bool(listed.has_more and listed.data)
    return Page(
        items=[read(one.to_dict()) for one in listed.data],
        next_cursor=listed.data[-1].id if more else None,
    )


def begin(moment: datetime) -> int:
    """The second in which a window begins; Stripe knows no smaller part."""
    return math.floor(moment.timestamp())


def end(moment: datetime) -> int:
    """The first second after a window: its last one may be listed by two windows."""
    return math.ceil(moment.timestamp())
