"""Register, sign in, stay signed in, sign out."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Header, Response

from api import account_messages as messages
from api.cart_recovery import merge_cart
from api.dependencies import PasswordsDep, Res, SignInGuardDep
from api.feature_flags import switched_on
from api.json_route import JsonResponse, router
from api.new_passwords import require_good
from api.openapi import problems
from api.schemas.identity import Login, RefreshRequest, Registration, Session, User
from api.sign_in import SignInDep
from core.domain.errors import InvalidStateError, NotAuthenticatedError, NotFoundError
from core.domain.feature_flags import Flag
from core.domain.ids import Prefix, is_id, new_id
from core.one_time import OneTimeSecrets
from core.security import hash_refresh_token, new_refresh_token
from models.repositories import account_messages, sessions, users
from models.repositories.account_messages import NewMessage
from models.users import MessageKind, SignInMethod

api = router("identity")


@api.post(
    "/auth/register",
    status_code=201,
    response_model=User,
    dependencies=[switched_on(Flag.SIGN_UPS)],
)
async def register(
    wanted: Registration, resources: Res, passwords: PasswordsDep, guard: SignInGuardDep
) -> Response:
    """Make a customer's account, and send a link that confirms its e-mail address.

    A registered address gets the same answer in the same time, with an id that leads nowhere, and
    its owner a message that says so: nobody can find out who has an account here.
    """
    await require_good(wanted.password, about=(wanted.email, wanted.name))
    user_id = new_id(Prefix.USER)
    password_hash = await passwords.hash(wanted.password)
    # Asked before it is written: the housekeeping sends whatever was written and not sent.
    is_told = await guard.may_write_to(wanted.email)
    async with resources.database.transaction() as session:
        registered = await users.register(
            session,
            user_id=user_id,
            email=wanted.email,
            name=wanted.name,
            password_hash=password_hash,
        )
        kind = MessageKind.VERIFY_EMAIL if registered.made else MessageKind.ALREADY_REGISTERED
        message = NewMessage(kind=kind, recipient=wanted.email, user_id=registered.user_id)
        if is_told:
            secrets = OneTimeSecrets.of(resources.settings.auth)
            await account_messages.write(session, message, secrets)
    if is_told:
        await messages.begin(resources, message.id)
    return JsonResponse(
        {
            "id": user_id,
            "email": wanted.email,
            "email_verified": False,
            "phone": None,
            "name": wanted.name,
            "role": "customer",
            "vendor_id": None,
            "created_at": datetime.now(UTC),
        },
        201,
    )


@api.post(
    "/auth/login",
    response_model=Session,
    responses=problems("not-authenticated", "totp-required"),
)
async def login(
    *,
    wanted: Login,
    resources: Res,
    passwords: PasswordsDep,
    guard: SignInGuardDep,
    sign_in: SignInDep,
    cart_id: Annotated[
        str, Header(description="A guest's cart that becomes part of the customer's")
    ] = "",
    cart_token: Annotated[str | None, Header(description="The token of that cart")] = None,
) -> Response:
    """Sign in with e-mail address and password; a wrong one of either gets the same answer.

    After some wrong passwords the account is locked for a while, ever longer: 429 says how long.
    A cart that cannot be merged is left as it is: nobody is kept out for it.
    """
    attempt = await guard.begin(wanted.email, sign_in.address)
    credentials = None
    if "\x00" not in wanted.email:  # PostgreSQL has no such text, so it is nobody's address
        credentials = await users.find_credentials(resources.database, wanted.email.strip())
    password_hash = credentials.password_hash if credentials else None
    check = await passwords.check(wanted.password, password_hash)
    if not check.matches or credentials is None or password_hash is None:
        raise NotAuthenticatedError("the e-mail address or the password is wrong")
    if check.replacement is not None:
        await users.replace_password_hash(
            resources.database,
            credentials.user_id,
            present=password_hash,
            replacement=check.replacement,
        )
    opened = await sign_in.open(credentials, SignInMethod.PASSWORD, totp_code=wanted.totp_code)
    await attempt.succeeded()
    if cart_token is not None and is_id(Prefix.CART, cart_id):
        with suppress(NotFoundError, InvalidStateError):
            await merge_cart(resources, cart_id, customer_id=credentials.user_id, token=cart_token)
    return opened


@api.post("/auth/refresh", response_model=Session, responses=problems("not-authenticated"))
async def refresh(wanted: RefreshRequest, resources: Res, sign_in: SignInDep) -> Response:
    """Swap a refresh token for a new pair; an old one that is shown again ends the session."""
    refresh_token = new_refresh_token()
    credentials = await sessions.rotate(
        resources.database,
        old_hash=hash_refresh_token(wanted.refresh_token),
        new_hash=hash_refresh_token(refresh_token),
        lifetime_seconds=resources.settings.auth.refresh_token_seconds,
    )
    if credentials is None:
        raise NotAuthenticatedError("the refresh token is not valid")
    return sign_in.answer(credentials, refresh_token)


@api.post("/auth/logout", status_code=204)
async def logout(wanted: RefreshRequest, resources: Res) -> None:
    """End the session of a refresh token, with every token that came from it."""
    await sessions.revoke_family(resources.database, hash_refresh_token(wanted.refresh_token))
