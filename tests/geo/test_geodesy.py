"""Lengths, scales and areas against pyproj's geodesics and a plane projection."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from app.geo.geodesy import area_km2, distances_m, line_lengths_m, metres_per_degree

GEOD = Geod(ellps="WGS84")


@pytest.mark.parametrize("lat", [-80.0, -30.03, 0.0, 23.13, 24.0, 60.17, 85.0])
def test_metres_per_degree(lat: float) -> None:
    east, north = metres_per_degree(lat)
    half = 5e-6  # half a metre: the limit, to the eye
    assert east == pytest.approx(GEOD.inv(113.0 - half, lat, 113.0 + half, lat)[2] / (2 * half), rel=1e-7)
    assert north == pytest.approx(GEOD.inv(113.0, lat - half, 113.0, lat + half)[2] / (2 * half), rel=1e-7)


def test_the_flat_map_is_right_to_a_ten_thousandth_over_a_kilometre() -> None:
    rng = np.random.default_rng(1)
    lat = rng.uniform(22.5, 24.0, 500)
    dx, dy = rng.uniform(-0.007, 0.007, (2, 500))
    east, north = metres_per_degree(lat)
    true = GEOD.inv(np.full(500, 113.3), lat, 113.3 + dx, lat + dy)[2]
    assert np.abs(np.hypot(dx * east, dy * north) / true - 1).max() < 1e-4


def test_distances_broadcast() -> None:
    lng, lat = np.array([113.0, 113.5, 114.0]), np.array([22.5, 23.0, 23.5])
    found = distances_m(lng, lat, 113.264, 23.129)
    assert found.tolist() == [GEOD.inv(x, y, 113.264, 23.129)[2] for x, y in zip(lng, lat, strict=True)]
    assert distances_m([], [], [], []).shape == (0,)


def test_line_lengths() -> None:
    rng = np.random.default_rng(2)
    counts = [2, 5, 1, 3, 2, 1, 9]
    ptr = np.concatenate([[0], np.cumsum(counts)])
    lng, lat = rng.uniform(113.0, 113.6, ptr[-1]), rng.uniform(22.6, 23.6, ptr[-1])
    found = line_lengths_m(ptr, lng, lat)
    wanted = [GEOD.line_length(lng[a:b], lat[a:b]) for a, b in itertools.pairwise(ptr)]
    assert found.tolist() == pytest.approx(wanted, rel=1e-12)
    assert found[2] == found[5] == 0.0
    assert line_lengths_m(np.zeros(1, dtype=np.int64), np.zeros(0), np.zeros(0)).tolist() == []
    assert line_lengths_m(np.array([0, 1]), np.zeros(1), np.zeros(1)).tolist() == [0.0]


@pytest.mark.parametrize("turned", [False, True])
def test_areas_leave_out_holes_whichever_way_the_rings_turn(turned: bool) -> None:
    outer = shapely.box(113.1, 23.0, 113.3, 23.2)
    hole = shapely.box(113.15, 23.05, 113.2, 23.1)
    rings = [list(outer.exterior.coords), list(hole.exterior.coords)]
    if turned:
        rings = [rings[0][::-1], rings[1]]
    ring_and_hole = shapely.Polygon(rings[0], [rings[1]])
    other = shapely.box(113.4, 23.0, 113.41, 23.01)
    # an equal-area projection of the densified outline, as a second opinion
    to_plane = Transformer.from_crs("EPSG:4326", "+proj=laea +lon_0=113.2 +lat_0=23.1 +ellps=WGS84", always_xy=True)

    def plane_km2(shape: shapely.Polygon) -> float:
        dense = shapely.segmentize(shape, 0.001)
        return float(shapely.transform(dense, to_plane.transform, interleaved=False).area) / 1e6

    wanted = plane_km2(outer) - plane_km2(hole)
    assert area_km2(ring_and_hole) == pytest.approx(wanted, rel=1e-4)
    both = shapely.MultiPolygon([ring_and_hole, other])
    assert area_km2(both) == pytest.approx(wanted + plane_km2(other), rel=1e-4)
    assert area_km2(shapely.Polygon()) == 0.0
