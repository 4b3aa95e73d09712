"""Words that mean the same to who looks for something; every backend is given these groups.

Each word of a group finds the others. Lower case, without accents, in the singular: the backends
take care of the rest. A term may have several words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

GROUPS: Sequence[Sequence[str]] = (
    ("trousers", "pants", "slacks"),
    ("sneaker", "trainer", "running shoe"),
    ("tshirt", "t shirt", "tee"),
    ("sweater", "jumper", "pullover"),
    ("hoodie", "hooded sweatshirt"),
    ("jacket", "coat"),
    ("couch", "sofa", "settee"),
    ("lamp", "light"),
    ("rug", "carpet"),
    ("headphone", "earphone", "headset"),
    ("earbud", "in ear headphone"),
    ("laptop", "notebook computer"),
    ("tv", "television"),
    ("phone", "smartphone", "mobile"),
    ("cell phone", "smartphone", "mobile phone"),
    ("bicycle", "bike"),
    ("backpack", "rucksack"),
    ("purse", "handbag"),
    ("wallet", "billfold"),
    ("torch", "flashlight"),
    ("pan", "skillet"),
    ("cup", "mug"),
    ("blanket", "throw"),
    ("cushion", "pillow"),
    ("diaper", "nappy"),
    ("stroller", "pram", "buggy"),
    ("pacifier", "dummy"),
    ("vacuum cleaner", "hoover"),
    ("faucet", "tap"),
    ("swimsuit", "bathing suit", "swimming costume"),
    ("underpants", "boxer", "brief"),
    ("sunglasses", "shades"),
    ("perfume", "fragrance", "eau de parfum"),
    ("moisturizer", "face cream"),
    ("lawnmower", "lawn mower"),
    ("spanner", "wrench"),
    ("gift", "present"),
    ("kids", "children"),
    ("grey", "gray"),
    ("navy", "dark blue"),
    ("ssd", "solid state drive"),
)


def expansions() -> Mapping[str, Sequence[str]]:
    """Return for every term of a group the other terms of all its groups, sorted."""
    found: dict[str, set[str]] = {}
    for group in GROUPS:
        for term in group:
            found.setdefault(term, set()).update(other for other in group if other != term)
    return {term: sorted(others) for term, others in sorted(found.items())}
