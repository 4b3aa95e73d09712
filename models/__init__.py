"""Every table of the platform; importing this package registers them all."""

from models.catalogue import (
    Category,
    Product,
    ProductCategory,
    ProductMedia,
    ProductStatus,
    ShippingRate,
    TaxRate,
    Variant,
    VariantPrice,
    VariantStatus,
)
from models.idempotency import IdempotencyKey
from models.orders import CheckoutDraft, Order, OrderItem, OutboxEvent, TimelineRow
from models.payments import Capture, Payment
from models.shipments import Shipment, ShipmentEvent, ShipmentItem
from models.stock import Hold, ReservationLine, Stock, StockMovement, Warehouse
from models.users import RefreshToken, Role, User
from models.vendors import Vendor
from models.webhook_events import WebhookEvent

__all__ = [
    "Capture",
    "Category",
    "CheckoutDraft",
    "Hold",
    "IdempotencyKey",
    "Order",
    "OrderItem",
    "OutboxEvent",
    "Payment",
    "Product",
    "ProductCategory",
    "ProductMedia",
    "ProductStatus",
    "RefreshToken",
    "ReservationLine",
    "Role",
    "Shipment",
    "ShipmentEvent",
    "ShipmentItem",
    "ShippingRate",
    "Stock",
    "StockMovement",
    "TaxRate",
    "TimelineRow",
    "User",
    "Variant",
    "VariantPrice",
    "VariantStatus",
    "Vendor",
    "Warehouse",
    "WebhookEvent",
]
