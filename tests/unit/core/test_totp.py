"""Codes of an authenticator, by the examples of RFC 6238, appendix B (their last six digits)."""

from __future__ import annotations

from base64 import b32encode

import pytest

from core import totp

SECRET = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("now", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_code_of_the_standard_belongs_to_its_step(now: int, code: str) -> None:
    assert totp.step_of(SECRET, code, now=now) == now // 30


@pytest.mark.parametrize(("seconds", "taken"), [(-61, False), (-30, True), (30, True), (61, False)])
def test_clock_may_differ_by_one_step(*, seconds: int, taken: bool) -> None:
    now = 1111111109

    assert (totp.step_of(SECRET, "081804", now=now + seconds) is not None) is taken


def test_secret_is_new_and_long_enough() -> None:
    first, second = totp.new_secret(), totp.new_secret()

    assert first != second
    assert len(first) == 32
    assert f"secret={first}" in totp.uri_of(first, account="ada@a.dev", issuer="Perdure")
