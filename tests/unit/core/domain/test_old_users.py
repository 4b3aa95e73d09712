from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.old_users import Account, Conflict, Decision, Note, OldRecord, decide

RECORD = OldRecord(source_id="user:1", fingerprint="f", line=2)
PROVEN = replace(RECORD, email="Ada@old.example", email_verified=True)
CLAIMED = replace(RECORD, email="ada@old.example")
CALLED = replace(RECORD, phone="+447946000001")
ADA = Account(id="usr_ada", email="ada@old.example", email_verified=True)
STRANGER = Account(id="usr_stranger", email="ada@old.example")
CALLER = Account(id="usr_caller", phone="+447946000001")


def _decide(record: OldRecord, *accounts: Account) -> Decision:
    return decide(
        record,
        by_email={account.email.lower(): account for account in accounts if account.email},
        by_phone={account.phone: account for account in accounts if account.phone},
        new_id="usr_new",
    )


def test_record_of_nobody_known_becomes_an_account_of_its_own() -> None:
    made = _decide(replace(CLAIMED, name="Ada", password_hash="argon2$…")).account

    assert made == Account(
        id="usr_new",
        email="ada@old.example",
        name="Ada",
        password_hash="argon2$…",
        has_password=True,
        made_by="user:1",
    )


def test_proven_address_joins_a_record_and_fills_what_is_missing() -> None:
    decision = _decide(replace(PROVEN, phone="+447946000001", name="Ada", password_hash="h"), ADA)

    assert decision.account == replace(
        ADA, phone="+447946000001", name="Ada", password_hash="h", has_password=True
    )


def test_what_an_account_has_stays() -> None:
    account = replace(ADA, phone="+447946000009", name="Countess", has_password=True)

    decision = _decide(
        replace(PROVEN, phone="+447946000001", name="Ada", password_hash="h"), account
    )

    assert decision == Decision(account=account, notes=(Note.OTHER_PHONE, Note.PASSWORD_KEPT))


def test_proven_number_joins_and_brings_the_address_along() -> None:
    decision = _decide(replace(CALLED, email="ada@old.example", email_verified=True), CALLER)

    assert decision.account == replace(CALLER, email="ada@old.example", email_verified=True)


def test_number_joins_though_another_has_the_claimed_address() -> None:
    decision = _decide(replace(CALLED, email="ada@old.example"), CALLER, ADA)

    assert decision == Decision(account=CALLER, notes=(Note.EMAIL_OF_ANOTHER,))


@pytest.mark.parametrize(
    ("record", "accounts", "conflict"),
    [
        (CLAIMED, [ADA], Conflict.EMAIL_TAKEN),
        (CLAIMED, [STRANGER], Conflict.EMAIL_TAKEN),
        (PROVEN, [STRANGER], Conflict.ACCOUNT_UNPROVEN),
        (replace(PROVEN, phone=CALLED.phone), [STRANGER, CALLER], Conflict.ACCOUNT_UNPROVEN),
        (replace(PROVEN, phone=CALLED.phone), [ADA, CALLER], Conflict.TWO_ACCOUNTS),
        (replace(PROVEN, is_open=False), [ADA], Conflict.CLOSED_AND_OPEN),
        (PROVEN, [replace(ADA, is_open=False)], Conflict.CLOSED_AND_OPEN),
        (PROVEN, [replace(ADA, is_customer=False)], Conflict.NOT_A_CUSTOMER),
        (CALLED, [replace(CALLER, is_customer=False)], Conflict.NOT_A_CUSTOMER),
    ],
)
def test_doubt_is_left_to_a_person(
    record: OldRecord, accounts: list[Account], conflict: Conflict
) -> None:
    assert _decide(record, *accounts) == Decision(account=None, conflict=conflict)
