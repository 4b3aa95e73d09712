"""What the messages of accounts say.

No message repeats a name that somebody typed: whoever registers another's address could write to
its owner in our name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.users import MessageKind

_NOT_YOU = "If it was not you, you need not do anything."
_WAS_IT_YOU = (
    "If it was not you, set a new password at once with “forgot password”: that ends every session."
)


@dataclass(frozen=True, kw_only=True)
class AccountText:
    """Words with ``{secret}``, ``{link}`` or ``{vendor}`` in them; ``page`` is the link's."""

    subject: str
    words: str
    page: str = ""


TEXTS: Mapping[MessageKind, AccountText] = {
    MessageKind.VERIFY_EMAIL: AccountText(
        subject="Confirm your e-mail address",
        words=f"Confirm that this is your e-mail address, within two days:\n\n{{link}}\n\n"
        f"{_NOT_YOU}",
        page="verify-email",
    ),
    MessageKind.VERIFY_PHONE: AccountText(
        subject="Your code",
        words="{secret} is your code to confirm this number. It works for 10 minutes.",
    ),
    MessageKind.RESET_PASSWORD: AccountText(
        subject="Set a new password",
        words=f"Set a new password within an hour:\n\n{{link}}\n\n{_NOT_YOU}",
        page="reset-password",
    ),
    MessageKind.SIGN_IN_CODE: AccountText(
        subject="Your code to sign in",
        words="{secret} is your code to sign in. It works for 10 minutes. Tell it to nobody.",
    ),
    MessageKind.ALREADY_REGISTERED: AccountText(
        subject="You have an account already",
        words="Somebody, probably you, wanted to make an account with this e-mail address. "
        "There is one already: sign in, or use “forgot password”.\n\n"
        f"{_NOT_YOU}",
    ),
    MessageKind.PASSWORD_CHANGED: AccountText(
        subject="Your password was changed",
        words=f"The password of your account was changed.\n\n{_WAS_IT_YOU}",
    ),
    MessageKind.EMAIL_CHANGED: AccountText(
        subject="Your e-mail address was changed",
        words="Your account has another e-mail address now, and this one no longer signs in.\n\n"
        "If it was not you, write to us.",
    ),
    MessageKind.SIGN_IN_CHANGED: AccountText(
        subject="A way to sign in has changed",
        words=f"A way to sign in to your account was added or taken away.\n\n{_WAS_IT_YOU}",
    ),
    MessageKind.ACCOUNT_ERASED: AccountText(
        subject="Your account is deleted",
        words="Your account and what we knew of you are deleted, as you asked. What the law makes "
        "us keep of your orders is kept without your name and address.",
    ),
    MessageKind.INVITATION: AccountText(
        subject="You are invited",
        words=f"You are invited to work with {{vendor}}. Accept within seven days:\n\n{{link}}\n\n"
        f"{_NOT_YOU}",
        page="accept-invitation",
    ),
}


def composed(
    kind: MessageKind, *, secret: str | None, link: str, vendor: str | None
) -> tuple[str, str]:
    """Return the subject and the text of a message.

    Args:
        kind: what it is about.
        secret: the code or the token, where there is one.
        link: where links lead, with ``{page}`` and ``{token}`` in it.
        vendor: who invites; None for the shop itself.
    """
    text = TEXTS[kind]
    address = link.replace("{page}", text.page).replace("{token}", secret or "")
    words = text.words.replace("{link}", address).replace("{secret}", secret or "")
    return text.subject, words.replace("{vendor}", vendor or "Perdure") + "\n"
