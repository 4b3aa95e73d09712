"""Telephone numbers in one form: E.164, as ``phonenumbers`` knows the world's plans."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat


def e164(text: str) -> str:
    """Return a number as ``+`` and digits.

    Raises:
        ValueError: it has no country code, or nobody can have it.
    """
    try:
        number = phonenumbers.parse(text)
    except NumberParseException:
        raise ValueError("a number begins with + and the code of its country") from None
    if not phonenumbers.is_valid_number(number):
        raise ValueError("nobody has this number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def country_of(number: str) -> str | None:
    """Return the country (ISO 3166-1) of a number in E.164; None for one of no country."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number))
