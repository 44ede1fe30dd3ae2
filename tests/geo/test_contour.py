"""Contours of any raster, corner by corner: what is inside stays inside, rings never cross, rasters that sink nest."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from app.geo.arrays import FloatArray
from app.geo.contour import contour_rings

STEP_X, STEP_Y = 7, 5
VALUES = st.one_of(st.sampled_from([-1.0, 1.0, 0.0, 1e-9, -1e-9]), st.floats(-1.0, 1.0, width=32))


@st.composite
def rasters(draw: st.DrawFn) -> FloatArray:
    """Any values with a rim above 0."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    inner = draw(hnp.arrays(np.float64, shape, elements=VALUES))
    return np.pad(inner, 1, constant_values=1.0)


def polygons_of(z: FloatArray, tolerance: float = 0.0) -> shapely.MultiPolygon:
    points, ring_ptr, polygon_ptr = contour_rings(z, STEP_X, STEP_Y, 1.0, 1.0, tolerance)
    rings = [points[ring_ptr[k] : ring_ptr[k + 1]] for k in range(len(ring_ptr) - 1)]
    parts = [rings[polygon_ptr[p] : polygon_ptr[p + 1]] for p in range(len(polygon_ptr) - 1)]
    return shapely.MultiPolygon([shapely.Polygon(part[0], part[1:]) for part in parts])


@given(rasters())
@settings(max_examples=300, deadline=None)
def test_corners_are_on_their_side_and_rings_are_valid(z: FloatArray) -> None:
    made = polygons_of(z)
    assert made.is_valid, shapely.is_valid_reason(made)
    j, i = np.indices(z.shape)
    assert np.array_equal(shapely.intersects_xy(made, i * STEP_X, j * STEP_Y), z <= 0)
    for polygon in made.geoms:
        assert polygon.exterior.is_ccw and not any(hole.is_ccw for hole in polygon.interiors)
        for ring in (polygon.exterior, *polygon.interiors):
            x, y = np.array(ring.coords).T
            assert ((x % STEP_X == 0) ^ (y % STEP_Y == 0)).all()  # on a side, never on a corner


@given(rasters(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_raster_that_sinks_holds_what_it_held(z: FloatArray, data: st.DataObject) -> None:
    sunk = z.copy()
    sunk[1:-1, 1:-1] -= data.draw(hnp.arrays(np.float64, (z.shape[0] - 2, z.shape[1] - 2), elements=st.floats(0, 1)))
    small, large = polygons_of(z), polygons_of(sunk)
    assert small.is_empty or shapely.covers(large, small)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.5, 0.6, 0.8])
def test_parts_and_holes_are_those_of_the_corners(share: float) -> None:
    """With corners all in or all out saddles are joined: parts are joined across corners, holes are not."""
    rng = np.random.default_rng(int(share * 100))
    for _ in range(20):
        inside = np.pad(rng.random((14, 17)) < share, 1)
        made = polygons_of(np.where(inside, -1.0, 1.0))
        _, parts = ndimage.label(inside, structure=np.ones((3, 3)))
        _, gaps = ndimage.label(~inside)
        assert len(made.geoms) == parts
        assert sum(len(polygon.interiors) for polygon in made.geoms) == gaps - 1
        assert made.is_valid


def test_crossings_are_where_the_raster_is_nought() -> None:
    z = np.full((3, 4), 1.0)
    z[1, 1], z[1, 2] = -1.0, -0.75
    x, y = np.array(polygons_of(z).geoms[0].exterior.coords).T
    assert sorted(zip(x[:-1], y[:-1], strict=True)) == [
        (4.0, 5.0),  # half a step is rounded to the even
        (7.0, 2.0), (7.0, 7.0), (14.0, 3.0), (14.0, 7.0), (17.0, 5.0),
    ]  # fmt: skip


def test_nothing_inside() -> None:
    assert polygons_of(np.full((5, 5), 1.0)).is_empty


@pytest.mark.parametrize("tolerance", [1.0, 3.0])
def test_thinned_rings_stay_near(tolerance: float) -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        z = np.pad(ndimage.gaussian_filter(rng.normal(size=(30, 40)), 2.0), 1, constant_values=1.0)
        z[[0, -1]] = z[:, [0, -1]] = 1.0
        whole, thin = polygons_of(z).boundary, polygons_of(z, tolerance).boundary
        assert len(shapely.get_coordinates(thin)) < 0.8 * len(shapely.get_coordinates(whole))
        assert shapely.hausdorff_distance(whole, thin, densify=0.1) <= tolerance + 1e-6
        assert len(shapely.get_parts(whole)) == len(shapely.get_parts(thin))
