"""TypeIDs: a prefix that tells the kind and a UUIDv7 in Crockford base32, so ids sort by time.

Source: the TypeID specification 0.3 and RFC 9562, section 5.7 (UUIDv7).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from datetime import datetime
from enum import StrEnum

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_SUFFIX_LENGTH = 26
_TYPEID = re.compile(r"([a-z]{3})_([0-7][0-9a-hjkmnp-tv-z]{25})")


class Prefix(StrEnum):
    """The kinds of things that have an id; the three letters in front of it."""

    USER = "usr"
    VENDOR = "ven"
    CATEGORY = "cat"
    PRODUCT = "prd"
    VARIANT = "var"
    MEDIA = "med"
    WAREHOUSE = "whs"
    HOLD = "hld"
    ORDER = "ord"
    ITEM = "itm"
    PAYMENT = "pay"
    REFUND = "rfd"
    SHIPMENT = "shp"
    RETURN = "ret"
    DEVICE = "dev"
    SUBSCRIPTION = "sub"
    REPORT = "rpt"
    EVENT = "evt"
    WEBHOOK = "whk"
    AUDIT = "aud"
    CART = "crt"
    PROMOTION = "prm"
    EDIT = "edt"
    TRANSFER = "trf"
    RULE = "rul"
    ZONE = "zon"
    DISPUTE = "dsp"
    RECONCILIATION = "rec"
    DIFFERENCE = "dif"
    SETTLEMENT = "stl"
    COMMISSION = "com"
    SESSION = "ses"
    MESSAGE = "msg"
    API_KEY = "key"
    ERASURE = "ers"
    EXPORT = "exp"
    JOB = "job"
    PRICE = "prc"


def new_id(prefix: Prefix) -> str:
    """Return a fresh id of now. Never call it in a workflow: use ``derived_id`` there."""
    milliseconds = time.time_ns() // 1_000_000
    return _compose(prefix, milliseconds, secrets.token_bytes(10))


def derived_id(prefix: Prefix, parent_id: str, *parts: str | int) -> str:
    """Return the one id that belongs to ``parent_id`` and ``parts``, with the parent's time.

    The same arguments give the same id for ever, so a second run of a step, or a reset of its
    workflow, finds what the first one made.

    Raises:
        ValueError: ``parent_id`` is not a TypeID.
    """
    number = _decode(parent_id)
    seed = "\x1f".join((prefix, parent_id, *map(str, parts)))
    return _compose(prefix, number >> 80, hashlib.sha256(seed.encode()).digest()[:10])


def dated_id(prefix: Prefix, at: int, *parts: str | int) -> str:
    """Return the one id that belongs to ``parts`` and a moment, a Unix time in seconds."""
    seed = "\x1f".join((prefix, str(at), *map(str, parts)))
    return _compose(prefix, at * 1000, hashlib.sha256(seed.encode()).digest()[:10])


def first_id(prefix: Prefix, at: datetime) -> str:
    """Return what no id of a moment or later comes before, in the order of ids."""
    return f"{prefix}_{_encode(int(at.timestamp() * 1000) << 80)}"


def issued_at(text: str) -> int:
    """Return the Unix time (seconds) that an id carries.

    Raises:
        ValueError: ``text`` is not a TypeID.
    """
    return (_decode(text) >> 80) // 1000


def is_id(prefix: Prefix, text: str) -> bool:
    """Tell whether ``text`` is a well-formed id of that kind."""
    match = _TYPEID.fullmatch(text)
    return match is not None and match[1] == prefix


def _compose(prefix: Prefix, milliseconds: int, random: bytes) -> str:
    tail = int.from_bytes(random, "big")
    number = (milliseconds & (2**48 - 1)) << 80
    number |= 0x7 << 76 | ((tail >> 62) & 0xFFF) << 64  # version 7, then rand_a
    number |= 0b10 << 62 | (tail & (2**62 - 1))  # variant, then rand_b
    return f"{prefix}_{_encode(number)}"


def _encode(number: int) -> str:
    return "".join(
        _ALPHABET[(number >> 5 * place) & 31] for place in range(_SUFFIX_LENGTH - 1, -1, -1)
    )


def _decode(text: str) -> int:
    match = _TYPEID.fullmatch(text)
    if match is None:
        raise ValueError(f"not a TypeID: {text!r}")
    number = 0
    for letter in match[2]:
        number = number << 5 | _VALUES[letter]
    return number
