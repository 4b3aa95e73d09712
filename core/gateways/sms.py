"""Text messages: what a sender of them promises, and one with a JSON API over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, Self

import httpx

from core.domain.errors import ProviderError, ProviderRejectedError
from core.settings_people import SmsSettings

_TRY_AGAIN = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
)
_OUR_FAULT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""A wrong key is mended by people, and then every message goes."""


@dataclass(frozen=True, kw_only=True)
class Sms:
    """A message to one number (E.164); ``reference`` is the idempotency key."""

    reference: str
    recipient: str
    text: str


class SmsGateway(Protocol):
    """One provider of text messages."""

    async def send(self, sms: Sms) -> None:
        """Hand a message over to be delivered; the same reference again is not sent twice.

        Raises:
            ProviderError: no answer, or not now; whether it was sent is unknown.
            ProviderRejectedError: it will never be taken (a number that nobody has).
        """
        ...

    async def close(self) -> None: ...


class HttpSmsGateway:
    """See ``SmsGateway``."""

    def __init__(self, http: httpx.AsyncClient, sender: str) -> None:
        self._http = http
        self._sender = sender

    @classmethod
    def open(cls, settings: SmsSettings) -> Self:
        """Make a gateway with a connection pool of its own; ``close`` it at the end."""
        http = httpx.AsyncClient(
            base_url=settings.api_base,
            headers={"Authorization": f"Bearer {settings.api_key.get_secret_value()}"},
            timeout=settings.timeout_seconds,
        )
        return cls(http, settings.sender)

    async def send(self, sms: Sms) -> None:
        body = {"from": self._sender, "to": sms.recipient, "text": sms.text}
        headers = {"Idempotency-Key": sms.reference}
        try:
            answer = await self._http.post("/v1/messages", json=body, headers=headers)
        except httpx.HTTPError as error:
            raise ProviderError(f"sms: {type(error).__name__}") from None
        if answer.is_success:
            return
        # The status alone: the provider's words repeat the number.
        words = f"sms: {answer.status_code}"
        if answer.is_client_error and answer.status_code not in _TRY_AGAIN | _OUR_FAULT:
            raise ProviderRejectedError(words)
        raise ProviderError(words)

    async def close(self) -> None:
        await self._http.aclose()
