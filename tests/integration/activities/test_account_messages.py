"""A message of an account leaves once, and the row tells how it went."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from activities.account_messages import GatewayAccountMessageActivities
from core.database import Database
from core.domain.errors import ProviderError, ProviderRejectedError
from core.gateways.email import Email
from core.gateways.sms import Sms
from core.one_time import OneTimeSecrets
from core.settings import Settings
from models.repositories import account_messages
from models.repositories.account_messages import NewMessage
from models.users import MessageChannel, MessageKind
from tests.integration.activities.test_twice import twice
from workflows.ports.account_messages import AccountMessageRef, MessageOutcome

ADA = "ada@shop.perdure.dev"


class Outbox:
    """Both gateways; ``trouble`` is what they raise instead of sending."""

    def __init__(self) -> None:
        self.sent: list[Email | Sms] = []
        self.trouble: Exception | None = None

    async def send(self, message: Any) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.sent.append(message)

    async def close(self) -> None:
        """Nothing is open."""


class Sending:
    """The activity, its outbox and the rows behind it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.outbox = Outbox()
        self.secrets = OneTimeSecrets.of(settings.auth)
        self.activities = GatewayAccountMessageActivities(
            database, self.outbox, self.outbox, settings
        )

    async def written(self, kind: MessageKind, **more: Any) -> AccountMessageRef:
        message = NewMessage(kind=kind, **{"recipient": ADA, **more})
        async with self.database.transaction() as session:
            await account_messages.write(session, message, self.secrets)
            await account_messages.write(session, message, self.secrets)
        return AccountMessageRef(message_id=message.id)

    async def row(self, ref: AccountMessageRef) -> dict[str, Any]:
        rows = await self.database.statement(
            text("SELECT * FROM account_messages WHERE id = :id"), {"id": ref.message_id}
        )
        return dict(rows[0])

    async def send(self, ref: AccountMessageRef) -> MessageOutcome:
        outcome: MessageOutcome = await twice(self.activities.send_account_message, ref)
        return outcome


@pytest.fixture
async def sending(settings: Settings) -> AsyncIterator[Sending]:
    database = Database.open(settings.postgres)
    yield Sending(database, settings)
    await database.close()


async def test_message_with_a_link_is_sent_once_and_only_its_hash_is_kept(sending: Sending) -> None:
    ref = await sending.written(MessageKind.VERIFY_EMAIL)

    assert await sending.send(ref) is MessageOutcome.SENT

    (email,) = sending.outbox.sent
    assert isinstance(email, Email)
    token = sending.secrets.token(MessageKind.VERIFY_EMAIL, ref.message_id)
    assert (email.reference, email.recipient) == (ref.message_id, ADA)
    assert f"/account/verify-email#token={token}\n" in email.text
    row = await sending.row(ref)
    assert row["secret_hash"] == sending.secrets.hash(ref.message_id, token)
    assert (row["sent_at"] is None, row["failed_at"]) == (False, None)


async def test_code_goes_to_a_number_and_a_newer_one_takes_its_place(sending: Sending) -> None:
    to_number = {"recipient": "+447400123456", "channel": MessageChannel.SMS}
    older = await sending.written(MessageKind.SIGN_IN_CODE, **to_number)
    newer = await sending.written(MessageKind.SIGN_IN_CODE, **to_number)

    assert await sending.send(older) is MessageOutcome.NOT_NEEDED
    assert await sending.send(newer) is MessageOutcome.SENT

    (sms,) = sending.outbox.sent
    code = sending.secrets.code(MessageKind.SIGN_IN_CODE, newer.message_id)
    assert sms.text.startswith(f"{code} is your code to sign in.")


async def test_refused_message_fails_for_good_and_says_why(sending: Sending) -> None:
    ref = await sending.written(MessageKind.PASSWORD_CHANGED)
    sending.outbox.trouble = ProviderRejectedError("smtp: 550")

    assert await sending.send(ref) is MessageOutcome.FAILED

    row = await sending.row(ref)
    assert (row["last_error"], row["sent_at"], row["failed_at"] is None) == (
        "smtp: 550",
        None,
        False,
    )


async def test_trouble_is_raised_and_written_until_the_message_is_too_old(
    sending: Sending,
) -> None:
    ref = await sending.written(MessageKind.RESET_PASSWORD)
    sending.outbox.trouble = ProviderError("smtp: SMTPConnectError")
    with pytest.raises(ProviderError):
        await sending.activities.send_account_message(ref)
    assert (await sending.row(ref))["last_error"] == "smtp: SMTPConnectError"

    await sending.database.statement(
        text("UPDATE account_messages SET expires_at = now() WHERE id = :id"),
        {"id": ref.message_id},
    )

    assert await sending.send(ref) is MessageOutcome.FAILED
    row = await sending.row(ref)
    assert (row["last_error"], row["sent_at"]) == ("its time ended before it could be sent", None)


async def test_message_of_another_key_is_not_sent_with_a_secret_that_does_not_work(
    sending: Sending,
) -> None:
    ref = await sending.written(MessageKind.RESET_PASSWORD)
    await sending.database.statement(
        text("UPDATE account_messages SET secret_hash = 'of-another-key' WHERE id = :id"),
        {"id": ref.message_id},
    )

    assert await sending.send(ref) is MessageOutcome.FAILED
    assert sending.outbox.sent == []
