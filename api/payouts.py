"""The account that a vendor is paid to, made at its provider when it is a bank account."""

from __future__ import annotations

from api.schemas.settlements import BankAccount, PayoutAccountRequest
from core.domain.errors import (
    FieldError,
    InvalidRequestError,
    NotFoundError,
    ProviderRejectedError,
)
from core.gateways import payments
from core.resources import Resources
from models.repositories import payout_accounts


async def account_of(resources: Resources, vendor_id: str, wanted: PayoutAccountRequest) -> str:
    """Return the provider's id of the account.

    Raises:
        InvalidRequestError: no such provider, one that makes no accounts, or one that cannot pay
            this one.
        NotFoundError: there is no such vendor.
        ProviderError: the provider did not answer; asking again makes no second account.
    """
    gateway = resources.payments.get(wanted.provider)
    if gateway is None:
        known = ", ".join(sorted(resources.payments))
        raise _refusal("/provider", f"one of {known}")
    if wanted.bank is None:
        return wanted.account or ""
    if not gateway.capabilities.payout_accounts:
        raise _refusal("/bank", f"{wanted.provider} makes no accounts: send its id as account")
    if not await payout_accounts.knows(resources.database, vendor_id):
        raise NotFoundError("there is no such vendor")
    try:
        return await gateway.create_payout_account(_domain(wanted.bank))
    except ProviderRejectedError:
        raise _refusal("/bank", f"{wanted.provider} cannot pay this account") from None


def _domain(bank: BankAccount) -> payments.BankAccount:
    return payments.BankAccount(
        type=bank.type,
        name=bank.name,
        account_number=bank.account_number.get_secret_value(),
        bank_code=bank.bank_code,
        currency=bank.currency,
    )


def _refusal(pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError(pointer=pointer, detail=detail)])
