"""What must be true of people who asked to be forgotten."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

PEOPLE = (
    Invariant(
        name="forgotten_person_is_unknown",
        number=11,
        promise="an account that is erased has no address, no name and no way in",
        sql="""
            SELECT u.id AS user_id FROM users u
            WHERE u.erased_at IS NOT NULL AND (
                coalesce(u.email, u.phone, u.password_hash, u.totp_secret) IS NOT NULL
                OR u.name <> '' OR u.disabled_at IS NULL
                OR EXISTS (SELECT FROM identities i WHERE i.user_id = u.id)
                OR EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id AND s.revoked_at IS NULL))
            UNION
            SELECT e.user_id FROM erasures e JOIN users u ON u.id = e.user_id
            WHERE e.status = 'done' AND (u.erased_at IS NULL OR e.kept ->> 'orders' IS NULL)""",
    ),
    Invariant(
        name="forgotten_order_has_no_address",
        number=11,
        promise="orders of somebody who is forgotten name a country and a region, and nobody",
        sql="""
            SELECT o.id AS order_id, o.customer_id
            FROM erasures e JOIN orders o ON o.customer_id = e.user_id
            JOIN checkout_drafts d ON d.order_id = o.id
            WHERE e.status = 'done' AND (o.email <> ''
                OR concat(o.shipping_address ->> 'name', o.shipping_address ->> 'line1',
                    o.shipping_address ->> 'city', o.shipping_address ->> 'postal_code',
                    o.shipping_address ->> 'phone') <> ''
                OR concat(d.cart ->> 'email', d.cart -> 'shipping_address' ->> 'name',
                    d.cart -> 'shipping_address' ->> 'line1') <> '')""",
    ),
    Invariant(
        name="erasure_goes_on",
        number=11,
        promise="somebody follows a wish to be forgotten within 15 minutes",
        sql="""
            SELECT id, user_id, created_at FROM erasures
            WHERE status = 'requested' AND created_at < now() - CAST(:unread AS interval)""",
    ),
)
