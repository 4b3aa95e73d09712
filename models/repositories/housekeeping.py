"""Rows that have had their day."""

from __future__ import annotations

from sqlalchemy import RowMapping, text

from core.database import Database

_OLD_KEYS = text("""
WITH gone AS (
    DELETE FROM idempotency_keys WHERE (caller_id, key) IN (
        SELECT caller_id, key FROM idempotency_keys
        WHERE created_at < now() - make_interval(days => :days) LIMIT 10000
    ) RETURNING 1
) SELECT count(*) AS number FROM gone
""")

_OLD_SESSIONS = text("""
WITH ended AS (
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions
        WHERE least(expires_at, revoked_at) < now() - make_interval(days => :days) LIMIT 10000
    )
), gone AS (
    DELETE FROM refresh_tokens WHERE token_hash IN (
        SELECT token_hash FROM refresh_tokens
        WHERE expires_at < now() - make_interval(days => :days) LIMIT 10000
    ) RETURNING 1
) SELECT count(*) AS number FROM gone
""")

_WAITING_EVENTS = text("""
SELECT provider, event_id FROM webhook_events
WHERE processed_at IS NULL AND received_at < now() - interval '1 minute'
ORDER BY received_at LIMIT 500
""")

_UNSTARTED_RETURNS = text("""
SELECT id, order_id FROM returns
WHERE status = 'requested' AND deadline_at IS NULL AND created_at < now() - interval '1 minute'
ORDER BY created_at LIMIT 500
""")

# In no order: of more than one run can ask about, none is kept out by those that wait for a person.
_PENDING_REFUNDS = text("""
SELECT id, order_id FROM refunds
WHERE status = 'pending' AND created_at < now() - interval '1 minute'
ORDER BY random() LIMIT 500
""")

# A key is kept for some days: whoever was told "accepted" longer ago has asked a person.
_UNOPENED_DRAFTS = text("""
SELECT d.order_id, d.customer_id FROM checkout_drafts d
JOIN idempotency_keys k ON k.resource_id = d.order_id AND k.response_status = 202
LEFT JOIN orders o ON o.id = d.order_id
WHERE o.id IS NULL AND d.created_at < now() - interval '1 minute'
ORDER BY random() LIMIT 500
""")

# While its workflow looks for an upload it is none of these.
_UNFOLLOWED_MEDIA = text("""
SELECT id FROM product_media
WHERE status = 'removed' OR (status IN ('awaiting_upload', 'processing')
    AND upload_expires_at < now() - interval '30 minutes')
ORDER BY random() LIMIT 500
""")


async def delete_old_keys(database: Database, days: int) -> int:
    """Forget answers that are older than ``days``; at most 10,000 a call."""
    return int((await database.statement(_OLD_KEYS, {"days": days}))[0]["number"])


async def delete_old_sessions(database: Database, days: int) -> int:
    """Forget sessions and refresh tokens that ended ``days`` ago; at most 10,000 of each."""
    return int((await database.statement(_OLD_SESSIONS, {"days": days}))[0]["number"])


async def waiting_events(database: Database) -> list[RowMapping]:
    """Events of the inbox that no workflow has finished for over a minute, the oldest first."""
    return list(await database.statement(_WAITING_EVENTS, {}))


async def unstarted_returns(database: Database) -> list[RowMapping]:
    """Returns that nobody follows: their workflow's first step would have set a deadline."""
    return list(await database.statement(_UNSTARTED_RETURNS, {}))


async def pending_refunds(database: Database) -> list[RowMapping]:
    """Refunds that are not carried out for over a minute, at most 500 of them."""
    return list(await database.statement(_PENDING_REFUNDS, {}))


async def unopened_drafts(database: Database) -> list[RowMapping]:
    """Orders that their customers were promised and that nothing has opened for over a minute."""
    return list(await database.statement(_UNOPENED_DRAFTS, {}))


async def unfollowed_media(database: Database) -> list[str]:
    """Pictures whose workflow should have ended: they are started again where none runs."""
    return [row["id"] for row in await database.statement(_UNFOLLOWED_MEDIA, {})]
