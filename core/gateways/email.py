"""E-mail: what a sender of it promises, and one that speaks SMTP (RFC 5321)."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Protocol

from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException, send

from core.domain.errors import DomainError, ProviderError, ProviderRejectedError
from core.settings_people import EmailSettings

_PERMANENT = 500


@dataclass(frozen=True, kw_only=True)
class Email:
    """A message to one person; ``reference`` is the same at every try."""

    reference: str
    recipient: str
    subject: str
    text: str


class EmailGateway(Protocol):
    """One way to send e-mail."""

    async def send(self, email: Email) -> None:
        """Hand a message over to be delivered.

        SMTP knows no idempotency: a message that is sent again has the same ``Message-ID``, by
        which mailboxes tell that it is the same one.

        Raises:
            ProviderError: no answer, or not now; whether it was sent is unknown.
            ProviderRejectedError: it will never be taken, or not for this recipient.
        """
        ...


class SmtpEmailGateway:
    """See ``EmailGateway``. One connection for each message: those of accounts are few."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings

    async def send(self, email: Email) -> None:
        settings = self._settings
        password = settings.password
        try:
            await send(
                self._message(email),
                hostname=settings.host,
                port=settings.port,
                username=settings.username,
                password=password.get_secret_value() if password else None,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                timeout=settings.timeout_seconds,
            )
        except (SMTPException, OSError, TimeoutError) as error:
            # Not chained: the server's words repeat the address.
            raise _domain_error_of(error) from None

    def _message(self, email: Email) -> EmailMessage:
        sender = parseaddr(self._settings.sender)[1]
        message = EmailMessage()
        try:
            message["From"] = self._settings.sender
            message["To"] = email.recipient
            message["Subject"] = email.subject
            message["Message-ID"] = f"<{email.reference}@{sender.rpartition('@')[2]}>"
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(email.text)
        except (ValueError, IndexError):
            raise ProviderRejectedError("smtp: an address that no header can hold") from None
        return message


def _domain_error_of(error: Exception) -> DomainError:
    """Say whether the server refused for good; the message keeps its code alone."""
    if isinstance(error, SMTPRecipientsRefused):
        codes = [refused.code for refused in error.recipients]
    elif isinstance(error, SMTPResponseException):
        codes = [error.code]
    else:
        return ProviderError(f"smtp: {type(error).__name__}")
    words = f"smtp: {type(error).__name__} {' '.join(str(int(code)) for code in codes)}"
    if codes and all(code >= _PERMANENT for code in codes):
        return ProviderRejectedError(words)
    return ProviderError(words)
