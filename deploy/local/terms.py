"""On which terms the demo shop sells: taxes, shipping and promotions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlmodel import SQLModel

from core.domain.ids import Prefix, derived_id
from models import Promotion, ShippingOption, ShippingZone, ShippingZonePlace, TaxRule
from models.catalogue import EVERYWHERE

_SINCE = datetime(2025, 1, 1, tzinfo=UTC)

Row = dict[str, Any]
Shop = Mapping[str, Any]


def tables(shop: Shop, *, root: str) -> Iterator[tuple[type[SQLModel], list[Row]]]:
    """Return rows of each table, parents before children; ids are derived from ``root``."""
    yield TaxRule, list(_tax_rules(shop))
    yield (
        ShippingZone,
        [{"id": _zone(root, zone["slug"]), "name": zone["name"]} for zone in shop["zones"]],
    )
    yield ShippingZonePlace, list(_places(shop, root))
    yield ShippingOption, list(_options(shop, root))
    yield Promotion, [_promotion(promotion, root) for promotion in shop["promotions"]]


def _zone(root: str, slug: str) -> str:
    return EVERYWHERE if slug == "everywhere" else derived_id(Prefix.ZONE, root, slug)


def _tax_rules(shop: Shop) -> Iterator[Row]:
    rates = (
        *(("", country, rate, False) for country, rate in shop["tax_basis_points"].items()),
        *(("", country, rate, True) for country, rate in shop["included_tax_basis_points"].items()),
        *(
            (region, country, rate, False)
            for country, regions in shop["region_tax_basis_points"].items()
            for region, rate in regions.items()
        ),
    )
    for region, country, rate, included in rates:
        yield {
            "country": country,
            "region": region,
            "basis_points": rate,
            "prices_include_tax": included,
        }


def _places(shop: Shop, root: str) -> Iterator[Row]:
    yield {"country": "*", "region": "", "zone_id": EVERYWHERE}
    for zone in shop["zones"]:
        for place in zone["places"]:
            country, _, region = place.partition("/")
            yield {"country": country, "region": region, "zone_id": _zone(root, zone["slug"])}


def _options(shop: Shop, root: str) -> Iterator[Row]:
    for tier in shop["shipping"]:
        for currency, amount in tier["fees"].items():
            yield {
                "method": tier["method"],
                "zone_id": _zone(root, tier["zone"]),
                "currency": currency,
                "from_grams": tier.get("from_grams", 0),
                "amount": amount,
            }


def _promotion(promotion: Shop, root: str) -> Row:
    prefix = Prefix.CATEGORY if promotion.get("scope") == "category" else Prefix.PRODUCT
    return {
        "id": derived_id(Prefix.PROMOTION, root, promotion["slug"]),
        "name": promotion["name"],
        "code": promotion.get("code"),
        "kind": promotion["kind"],
        "scope": promotion.get("scope", "order"),
        "target_ids": [derived_id(prefix, root, slug) for slug in promotion.get("targets", ())],
        "basis_points": promotion.get("basis_points"),
        "amounts": promotion.get("amounts", {}),
        "buy_quantity": promotion.get("buy_quantity"),
        "get_quantity": promotion.get("get_quantity"),
        "minimum_amounts": promotion.get("minimum_amounts", {}),
        "starts_at": _SINCE,
        "usage_limit": promotion.get("usage_limit"),
        "usage_limit_per_customer": promotion.get("usage_limit_per_customer"),
    }
