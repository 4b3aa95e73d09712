"""What changes how somebody signs in takes their password as well as their token."""

from __future__ import annotations

from api.sign_in_guard import Try
from core.domain.errors import FieldError, InvalidRequestError
from core.resources import Resources
from core.security import Passwords
from models.repositories import users


async def require_own_password(
    user_id: str,
    password: str | None,
    *,
    resources: Resources,
    passwords: Passwords,
    attempt: Try,
) -> None:
    """Require the present password of an account that has one.

    Args:
        user_id: whose account it is.
        password: what was typed.
        resources: where the account is.
        passwords: compares.
        attempt: counts as failed unless the password is right.

    Raises:
        InvalidRequestError: it is wrong or missing.
    """
    credentials = await users.find_credentials_by_id(resources.database, user_id)
    password_hash = credentials.password_hash if credentials else None
    if password_hash is not None and not await passwords.verify(password or "", password_hash):
        detail = "this is not the present password"
        raise InvalidRequestError([FieldError(pointer="/current_password", detail=detail)])
    await attempt.succeeded()
