from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Own, Policy, order, signed_in, staff, vendor

ROUTES: dict[str, Policy] = {
    "GET /v1/orders": signed_in(),
    "GET /v1/orders/{id}": order(),
    "GET /v1/orders/{id}/timeline": order(),
    "GET /v1/orders/{id}/shipments": order(),
    "GET /v1/orders/{id}/events": order(),
    "POST /v1/orders/{id}/cancel": order(idempotent=True),
    "POST /v1/orders/{id}/payment": order(idempotent=True),
    "POST /v1/orders/{id}/payment/confirm": order(idempotent=True),
    "PUT /v1/orders/{id}/shipping-address": order(),
    "GET /v1/admin/orders": staff(Permission.ORDERS_READ),
    "GET /v1/admin/orders/stuck": staff(Permission.ORDERS_READ),
    "GET /v1/admin/orders/{id}": staff(Permission.ORDERS_READ),
    "POST /v1/admin/orders/{id}/retry": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/orders/{id}/resolve": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/orders/{id}/cancel": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/orders/{id}/edits": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/orders/{id}/hold": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/orders/{id}/release": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/orders/{id}/review": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/orders/{id}/returns": order(idempotent=True),
    "GET /v1/orders/{id}/returns": order(),
    "GET /v1/returns/{id}": order(own=Own.RETURN),
    "POST /v1/returns/{id}/shipped": order(own=Own.RETURN, idempotent=True),
    "GET /v1/admin/returns": staff(Permission.ORDERS_READ),
    "POST /v1/admin/returns/{id}/approve": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/returns/{id}/reject": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/returns/{id}/receive": staff(Permission.ORDERS_WRITE, idempotent=True),
    "GET /v1/vendor/shipments": vendor(Permission.ORDERS_WRITE),
    "GET /v1/vendor/shipments/{id}": vendor(Permission.ORDERS_WRITE, own=Own.PARCEL),
    "POST /v1/vendor/shipments/{id}/accept": vendor(
        Permission.ORDERS_WRITE, own=Own.PARCEL, idempotent=True
    ),
    "POST /v1/vendor/shipments/{id}/reject": vendor(
        Permission.ORDERS_WRITE, own=Own.PARCEL, idempotent=True
    ),
    "POST /v1/vendor/shipments/{id}/pack": vendor(
        Permission.ORDERS_WRITE, own=Own.PARCEL, idempotent=True
    ),
    "POST /v1/vendor/shipments/{id}/hand-over": vendor(
        Permission.ORDERS_WRITE, own=Own.PARCEL, idempotent=True
    ),
    "GET /v1/admin/shipments/{id}": staff(Permission.ORDERS_READ),
    "POST /v1/admin/shipments/{id}/events": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/shipments/{id}/reallocate": staff(Permission.ORDERS_WRITE, idempotent=True),
    "POST /v1/admin/shipments/{id}/{move}": staff(Permission.ORDERS_WRITE, idempotent=True),
}
