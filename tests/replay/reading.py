"""A history as a person with access to Temporal reads it."""

from __future__ import annotations

import base64
import re

_PAYLOAD = re.compile(r'"data":\s*"([A-Za-z0-9+/=]+)"')


def readable(history: str) -> str:
    """A history's JSON with every payload decoded."""
    return _PAYLOAD.sub(
        lambda match: base64.b64decode(match[1]).decode("utf-8", "replace"), history
    )
