"""What must be true of sessions and of messages of accounts."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

SIGN_IN = (
    Invariant(
        name="ended_session_has_no_token",
        number=9,
        promise="no refresh token outlives the end of its session",
        sql="""
            SELECT s.id AS session_id, s.user_id FROM sessions s
            JOIN refresh_tokens t ON t.family_id = s.id
            WHERE s.revoked_at IS NOT NULL AND t.revoked_at IS NULL AND t.used_at IS NULL
                AND t.expires_at > now()""",
    ),
    Invariant(
        name="message_is_sent_or_shows_why_not",
        number=9,
        promise="nothing is lost: a message of an account is sent, or failed, or not needed",
        sql="""
            SELECT id AS message_id, kind, last_error FROM account_messages
            WHERE sent_at IS NULL AND failed_at IS NULL AND used_at IS NULL
                AND expires_at < now() - CAST(:unread AS interval)""",
    ),
)
