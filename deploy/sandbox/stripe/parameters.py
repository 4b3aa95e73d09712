"""Typed reading of Stripe's form parameters, with its messages when one does not fit."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.errors import StripeError

MAX_AMOUNT = 99_999_999
"""The largest amount of a charge, in minor units (docs.stripe.com/currencies)."""
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_MAX_METADATA_KEYS = 50
_MAX_METADATA_KEY = 40
_MAX_METADATA_VALUE = 500


class Parameters:
    """The decoded parameters of one request."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def refuse_unknown(self, known: Collection[str]) -> None:
        for name in self._values:
            if name not in known and name != "expand":
                raise StripeError(
                    f"Received unknown parameter: {name}", code="parameter_unknown", param=name
                )

    def text(self, name: str) -> str | None:
        """A string; Stripe reads an empty one as unset."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            raise StripeError(f"Invalid string: {name}", param=name)
        return value or None

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise StripeError(
                f"Missing required param: {name}.", code="parameter_missing", param=name
            )
        return value

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            raise StripeError(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        value = self.choice(name, ("true", "false"))
        return default if value is None else value == "true"

    def integer(self, name: str, *, at_least: int, at_most: int) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise StripeError(
                f"Invalid integer: {value}", code="parameter_invalid_integer", param=name
            )
        number = int(value)
        if number < at_least:
            raise StripeError(
                f"This value must be greater than or equal to {at_least}.",
                code="parameter_invalid_integer",
                param=name,
            )
        if number > at_most:
            code = "amount_too_large" if name == "amount" else "parameter_invalid_integer"
            raise StripeError(
                f"This value must be less than or equal to {at_most}.", code=code, param=name
            )
        return number

    def amount(self, name: str) -> int | None:
        return self.integer(name, at_least=1, at_most=MAX_AMOUNT)

    def mapping(self, name: str) -> Json:
        value = self._values.get(name) or {}
        if not isinstance(value, dict):
            raise StripeError("Invalid object", param=name)
        return value

    def sequence(self, name: str) -> list[str]:
        value = self._values.get(name) or []
        if isinstance(value, dict):
            value = list(value.values())
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise StripeError("Invalid array", param=name)
        return value

    def merged_metadata(self, current: Mapping[str, str]) -> dict[str, str]:
        """Stripe's merge: named keys are set, an empty value removes, an empty map removes all."""
        if self._values.get("metadata") == "":
            return {}
        merged = dict(current)
        for key, value in self.mapping("metadata").items():
            if not isinstance(value, str) or len(value) > _MAX_METADATA_VALUE:
                raise StripeError(
                    f"Metadata values can have up to {_MAX_METADATA_VALUE} characters",
                    param=f"metadata[{key}]",
                )
            if len(key) > _MAX_METADATA_KEY:
                raise StripeError(
                    f"Metadata keys can have up to {_MAX_METADATA_KEY} characters", param="metadata"
                )
            if value:
                merged[key] = value
            else:
                merged.pop(key, None)
        if len(merged) > _MAX_METADATA_KEYS:
            raise StripeError(
                f"You can only have up to {_MAX_METADATA_KEYS} metadata keys", param="metadata"
            )
        return merged
