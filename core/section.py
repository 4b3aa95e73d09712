"""What every section of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PLACEHOLDER = "embedded-placeholder"
"""Secrets that have this in them are for the embedded stack only; production refuses them."""


class Section(BaseModel):
    """Frozen and complete; an error names the setting and never shows its value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
