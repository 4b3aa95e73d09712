"""Search attributes that every run carries, so that people find it in Temporal's UI."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

ORDER_ID = SearchAttributeKey.for_keyword("PerdureOrderId")
CUSTOMER_ID = SearchAttributeKey.for_keyword("PerdureCustomerId")
VENDOR_ID = SearchAttributeKey.for_keyword("PerdureVendorId")
WAITING_FOR = SearchAttributeKey.for_keyword("PerdureWaitingFor")

ALL = (ORDER_ID, CUSTOMER_ID, VENDOR_ID, WAITING_FOR)


def of_vendor(vendor_id: str) -> TypedSearchAttributes:
    """Attributes of a run that works for a vendor; none when it is not known yet."""
    return TypedSearchAttributes([SearchAttributePair(VENDOR_ID, vendor_id)] if vendor_id else [])


def of_order(
    order_id: str, customer_id: str | None = None, *, vendor_id: str | None = None
) -> TypedSearchAttributes:
    """Attributes of a run that works on an order."""
    values = ((ORDER_ID, order_id), (CUSTOMER_ID, customer_id), (VENDOR_ID, vendor_id))
    return TypedSearchAttributes(
        [SearchAttributePair(key, value) for key, value in values if value is not None]
    )
