"""Somebody who has left a trace in every table, and a look for such traces everywhere."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from sqlalchemy import text

from core.database import Database
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, new_id
from core.resources import Resources
from models.repositories import orders, timeline
from tests.returning import delivered, requested
from tests.shop import ADDRESS, Shop

_TABLES = text("""
SELECT c.table_name, string_agg(
    CASE WHEN c.data_type = 'bytea' THEN format('encode(%I, ''escape'')', c.column_name)
        ELSE format('%I::text', c.column_name) END, ', ') AS columns
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
GROUP BY c.table_name ORDER BY c.table_name
""")

# Each statement writes the mark, :m, into what the tables keep of a person.
_WRITTEN = ("name", "line1", "line2", "city", "postal_code", "phone")
_TRACES = """
INSERT INTO users (id, email, email_verified_at, phone, phone_verified_at, name, role,
    password_hash, totp_secret)
VALUES (:user, :email, now(), :phone, now(), :m, 'customer', :m, :m);
INSERT INTO identities (provider, subject, user_id) VALUES ('google', :m, :user);
INSERT INTO sessions (id, user_id, method, device, address, reason, expires_at)
VALUES (:session, :user, 'password', :m, :m, '', now() + interval '1 day');
INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
VALUES (:m, :session, :user, now() + interval '1 day');
INSERT INTO account_messages (id, kind, channel, recipient, user_id, expires_at)
VALUES (:message, 'password_changed', 'email', :email, :user, now() + interval '1 day');
INSERT INTO account_messages (id, kind, channel, recipient, expires_at)
VALUES (:message || '2', 'sign_in_code', 'sms', :phone, now() + interval '1 day');
INSERT INTO carts (id, customer_id, currency, status, promotion_code, expires_at)
VALUES (:cart, :user, 'USD', 'active', :m, now() + interval '1 day');
INSERT INTO cart_items (cart_id, sku, quantity) VALUES (:cart, :m, 1);
INSERT INTO personal_exports (id, user_id, status, object_key) VALUES (:cart, :user, 'done', :m);
INSERT INTO old_users (source_id, fingerprint, user_id, outcome, detail)
VALUES (CONCAT('user', chr(58), :user), :m, :user, 'created', :m);
INSERT INTO audit_log (id, actor, action, target, reason)
VALUES (:cart, CONCAT('customer', chr(58), :user), 'cart.changed', :cart, :m);
INSERT INTO audit_log (id, actor, action, target, reason)
VALUES (:cart || '2', 'staff', 'user.impersonated', :user, :m);
UPDATE checkout_drafts SET cart = cart || jsonb_build_object('email', :m, 'payment_method', :m,
    'shipping_address', CAST(:address AS jsonb)) WHERE order_id IN (:order, :guests_order);
UPDATE orders SET status = 'completed', shipping_address = CAST(:address AS jsonb),
    next_action = jsonb_build_object('client_secret', :m) WHERE id IN (:order, :guests_order);
UPDATE orders SET customer_id = :guest, email = upper(:email) WHERE id = :guests_order;
UPDATE checkout_drafts SET customer_id = :guest WHERE order_id = :guests_order;
UPDATE idempotency_keys SET caller_id = :guest WHERE resource_id = :guests_order;
UPDATE idempotency_keys SET key = :m || key, response_status = 201,
    response_body = CAST(:m AS bytea)
WHERE resource_id IN (:order, :guests_order);
INSERT INTO order_edits (id, order_id, status, changes, difference_amount, actor, reason)
VALUES (:cart, :order, 'applied', '[]', 0, 'staff', :m);
UPDATE payments SET payment_method = :m, next_action = jsonb_build_object('url', :m)
WHERE order_id IN (:order, :guests_order);
INSERT INTO refunds (id, order_id, amount, currency, status, reason, actor, items)
VALUES (:refund, :order, 1, 'USD', 'succeeded', :m, 'staff', '[]');
INSERT INTO idempotency_keys (caller_id, key, request_hash, resource_id, response_body)
VALUES ('usr_1', :refund, '', :refund, CAST(:m AS bytea));
UPDATE returns SET status = 'rejected', rejection_reason = :m, tracking_number = :m
WHERE order_id = :order;
UPDATE return_items SET reason = :m FROM returns r WHERE r.id = return_id AND r.order_id = :order;
INSERT INTO disputes (id, order_id, payment_id, provider, provider_dispute_id, status, reason,
    currency, amount, held, evidence, opened_at)
SELECT :dispute, order_id, id, provider, :dispute, 'won', 'fraudulent', 'USD', 1, '[]',
    jsonb_build_object('submitted', jsonb_build_object('customer_name', :m)), now()
FROM payments WHERE order_id = :order;
UPDATE shipments SET label_url = :m WHERE order_id = :order;
INSERT INTO shipment_events (shipment_id, event_id, status, description, location, occurred_at)
SELECT id, id, 'delivered', 'left with ' || :m, :m, now() FROM shipments WHERE order_id = :order;
"""


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """A person; ``mark`` is in all that is known of them, and in nothing else."""

    user_id: str
    mark: str
    email: str
    order_id: str
    guests_order_id: str


async def remember(resources: Resources) -> Remembered:
    """Write somebody into every table; nothing of theirs is under way."""
    shop = Shop(resources.database, resources.temporal)
    mark = new_id(Prefix.EVENT).removeprefix("evt_")
    shelf = await shop.stock_up(5)
    sold = await delivered(resources, shop, shelf, 1)
    guests = await delivered(resources, shop, shelf, 1)
    await requested(resources.database, sold)
    person = Remembered(
        user_id=shop.customer_id,
        mark=mark,
        email=f"{mark}@shop.perdure.dev",
        order_id=sold.order_id,
        guests_order_id=guests.order_id,
    )
    async with resources.database.transaction() as session:
        connection = await session.connection()
        for statement in _TRACES.strip().split(";\n"):
            await connection.exec_driver_sql(_filled_in(statement, person))
        await orders.lock(session, sold.order_id)
        said = TimelineEntry(type=OrderEvent.EDITED, title="Edited", detail=f"by {mark}")
        await timeline.append(session, sold.order_id, [said])
    return person


def _filled_in(sql: str, person: Remembered) -> str:
    """The statement with literals, since nobody tells the types of so many marks."""
    mark, user = person.mark, person.user_id
    known = {
        "m": mark,
        "user": user,
        "email": person.email,
        "phone": f"+44{mark}",
        "session": user.replace("usr", "ses"),
        "message": user.replace("usr", "msg"),
        "cart": user.replace("usr", "crt"),
        "guest": user.replace("usr", "crt")[:-1] + "0",
        "refund": user.replace("usr", "rfd"),
        "dispute": user.replace("usr", "dsp"),
        "order": person.order_id,
        "guests_order": person.guests_order_id,
        "address": json.dumps(ADDRESS | dict.fromkeys(_WRITTEN, mark)),
    }
    return re.sub(r":([a-z_]+)", lambda name: f"'{known[name[1]]}'", sql)


async def where_is(database: Database, word: str) -> dict[str, int]:
    """Count the rows of each table in which a word stands, in whatever column and case."""
    found = {}
    for table in await database.statement(_TABLES, {}):
        name, columns = table["table_name"], table["columns"]
        sql = f"SELECT count(*) AS n FROM {name} WHERE concat_ws(' ', {columns}) ILIKE :word"  # noqa: S608  # names of our tables
        rows = await database.statement(text(sql), {"word": f"%{word}%"})
        if rows[0]["n"]:
            found[name] = rows[0]["n"]
    return found
