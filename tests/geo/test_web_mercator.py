"""The square map of web tiles, held against PROJ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from app.geo.web_mercator import MAX_LAT, from_world, tile_box, to_world

HALF_M = 20_037_508.342789244
LNG, LAT = st.floats(-180, 180), st.floats(-85, 85)


@given(st.lists(st.tuples(LNG, LAT), min_size=1, max_size=20))
def test_it_is_epsg_3857_and_there_and_back(positions: list[tuple[float, float]]) -> None:
    lng, lat = np.array(positions).T
    east, north = Transformer.from_crs("OGC:CRS84", "EPSG:3857", always_xy=True).transform(lng, lat)
    x, y = to_world(lng, lat)
    np.testing.assert_allclose(x, 0.5 + east / (2 * HALF_M), atol=1e-12)
    np.testing.assert_allclose(y, 0.5 - north / (2 * HALF_M), atol=1e-12)
    np.testing.assert_allclose(np.array(from_world(x, y)), [lng, lat], atol=1e-9)


def test_the_ends_of_the_map() -> None:
    assert to_world(-180, 90)[0] == 0 and to_world(0, 90)[1] == pytest.approx(0, abs=1e-12)
    assert to_world(0, -MAX_LAT)[1] == pytest.approx(1)
    assert tile_box(0, 0, 0) == pytest.approx((-180, -MAX_LAT, 180, MAX_LAT))


def test_tiles_are_numbered_from_the_north_west() -> None:
    west, south, east, north = tile_box(10, 834, 444)  # as OpenStreetMap numbers the centre of Guangzhou
    assert west < 113.264 < east and south < 23.129 < north
    wider = tile_box(10, 834, 444, 0.5)
    assert wider[2] - wider[0] == pytest.approx(2 * (east - west)) and wider[1] < south and wider[3] > north
