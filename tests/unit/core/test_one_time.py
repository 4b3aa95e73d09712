from __future__ import annotations

from core.domain.ids import Prefix, new_id
from core.one_time import OneTimeSecrets, message_of

SECRETS = OneTimeSecrets("a-key-of-one-time-secrets-in-a-test")
MESSAGE = "msg_01jd7x9k2me8kv1qzr5t0w3y4b"


def test_secret_is_the_same_for_the_same_message_and_another_for_every_other() -> None:
    token = SECRETS.token("verify_email", MESSAGE)

    assert token == SECRETS.token("verify_email", MESSAGE)
    others = {
        SECRETS.token("reset_password", MESSAGE),
        SECRETS.token("verify_email", new_id(Prefix.MESSAGE)),
        OneTimeSecrets("another-key").token("verify_email", MESSAGE),
    }
    assert len(others | {token}) == 4


def test_code_has_six_digits() -> None:
    codes = [SECRETS.code("sign_in_code", new_id(Prefix.MESSAGE)) for _ in range(300)]

    assert {len(code) for code in codes} == {6}
    assert all(code.isdecimal() for code in codes)
    assert len(set(codes)) > 290


def test_stored_hash_takes_its_own_secret_alone() -> None:
    code = SECRETS.code("sign_in_code", MESSAGE)
    stored = SECRETS.hash(MESSAGE, code)

    assert code not in stored
    assert SECRETS.matches(MESSAGE, code, stored)
    assert not SECRETS.matches(MESSAGE, f"{(int(code) + 1) % 10**6:06}", stored)
    assert not SECRETS.matches(new_id(Prefix.MESSAGE), code, stored)
    assert not OneTimeSecrets("another-key").matches(MESSAGE, code, stored)


def test_token_names_its_message_and_anything_else_names_none() -> None:
    assert message_of(SECRETS.token("verify_email", MESSAGE)) == MESSAGE
    for token in ("", ".", "x", "usr_01jd7x9k2me8kv1qzr5t0w3y4b.x", f"{MESSAGE[:-1]}.x", "\ud800"):
        assert message_of(token) is None
