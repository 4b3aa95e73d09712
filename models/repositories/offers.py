"""What is on sale, and at which price: the only place that says it, as parts of statements.

Products are ``p`` and variants ``v`` in all of them.
"""

from __future__ import annotations

SHOWN = """p.status = 'published' AND p.deleted_at IS NULL
    AND EXISTS (SELECT FROM vendors seller WHERE seller.id = p.vendor_id
                AND seller.status = 'active')"""
"""Of ``products p``: everybody may see it."""

ON_SALE = f"v.status = 'active' AND {SHOWN}"
"""Of ``variants v`` of ``products p``: it can be bought."""

AMOUNT = """
coalesce((SELECT period.amount FROM price_periods period
          WHERE period.variant_id = base.variant_id AND period.currency = base.currency
            AND period.starts_at <= now() AND (period.ends_at IS NULL OR period.ends_at > now())),
         base.amount)
"""
"""Of ``variant_prices base``: the price now, in minor units; a period that runs goes before."""


def price_in(currency: str) -> str:
    """Return a query of one row at most: the ``amount`` of ``variants v`` now in a currency.

    Args:
        currency: an expression: a parameter, or a column.
    """
    return f"""(SELECT {AMOUNT} AS amount FROM variant_prices base
                WHERE base.variant_id = v.id AND base.currency = {currency})"""
