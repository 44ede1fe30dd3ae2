"""The hexagons that coverage is told by: those of the population, or coarser or finer ones on request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.frontage import NOWHERE, Frontage
from app.geo.geodesy import metres_per_degree
from app.geo.hexgrid import cell_centres, edge_length_m
from app.geo.regrid import part_of, regridded
from app.services.snapshot import Snapshot

# west, south, east, north; WGS84
Box = tuple[float, float, float, float]
# cells are larger and smaller than the average of their resolution; a circumradius is an edge long
EDGE_ALLOWANCE = 1.5


@dataclass(frozen=True)
class CellGrid:
    """A frontage by cells, with their centres (WGS84)."""

    frontage: Frontage
    lng: FloatArray
    lat: FloatArray

    @classmethod
    def of(cls, frontage: Frontage) -> CellGrid:
        return cls(frontage, *cell_centres(frontage.cells))


@dataclass(frozen=True)
class CellFilter:
    """Cells of an area (by its leaves), or with their centre in a box, or both; everything where neither is given."""

    area_code: str | None = None
    bbox: Box | None = None

    def chosen(self, snapshot: Snapshot, grid: CellGrid) -> IntArray:
        """The numbers of the cells. Raises NotFound for an unknown area."""
        chosen = np.ones(len(grid.frontage.cells), dtype=np.bool_)
        if self.area_code is not None:
            chosen &= np.isin(grid.frontage.cell_area, snapshot.areas.leaves_of(self.area_code))
        if self.bbox is not None:
            chosen &= _in_box(grid, self.bbox, 0.0)
        return np.flatnonzero(chosen)


def population_grid(snapshot: Snapshot) -> CellGrid:
    """The cells as the population came. Raises NotReady without people or areas."""
    frontage = snapshot.frontage
    return snapshot.cached("population grid", lambda: CellGrid.of(frontage))


def coarser_grid(snapshot: Snapshot, resolution: int) -> CellGrid:
    """All cells of a resolution below that of the population."""
    return snapshot.cached(
        ("coarser grid", resolution),
        lambda: CellGrid.of(regridded(snapshot.frontage, snapshot.network, snapshot.areas.leaves, resolution)),
    )


def finer_grid(snapshot: Snapshot, resolution: int, wanted: CellFilter) -> CellGrid:
    """The cells of a resolution above that of the population, whole where the filter holds, and some around it."""
    grid = population_grid(snapshot)
    frontage = grid.frontage
    # from the centre of a population cell to that of a finer cell on one of its streets
    apart_m = EDGE_ALLOWANCE * (edge_length_m(frontage.resolution) + edge_length_m(resolution))
    near = np.ones(len(frontage.cells), dtype=np.bool_)
    if wanted.bbox is not None:
        near &= _in_box(grid, wanted.bbox, apart_m)
    if wanted.area_code is not None:
        outline = snapshot.areas.outlines[snapshot.areas.at[wanted.area_code]]
        west, south, east, north = shapely.bounds(outline).tolist()
        # a cell outside all areas counts to the nearest one, be that far away; one beside a border, to no other
        near &= _in_box(grid, (west, south, east, north), 2 * apart_m) | _outside(snapshot, grid)
    part = part_of(frontage, np.flatnonzero(near))
    if not len(part.cells):
        return CellGrid.of(part)
    return CellGrid.of(regridded(part, snapshot.network, snapshot.areas.leaves, resolution))


def _in_box(grid: CellGrid, box: Box, margin_m: float) -> BoolArray:
    west, south, east, north = box
    if not len(grid.lat):
        return np.zeros(0, dtype=np.bool_)
    metres_lng, metres_lat = (float(k) for k in metres_per_degree((south + north) / 2))
    x, y = margin_m / metres_lng, margin_m / metres_lat
    inside: BoolArray = (
        (grid.lng >= west - x) & (grid.lng <= east + x) & (grid.lat >= south - y) & (grid.lat <= north + y)
    )
    return inside


def _outside(snapshot: Snapshot, grid: CellGrid) -> BoolArray:
    """Which population cells have their centre outside all areas."""
    return snapshot.cached(
        "cells outside", lambda: snapshot.areas.leaf_of_points(grid.lng, grid.lat) == NOWHERE
    )  # fmt: skip
