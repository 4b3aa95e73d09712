"""Messages of accounts leave by e-mail or as text messages."""

from __future__ import annotations

from temporalio import activity

from activities.account_texts import composed
from core.database import Database
from core.domain.errors import ProviderError, ProviderRejectedError
from core.gateways.email import Email, EmailGateway
from core.gateways.sms import Sms, SmsGateway
from core.one_time import OneTimeSecrets
from core.settings import Settings
from models.repositories import account_messages
from models.repositories.account_messages import MessageRow
from models.users import MessageChannel
from workflows.ports.account_messages import (
    AccountMessageActivities,
    AccountMessageRef,
    MessageOutcome,
)

_TOO_LATE = "its time ended before it could be sent"


class GatewayAccountMessageActivities(AccountMessageActivities):
    def __init__(
        self, database: Database, email: EmailGateway, sms: SmsGateway, settings: Settings
    ) -> None:
        self._database = database
        self._email = email
        self._sms = sms
        self._link = settings.email.link
        self._secrets = OneTimeSecrets.of(settings.auth)

    @activity.defn
    async def send_account_message(self, step: AccountMessageRef) -> MessageOutcome:
        message = await account_messages.find(self._database, step.message_id)
        if message is None:
            return MessageOutcome.NOT_NEEDED
        if message.sent_at is not None:
            return MessageOutcome.SENT
        if message.failed_at is not None:
            return MessageOutcome.FAILED
        if message.used_at is not None:
            return MessageOutcome.NOT_NEEDED
        if message.expired:
            await account_messages.mark_trouble(
                self._database, message.id, _TOO_LATE, for_good=True
            )
            return MessageOutcome.FAILED
        return await self._send(message)

    async def _send(self, message: MessageRow) -> MessageOutcome:
        try:
            await self._hand_over(message)
        except ProviderRejectedError as error:
            await account_messages.mark_trouble(
                self._database, message.id, str(error), for_good=True
            )
            return MessageOutcome.FAILED
        except ProviderError as error:
            await account_messages.mark_trouble(self._database, message.id, str(error))
            raise
        await account_messages.mark_sent(self._database, message.id)
        return MessageOutcome.SENT

    async def _hand_over(self, message: MessageRow) -> None:
        """Send it.

        Raises:
            ProviderRejectedError: it is refused for good, or the key of its secret has changed.
            ProviderError: not now.
        """
        secret = account_messages.secret_of(self._secrets, message.kind, message.id)
        if secret is not None and not self._secrets.matches(
            message.id, secret, message.secret_hash or ""
        ):
            raise ProviderRejectedError("the key of one-time secrets has changed since")
        subject, words = composed(
            message.kind, secret=secret, link=self._link, vendor=message.vendor_name
        )
        if message.channel is MessageChannel.SMS:
            await self._sms.send(
                Sms(reference=message.id, recipient=message.recipient, text=words.strip())
            )
        else:
            await self._email.send(
                Email(
                    reference=message.id, recipient=message.recipient, subject=subject, text=words
                )
            )
