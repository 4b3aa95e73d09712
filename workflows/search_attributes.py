"""Search attributes that every run carries, so that people find it in Temporal's UI."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

ORDER_ID = SearchAttributeKey.for_keyword("PerdureOrderId")
CUSTOMER_ID = SearchAttributeKey.for_keyword("PerdureCustomerId")
VENDOR_ID = SearchAttributeKey.for_keyword("PerdureVendorId")
WAITING_FOR = SearchAttributeKey.for_keyword("PerdureWaitingFor")

ALL = (ORDER_ID, CUSTOMER_ID, VENDOR_ID, WAITING_FOR)


def of_order(order_id: str, customer_id: str | None = None) -> TypedSearchAttributes:
    """Attributes of a run that works on an order."""
    pairs: list[SearchAttributePair[str]] = [SearchAttributePair(ORDER_ID, order_id)]
    if customer_id is not None:
        pairs.append(SearchAttributePair(CUSTOMER_ID, customer_id))
    return TypedSearchAttributes(pairs)
