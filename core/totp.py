"""Codes of an authenticator: RFC 6238 with its defaults (SHA-1, six digits, 30 seconds).

A code counts one step before and after its own, for clocks that differ.
"""

from __future__ import annotations

import hmac

import pyotp

STEP_SECONDS = 30
_WINDOW = (-1, 0, 1)


def new_secret() -> str:
    """Return a secret of 160 random bits in base32 (RFC 4226, section 4, R6)."""
    return pyotp.random_base32()


def uri_of(secret: str, *, account: str, issuer: str) -> str:
    """Return the address that an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(secret: str, code: str, *, now: float) -> int | None:
    """Return the time step that a code belongs to; None when it is none of about now.

    Args:
        secret: base32.
        code: six digits.
        now: seconds since 1970.
    """
    present = int(now) // STEP_SECONDS
    found = None
    for offset in _WINDOW:
        expected = pyotp.TOTP(secret).generate_otp(present + offset)
        if hmac.compare_digest(expected.encode(), code.encode()):
            found = present + offset
    return found
