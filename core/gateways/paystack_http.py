"""Calls of Paystack's API: one request each, and what a refusal means.

Every answer is ``{"status": bool, "message": str, "data": …}``; one that is not a success adds a
``type`` and a ``code`` (paystack.com/docs/api/errors).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import httpx

from core.domain.errors import ProviderError, ProviderRejectedError
from core.settings import PaystackSettings

PAGE_SIZE = 100
MAX_PAGES = 100
"""A list cut short would read as "there is no more": longer ones are an error."""

_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_DUPLICATE_WORDS = ("duplicate transaction reference", "reference already exists")
_NOT_FOUND_WORDS = "not found"
_AUTHORIZATION_WORDS = "authorization code"


class PaystackRefusalError(ProviderRejectedError):
    """Paystack understood the request and refused it.

    Answers of older endpoints carry no code: for them alone the published message decides.
    """

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(f"paystack: {code or 'refused'} ({status})")
        self._status = status
        self._code = code
        self._words = words.lower()

    @property
    def is_duplicate(self) -> bool:
        """The reference was used before."""
        used = any(words in self._words for words in _DUPLICATE_WORDS)
        return self._code == "duplicate_reference" or used

    @property
    def is_missing(self) -> bool:
        """There is nothing under the id or reference."""
        missing = self._status == HTTPStatus.NOT_FOUND or self._code.endswith("not_found")
        return missing or _NOT_FOUND_WORDS in self._words

    @property
    def is_unusable_authorization(self) -> bool:
        """The customer's saved authorization cannot be charged: as a declined card."""
        return _AUTHORIZATION_WORDS in self._words


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One page of a list and whether another one follows."""

    data: list[dict[str, Any]]
    has_more: bool


class PaystackClient:
    """A connection pool with our secret key."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @classmethod
    def open(cls, settings: PaystackSettings) -> Self:
        """Make a pool; ``close`` it at the end."""
        key = settings.secret_key.get_secret_value()
        return cls(
            httpx.AsyncClient(
                base_url=settings.api_base,
                headers={"Authorization": f"Bearer {key}"},
                timeout=settings.timeout_seconds,
            )
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str | int) -> Any:
        """Return the ``data`` of an answer."""
        return (await self._call("GET", path, query=query))["data"]

    async def send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Send a JSON body; return the ``data`` of the answer."""
        return (await self._call(method, path, body=body)).get("data")

    async def upload(self, url: str, content: bytes) -> None:
        """Put a file to an address that Paystack has signed."""
        try:
            answer = await self._http.put(
                url, content=content, headers={"Authorization": "", "Content-Type": "text/plain"}
            )
        except httpx.HTTPError as error:
            raise ProviderError(f"paystack: {type(error).__name__}") from None
        if not answer.is_success:
            raise ProviderError(f"paystack: the upload failed ({answer.status_code})")

    async def page(self, path: str, number: int, **query: str | int) -> Listed:
        """Return one page of a list, counted from 1."""
        answer = await self._call(
            "GET", path, query={**query, "perPage": PAGE_SIZE, "page": number}
        )
        data: list[dict[str, Any]] = answer["data"]
        pages = (answer.get("meta") or {}).get("pageCount")
        more = len(data) == PAGE_SIZE if pages is None else number < pages
        return Listed(data=data, has_more=more and bool(data))

    async def every(self, path: str, **query: str | int) -> AsyncIterator[dict[str, Any]]:
        """Walk a whole list.

        Raises:
            ProviderError: it is longer than can be walked.
        """
        for number in range(1, MAX_PAGES + 1):
            page = await self.page(path, number, **query)
            for one in page.data:
                yield one
            if not page.has_more:
                return
        raise ProviderError("paystack: too much to search")

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, params=query, json=body)
        except httpx.HTTPError as error:
            raise ProviderError(f"paystack: {type(error).__name__}") from None
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        known = answer if isinstance(answer, dict) else {}
        if response.is_success and known.get("status") is True:
            return known
        raise _error_of(response.status_code, known) from None


def _error_of(status: int, answer: Mapping[str, Any]) -> ProviderError | PaystackRefusalError:
    """Say whether Paystack refused, or whether nobody knows what it did.

    Its own words go into no message: they may repeat what the customer typed.
    """
    code = str(answer.get("code") or "")
    refused = HTTPStatus.OK <= status < HTTPStatus.INTERNAL_SERVER_ERROR and answer
    if not refused or status in _TRY_AGAIN:
        return ProviderError(f"paystack: {code or 'no answer that can be read'} ({status})")
    return PaystackRefusalError(status, code, str(answer.get("message") or ""))
