"""The end of every way to sign in: a session is opened and its tokens are given out."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request, Response

from api import second_factor
from api.context import header
from api.dependencies import Res, TokensDep
from api.json_route import JsonResponse
from core.domain.ids import Prefix, new_id
from core.resources import Resources
from core.security import AccessTokens, Principal, hash_refresh_token, new_refresh_token
from models.repositories import sessions
from models.repositories.sessions import NewSession
from models.repositories.users import Credentials
from models.users import Role, SignInMethod

_LONGEST_DEVICE = 200


class SignIn:
    """Opens sessions for whoever sends the present request."""

    def __init__(self, request: Request, resources: Resources, tokens: AccessTokens) -> None:
        self._request = request
        self._resources = resources
        self._tokens = tokens

    @property
    def address(self) -> str:
        """Where the request comes from; a proxy's word counts only if it is trusted."""
        client = self._request.client
        return client.host if client else ""

    @property
    def device(self) -> str:
        """What the client calls itself."""
        sent = header(self._request.scope, b"user-agent") or ""
        return "".join(letter for letter in sent if letter.isprintable())[:_LONGEST_DEVICE]

    async def open(
        self, credentials: Credentials, method: SignInMethod, *, totp_code: str | None = None
    ) -> Response:
        """Open a session for somebody who has proved who they are; return its tokens.

        Raises:
            TotpRequiredError, NotAuthenticatedError, RateLimitedError: of the second factor.
        """
        await second_factor.require(
            self._request.app, self._resources, credentials.user_id, totp_code
        )
        refresh_token = new_refresh_token()
        session = NewSession(
            id=new_id(Prefix.SESSION),
            user_id=credentials.user_id,
            method=method,
            token_hash=hash_refresh_token(refresh_token),
            lifetime_seconds=self._resources.settings.auth.refresh_token_seconds,
            device=self.device,
            address=self.address,
        )
        await sessions.open_session(self._resources.database, session)
        return self.answer(replace(credentials, session_id=session.id), refresh_token)

    def answer(self, credentials: Credentials, refresh_token: str) -> Response:
        """Return a session's new tokens."""
        principal = principal_of(credentials)
        required = self._resources.settings.auth.staff_totp_required
        if required and principal.role == Role.STAFF and not credentials.has_totp:
            principal = replace(principal, permissions=frozenset())
        return JsonResponse(
            {
                "access_token": self._tokens.issue(principal),
                "refresh_token": refresh_token,
                "token_type": "Bearer",
                "expires_in": self._tokens.lifetime_seconds,
            }
        )


def principal_of(credentials: Credentials) -> Principal:
    """Return what an access token says of an account."""
    return Principal(
        user_id=credentials.user_id,
        role=credentials.role,
        vendor_id=credentials.vendor_id,
        permissions=credentials.granted,
        session_id=credentials.session_id,
    )


async def _sign_in(request: Request, resources: Res, tokens: TokensDep) -> SignIn:
    return SignIn(request, resources, tokens)


SignInDep = Annotated[SignIn, Depends(_sign_in)]
