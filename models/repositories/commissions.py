"""Which commission a sale pays: the most specific rule wins."""

from __future__ import annotations

RATE_OF_ITEM = """
LATERAL (
    SELECT r.basis_points FROM commission_rules r
    WHERE r.active AND (r.vendor_id IS NULL OR r.vendor_id = i.vendor_id)
      AND (r.category_id IS NULL OR r.category_id IN (
          SELECT c.category_id FROM variants v
          JOIN product_categories c ON c.product_id = v.product_id WHERE v.id = i.variant_id))
    ORDER BY r.vendor_id IS NULL, r.category_id IS NULL, r.basis_points, r.id
    LIMIT 1
)
"""
"""A relation of one row at most, the ``basis_points`` of the order item ``i`` as of now.

The rule of vendor and category, then of the vendor, of a category, of everybody; none is 0. Of a
product's several categories the one with the lowest rate counts.
"""
