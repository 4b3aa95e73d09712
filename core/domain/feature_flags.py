"""Switches that staff turn while the platform runs: which there are, and for whom one is on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Flag(StrEnum):
    SIGN_UPS = "sign-ups"
    PRODUCT_IMPORTS = "product-imports"


@dataclass(frozen=True, kw_only=True, slots=True)
class FlagState:
    """On for ``percentage`` of a hundred, the same ones every time; for nobody unless enabled."""

    enabled: bool = True
    percentage: int = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What a flag decides, and how it stands until somebody turns it."""

    description: str
    default: FlagState = FlagState()


DECLARED: Mapping[Flag, Declared] = {
    Flag.SIGN_UPS: Declared(description="Strangers can make accounts; counted by address"),
    Flag.PRODUCT_IMPORTS: Declared(
        description="Vendors can import lists of products; staff always can"
    ),
}


def is_on(flag: Flag, state: FlagState, subject: str) -> bool:
    """Tell whether a flag is on for somebody.

    A larger percentage keeps all whom a smaller one had; each flag divides people differently.
    """
    digest = hashlib.sha256(f"{flag}\x1f{subject}".encode()).digest()
    return state.enabled and int.from_bytes(digest[:8], "big") % 100 < state.percentage
