"""Where personal data is: one map, by which a person is handed all of it and is forgotten.

The export and the erasure read nothing else, so what one knows the other knows too. A test compares
the map with the schema: a column of text, JSON or octets is in the map, has a name that never holds
a word of a person's (``PLAIN_NAMES``), or is listed in ``NOBODYS``.

Conditions and expressions take ``:user_id``, ``:actors`` (the person in timelines and in the audit
log), ``:orders`` (ids of all that the person ordered, also as a guest under a proven address) and
``:addresses`` (e-mail addresses in lower case, and numbers).
"""

from __future__ import annotations

from collections.abc import Sequence

from models.personal_map.accounts import ACCOUNTS
from models.personal_map.other_columns import INDEX, NOBODYS, NOT_HANDED_OUT, PLAIN_NAMES
from models.personal_map.personal_table import PersonalTable
from models.personal_map.purchases import ORDERS, PURCHASES

__all__ = [
    "INDEX",
    "NOBODYS",
    "NOT_HANDED_OUT",
    "ORDERS",
    "PERSONAL",
    "PLAIN_NAMES",
    "PersonalTable",
]

PERSONAL: Sequence[PersonalTable] = (*PURCHASES, *ACCOUNTS)
"""In the order of the erasure: what leads to other rows goes after them."""
