"""Accounts elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from api.schemas.base import AT_EXAMPLE, Moment, Schema, example
from api.schemas.totp import TotpCode

_ID_TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.e30.c2lnbmF0dXJl"  # noqa: S105  # an example
_IDENTITY = {"provider": "google", "created_at": AT_EXAMPLE}

IdToken = Annotated[str, StringConstraints(min_length=1, max_length=8192)]
Nonce = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class GoogleProof(Schema):
    """``nonce`` is the one that the sign-in at Google was begun with."""

    model_config = example({"id_token": _ID_TOKEN, "nonce": "q0m3k9pXo6yqv2o3"})

    id_token: IdToken
    nonce: Nonce | None = None


class GoogleSignIn(GoogleProof):
    model_config = example({"id_token": _ID_TOKEN, "nonce": "q0m3k9pXo6yqv2o3"})

    totp_code: TotpCode | None = None


class LinkedIdentity(Schema):
    model_config = example(_IDENTITY)

    provider: Literal["google"]
    created_at: Moment


class LinkedIdentityList(Schema):
    model_config = example({"data": [_IDENTITY], "next_cursor": None})

    data: list[LinkedIdentity]
    next_cursor: None
