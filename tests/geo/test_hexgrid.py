"""Cells against h3 itself, one by one, and outlines against unions of cells."""

from __future__ import annotations

import h3
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.geo.hexgrid import (
    are_cells,
    cell_centres,
    cell_polygons,
    cells_of,
    cells_within,
    edge_length_m,
    from_text,
    neighbours,
    outline,
    parents_of,
    resolution_of,
    to_text,
)

HERE = h3.str_to_int(h3.latlng_to_cell(23.1291, 113.2644, 9))
PENTAGON = h3.str_to_int(next(iter(h3.get_pentagons(9))))

EDGE_ALLOWANCE = 1.5  # as app.services.cell_grid counts on


def around(cell: int, k: int) -> list[int]:
    return sorted(h3.str_to_int(c) for c in h3.grid_disk(h3.int_to_str(cell), k))


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=5), st.integers(0, 15))
def test_cells_of_points(points: list[tuple[float, float]], resolution: int) -> None:
    lng, lat = [p[0] for p in points], [p[1] for p in points]
    cells = cells_of(lng, lat, resolution)
    assert cells.dtype == np.int64
    assert [to_text(c) for c in cells.tolist()] == [h3.latlng_to_cell(y, x, resolution) for x, y in points]
    assert are_cells(cells).all()
    if points:
        assert resolution_of(cells) == resolution
    assert cells_of(113.2644, 23.1291, 9).tolist() == [HERE]


def test_centres_and_outlines_of_cells() -> None:
    cells = [*around(HERE, 3), PENTAGON]
    lng, lat = cell_centres(cells)
    for cell, x, y, polygon in zip(cells, lng, lat, cell_polygons(cells), strict=True):
        assert (y, x) == h3.cell_to_latlng(h3.int_to_str(cell))
        ring = [(b, a) for a, b in h3.cell_to_boundary(h3.int_to_str(cell))]
        assert list(polygon.exterior.coords)[:-1] == ring
        assert polygon.is_valid and polygon.contains(shapely.Point(x, y))
    assert [len(part) for part in cell_centres([])] == [0, 0] and len(cell_polygons([])) == 0


@given(st.integers(5, 11), st.integers(0, 11))
def test_parents(fine: int, coarse: int) -> None:
    cells = cells_of(np.linspace(113.2, 113.4, 9), np.linspace(23.0, 23.2, 9), fine)
    cells = np.concatenate([cells, cells[:3]])
    if coarse > fine:
        with pytest.raises(h3.H3BaseException):
            parents_of(cells, coarse)
        return
    wanted = [h3.cell_to_parent(h3.int_to_str(c), coarse) for c in cells.tolist()]
    assert [to_text(c) for c in parents_of(cells, coarse).tolist()] == wanted
    assert len(parents_of(np.zeros(0, dtype=np.int64), coarse)) == 0


@given(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 15))
def test_text_round_trip(lng: float, lat: float, resolution: int) -> None:
    text = h3.latlng_to_cell(lat, lng, resolution)
    cell = from_text(text)
    assert cell == h3.str_to_int(text) and to_text(cell) == text and from_text(text.upper()) == cell


@pytest.mark.parametrize("text", ["", "8", "zz", "0", "-1", "8941169a62bffff0", "ffffffffffffffff", "0x", "89 1", "中"])
def test_what_is_no_cell_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an H3 cell"):
        from_text(text)


def test_resolutions_are_not_mixed() -> None:
    for wrong in ([], [HERE, int(parents_of([HERE], 8)[0])]):
        with pytest.raises(ValueError, match="resolutions"):
            resolution_of(wrong)
    assert are_cells([HERE, 0, 1, HERE + 1, -1]).tolist() == [True, False, False, False, False]


def test_cells_within_a_shape_with_a_hole() -> None:
    shape = shapely.box(113.2, 23.1, 113.25, 23.15).difference(shapely.box(113.21, 23.11, 113.24, 23.14))
    both = shapely.MultiPolygon([shape, shapely.box(113.26, 23.1, 113.27, 23.11)])
    x, y = np.meshgrid(np.arange(113.19, 113.28, 5e-4), np.arange(23.09, 23.16, 5e-4))
    near = np.unique(cells_of(x.ravel(), y.ravel(), 9))
    inside = shapely.contains(both, shapely.points(*cell_centres(near)))
    assert np.array_equal(cells_within(both, 9), near[inside])
    assert len(cells_within(shapely.Polygon(), 9)) == 0
    # a grain of dust holds no centre
    assert len(cells_within(shapely.Point(113.2, 23.1).buffer(1e-6), 9)) in (0, 1)


def test_outlines_keep_holes_and_parts() -> None:
    ring = [c for c in around(HERE, 2) if c not in around(HERE, 0)]
    far = int(cells_of(113.4, 23.1, 9)[0])
    disk = around(HERE, 2)
    for cells, holes, parts in ((ring, 1, 1), ([*ring, far], 1, 2), (disk, 0, 1), ([HERE], 0, 1), ([], 0, 0)):
        shape = outline(cells)
        assert shape.is_valid and len(shape.geoms) == parts
        assert sum(len(p.interiors) for p in shape.geoms) == holes
        union = shapely.union_all(cell_polygons(cells))
        assert shape.symmetric_difference(union).area <= 1e-9 * max(union.area, 1e-12)


@pytest.mark.parametrize("resolution", [7, 8, 9, 10])
def test_no_corner_is_farther_from_the_centre_than_the_average_edge_allows(resolution: int) -> None:
    """In Guangzhou; callers that look for cells around a place rely on it."""
    cells = h3.grid_disk(h3.latlng_to_cell(23.13, 113.33, resolution), 3)
    farthest = max(
        h3.great_circle_distance(h3.cell_to_latlng(cell), corner, unit="m")
        for cell in cells
        for corner in h3.cell_to_boundary(cell)
    )
    assert farthest / EDGE_ALLOWANCE < edge_length_m(resolution) < farthest * EDGE_ALLOWANCE


def test_neighbours() -> None:
    assert sorted([*neighbours(HERE), HERE]) == around(HERE, 1) and len(neighbours(HERE)) == 6
    assert len(neighbours(PENTAGON)) == 5
