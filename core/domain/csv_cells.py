"""Cells that no spreadsheet takes for a formula, and back again (OWASP, CSV injection)."""

from __future__ import annotations

_MARK = "'"
_SHIELDED = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n", _MARK)
"""What begins a formula or a call in some spreadsheet, and the mark itself."""


def shielded(value: str) -> str:
    """Return a cell that shows ``value`` and never computes it."""
    return _MARK + value if value.startswith(_SHIELDED) else value


def unshielded(cell: str) -> str:
    """Return what ``shielded`` was given; any other cell is what it says, a formula too."""
    return cell[1:] if cell.startswith(_MARK) and cell[1:].startswith(_SHIELDED) else cell
