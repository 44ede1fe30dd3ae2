from __future__ import annotations

import math

import pytest

from app.errors import CoordinateInvalid, CrsRequired
from app.geo.crs import Crs, from_wgs84
from app.geo.geodesy import distances_m
from app.services.positions import read_position

LNG, LAT = 113.264385, 23.129112  # Guangzhou


@pytest.mark.parametrize("crs", list(Crs))
def test_the_same_place_in_every_system(crs: Crs) -> None:
    x, y = (float(value) for value in from_wgs84(LNG, LAT, crs))
    position = read_position(x, y, crs.value)
    assert position.lng == pytest.approx(LNG, abs=1e-8)
    assert position.lat == pytest.approx(LAT, abs=1e-8)
    assert (position.given_lng, position.given_lat, position.crs) == (x, y, crs)


def test_the_systems_differ_by_half_a_walk() -> None:
    position = read_position(LNG, LAT, "gcj02")
    assert 590 <= float(distances_m(LNG, LAT, position.lng, position.lat)) <= 640


@pytest.mark.parametrize("crs", [None, "", "  "])
def test_a_missing_system_is_explained(crs: str | None) -> None:
    with pytest.raises(CrsRequired) as caught:
        read_position(LNG, LAT, crs)
    assert "590" in caught.value.message_zh and "640" in caught.value.message_en
    (item,) = caught.value.errors
    assert item.field == "crs" and item.remedy_zh is not None and item.remedy_en is not None
    for one in Crs:
        assert one.value in item.remedy_zh and one.value in item.remedy_en


@pytest.mark.parametrize("crs", ["GCJ02", "epsg:4326", "wgs-84"])
def test_an_unknown_system_is_named(crs: str) -> None:
    with pytest.raises(CoordinateInvalid) as caught:
        read_position(LNG, LAT, crs)
    assert caught.value.errors[0].field == "crs" and caught.value.errors[0].value == crs


@pytest.mark.parametrize(
    ("lng", "lat", "field"),
    [
        (math.nan, LAT, "lng"), (LNG, math.nan, "lat"), (math.inf, LAT, "lng"), (LNG, -math.inf, "lat"),
        (180.001, LAT, "lng"), (-181, LAT, "lng"), (113_264_385, 23_129_112, "lng"), (170, 95, "lat"),
    ],
)  # fmt: skip
def test_values_that_are_not_degrees(lng: float, lat: float, field: str) -> None:
    with pytest.raises(CoordinateInvalid) as caught:
        read_position(lng, lat, "wgs84")
    assert [item.field for item in caught.value.errors] == [field]


def test_swapped_coordinates_come_back_in_order() -> None:
    with pytest.raises(CoordinateInvalid) as caught:
        read_position(LAT, LNG, "wgs84")
    remedy = caught.value.errors[0].remedy_en
    assert remedy is not None and f"lng={LNG}" in remedy and f"lat={LAT}" in remedy


@pytest.mark.parametrize(("lng", "lat"), [(180, 90), (-180, -90), (0, 0)])
def test_the_ends_of_the_range_are_positions(lng: float, lat: float) -> None:
    assert read_position(lng, lat, "wgs84").lat == lat
