"""The second factor: codes of an authenticator (RFC 6238)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas.base import Schema, example

TotpCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{6}$"),
    Field(description="Of the authenticator, where one is set up", examples=["492039"]),
]


class TotpSecret(Schema):
    """``uri`` is what a QR code shows; ``secret`` is the same for people who type it."""

    model_config = example(
        {
            "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "uri": "otpauth://totp/Perdure:usr_01jd7x9k2me8kv1qzr5t0w3y4b"
            "?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Perdure",
        }
    )

    secret: str
    uri: str


class TotpProof(Schema):
    model_config = example({"code": "492039"})

    code: TotpCode
