"""Polygons cut up until none has a hole: nothing is lost, nothing is there twice."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.holes import without_holes


@given(st.lists(st.tuples(st.integers(1, 16), st.integers(1, 16), st.floats(0.1, 0.9)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_the_same_area_without_holes(holes: list[tuple[int, int, float]]) -> None:
    whole: shapely.Geometry = shapely.box(0, 0, 20, 20)
    for x, y, size in holes:
        whole = whole.difference(shapely.Point(x, y).buffer(size, quad_segs=3))
    pieces = without_holes(whole)
    assert all(not piece.interiors and piece.is_valid for piece in pieces)
    assert sum(piece.area for piece in pieces) == pytest.approx(whole.area, rel=1e-9)
    assert shapely.union_all(pieces).symmetric_difference(whole).area < 1e-9 * whole.area


def test_what_has_none_stays_as_it_is() -> None:
    parts = shapely.multipolygons([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)])
    assert [piece.wkt for piece in without_holes(parts)] == [part.wkt for part in parts.geoms]
    assert without_holes(shapely.Polygon()) == []
