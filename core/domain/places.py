"""Where things lie on the globe, as far as the choice of a warehouse needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the Earth (IUGG)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Degrees (WGS 84); north and east are positive."""

    latitude: float
    longitude: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A country (ISO 3166-1 alpha-2), a region of it, and the exact position if it is known."""

    country: str
    region: str | None = None
    position: Position | None = None


def distance_km(one: Position, other: Position) -> float:
    """Return the great-circle distance in kilometers, by the haversine formula.

    Source: R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984).
    """
    north = radians(other.latitude - one.latitude)
    east = radians(other.longitude - one.longitude)
    chord = (
        sin(north / 2) ** 2
        + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord)))


def place_of(
    *, country: str, region: str | None, latitude: float | None, longitude: float | None
) -> Place:
    """Return a place; without both coordinates only its country and region count."""
    position = None
    if latitude is not None and longitude is not None:
        position = Position(latitude=latitude, longitude=longitude)
    return Place(country=country, region=region, position=position)


def position_of(place: Place) -> Position | None:
    """Return the exact position, else the middle of the country, else None."""
    return place.position or _MIDDLES.get(place.country)


def _at(latitude: float, longitude: float) -> Position:
    return Position(latitude=latitude, longitude=longitude)


# Middles of countries, rounded to the degree: those of The World Factbook's "geographic
# coordinates". They only rank warehouses of other countries, so a degree is close enough.
_MIDDLES: Mapping[str, Position] = {
    "AE": _at(24, 54),
    "AR": _at(-34, -64),
    "AT": _at(47, 13),
    "AU": _at(-27, 133),
    "BE": _at(51, 4),
    "BG": _at(43, 25),
    "BR": _at(-10, -55),
    "CA": _at(60, -95),
    "CH": _at(47, 8),
    "CL": _at(-30, -71),
    "CN": _at(35, 105),
    "CO": _at(4, -72),
    "CZ": _at(50, 15),
    "DE": _at(51, 9),
    "DK": _at(56, 10),
    "EE": _at(59, 26),
    "EG": _at(27, 30),
    "ES": _at(40, -4),
    "FI": _at(64, 26),
    "FR": _at(46, 2),
    "GB": _at(54, -2),
    "GH": _at(8, -2),
    "GR": _at(39, 22),
    "HK": _at(22, 114),
    "HR": _at(45, 16),
    "HU": _at(47, 20),
    "IE": _at(53, -8),
    "IL": _at(31, 35),
    "IN": _at(20, 77),
    "IT": _at(43, 13),
    "JP": _at(36, 138),
    "KE": _at(1, 38),
    "KR": _at(37, 128),
    "KW": _at(30, 46),
    "LT": _at(56, 24),
    "LU": _at(50, 6),
    "LV": _at(57, 25),
    "MX": _at(23, -102),
    "MY": _at(3, 113),
    "NG": _at(10, 8),
    "NL": _at(52, 6),
    "NO": _at(62, 10),
    "NZ": _at(-41, 174),
    "PL": _at(52, 20),
    "PT": _at(40, -8),
    "RO": _at(46, 25),
    "RS": _at(44, 21),
    "SA": _at(25, 45),
    "SE": _at(62, 15),
    "SG": _at(1, 104),
    "SI": _at(46, 15),
    "SK": _at(49, 20),
    "TH": _at(15, 100),
    "TR": _at(39, 35),
    "UA": _at(49, 32),
    "US": _at(38, -97),
    "ZA": _at(-29, 24),
}
