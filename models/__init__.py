"""Every table of the platform; importing this package registers them all."""

from core.domain.backorders import BackorderPolicy
from models.carts import Cart, CartItem, CartStatus
from models.catalogue import (
    Category,
    Product,
    ProductCategory,
    ProductMedia,
    ProductStatus,
    ShippingOption,
    ShippingRate,
    ShippingZone,
    ShippingZonePlace,
    TaxRate,
    TaxRule,
    Variant,
    VariantPrice,
    VariantStatus,
)
from models.disputes import Dispute
from models.idempotency import IdempotencyKey
from models.ledger import LedgerEntry, LedgerPosting
from models.orders import CheckoutDraft, ItemKind, Order, OrderItem, OutboxEvent, TimelineRow
from models.oversight import AuditEntry, OrderEdit, OrderWait, ReviewKind, ReviewRule
from models.payments import (
    Capture,
    CaptureStatus,
    Payment,
    PaymentPurpose,
    Refund,
    RefundPart,
)
from models.promotions import Promotion, PromotionUse
from models.reconciliation import (
    Difference,
    ProviderTransaction,
    Reconciliation,
    ReconciliationPayment,
)
from models.returns import Return, ReturnCondition, ReturnItem
from models.settlements import (
    CommissionRule,
    Settlement,
    SettlementApproval,
    SettlementLine,
)
from models.shipments import Shipment, ShipmentEvent, ShipmentItem, ShipmentPurpose
from models.stock import (
    Backorder,
    Hold,
    ReservationLine,
    Stock,
    StockMovement,
    StockTransfer,
    TransferStatus,
    Warehouse,
)
from models.users import RefreshToken, Role, User
from models.vendors import FulfillmentMode, Vendor
from models.webhook_events import EventPoll, WebhookEvent

__all__ = [
    "AuditEntry",
    "Backorder",
    "BackorderPolicy",
    "Capture",
    "CaptureStatus",
    "Cart",
    "CartItem",
    "CartStatus",
    "Category",
    "CheckoutDraft",
    "CommissionRule",
    "Difference",
    "Dispute",
    "EventPoll",
    "FulfillmentMode",
    "Hold",
    "IdempotencyKey",
    "ItemKind",
    "LedgerEntry",
    "LedgerPosting",
    "Order",
    "OrderEdit",
    "OrderItem",
    "OrderWait",
    "OutboxEvent",
    "Payment",
    "PaymentPurpose",
    "Product",
    "ProductCategory",
    "ProductMedia",
    "ProductStatus",
    "Promotion",
    "PromotionUse",
    "ProviderTransaction",
    "Reconciliation",
    "ReconciliationPayment",
    "RefreshToken",
    "Refund",
    "RefundPart",
    "ReservationLine",
    "Return",
    "ReturnCondition",
    "ReturnItem",
    "ReviewKind",
    "ReviewRule",
    "Role",
    "Settlement",
    "SettlementApproval",
    "SettlementLine",
    "Shipment",
    "ShipmentEvent",
    "ShipmentItem",
    "ShipmentPurpose",
    "ShippingOption",
    "ShippingRate",
    "ShippingZone",
    "ShippingZonePlace",
    "Stock",
    "StockMovement",
    "StockTransfer",
    "TaxRate",
    "TaxRule",
    "TimelineRow",
    "TransferStatus",
    "User",
    "Variant",
    "VariantPrice",
    "VariantStatus",
    "Vendor",
    "Warehouse",
    "WebhookEvent",
]
