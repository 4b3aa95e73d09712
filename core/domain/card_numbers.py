"""Card numbers in text, so that none is ever kept (PCI DSS, requirement 3: do not store them)."""

from __future__ import annotations

import re

BLANK = "[card number]"

# ISO/IEC 7812-1: up to 19 digits; the shortest in use have 12. People group them.
_CANDIDATE = re.compile(r"(?<![A-Za-z0-9])\d(?:[ ._-]?\d){11,18}(?![A-Za-z0-9])")


def holds_card_number(text: str) -> bool:
    """Whether 12 to 19 digits of the text, grouped or not, are a card's by their check digit."""
    return any(_is_card(found[0]) for found in _CANDIDATE.finditer(text))


def blank_card_numbers(text: str) -> str:
    """The text with every card number replaced."""
    return _CANDIDATE.sub(lambda found: BLANK if _is_card(found[0]) else found[0], text)


def _is_card(candidate: str) -> bool:
    digits = [int(character) for character in candidate if character.isdigit()]
    # Luhn (ISO/IEC 7812-1, annex B): every second digit from the right counts twice.
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return any(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
