"""Sign in without a password: by a code that is sent to an e-mail address or a number."""

from __future__ import annotations

from fastapi import Response

from api import account_messages as messages
from api import second_factor
from api.dependencies import Res, SignInGuardDep
from api.json_route import router
from api.openapi import problems
from api.schemas.identity import CodeProof, CodeRequest, Session
from api.sign_in import SignInDep
from core.domain.errors import NotAuthenticatedError
from core.one_time import OneTimeSecrets
from core.phone_numbers import country_of
from core.resources import Resources
from models.repositories import message_secrets, proofs, users
from models.repositories.account_messages import NewMessage
from models.users import MessageChannel, MessageKind, SignInMethod

api = router("identity")


@api.post("/auth/otp/request", status_code=202, response_class=Response)
async def request_code(
    wanted: CodeRequest, resources: Res, guard: SignInGuardDep, sign_in: SignInDep
) -> Response:
    """Send a code that works for ten minutes; a newer one ends it.

    The answer is the same whether somebody has this address or number, and whether a code goes out:
    one recipient gets only some in an hour.
    """
    await guard.count_request(sign_in.address)
    channel = MessageChannel(wanted.channel)
    if _is_reached(resources, channel, wanted.to) and await guard.may_write_to(wanted.to):
        message = NewMessage(kind=MessageKind.SIGN_IN_CODE, channel=channel, recipient=wanted.to)
        await messages.request(resources, message, strangers=True)
    return Response(status_code=202)


@api.post(
    "/auth/otp/verify",
    response_model=Session,
    responses=problems("not-authenticated", "totp-required"),
)
async def verify_code(
    wanted: CodeProof, resources: Res, guard: SignInGuardDep, sign_in: SignInDep
) -> Response:
    """Sign in with a code; somebody without an account gets one. Five wrong codes end the code."""
    attempt = await guard.begin(f"code:{wanted.to}", sign_in.address)
    channel = MessageChannel(wanted.channel)
    user_id = None
    async with resources.database.transaction() as session:
        proof = await message_secrets.try_code(
            session,
            MessageKind.SIGN_IN_CODE,
            wanted.code,
            OneTimeSecrets.of(resources.settings.auth),
            recipient=wanted.to,
        )
        if proof is not None:
            user_id = await proofs.account_of(session, channel, proof.recipient)
            # Before the code is used up: it is sent again with the other one.
            await second_factor.require_sent(resources, user_id, wanted.totp_code)
    credentials = None
    if user_id is not None:
        credentials = await users.find_credentials_by_id(resources.database, user_id)
    if credentials is None:
        raise NotAuthenticatedError("the code is wrong, or not valid any more")
    opened = await sign_in.open(credentials, SignInMethod.OTP, totp_code=wanted.totp_code)
    await attempt.succeeded()
    return opened


def _is_reached(resources: Resources, channel: MessageChannel, to: str) -> bool:
    """Tell whether codes go there at all: messages to some countries cost more than they earn."""
    countries = resources.settings.sms.countries
    if channel is MessageChannel.EMAIL or not countries:
        return True
    return country_of(to) in countries
