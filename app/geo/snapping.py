"""From a position to the nearest place on a street.

The grid is a compressed list of street segments by square; the search goes outwards ring by ring and stops when no
nearer segment can follow. Distances are on a local flat map at the position (see geodesy.metres_per_degree).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.geodesy import metres_per_degree_at
from app.geo.network import WalkNetwork

CELL_DEGREES = 0.002  # about 200 m
MAX_CELLS = 4_000_000
ROUNDING_M = 1e-3  # far more than the sides of squares are rounded by


@dataclass(frozen=True)
class SegmentGrid:
    """Squares of ``cell_degrees`` from (west, south); square (i, j) is number ``j * columns + i``.

    ``segments[ptr[k]:ptr[k + 1]]`` are the segments whose box meets square k; segment p runs from geometry point p to
    p + 1 of the network and belongs to edge ``edge_of_point[p]``.
    """

    west: float
    south: float
    cell_degrees: float
    columns: int
    rows: int
    ptr: Int32Array
    segments: Int32Array
    edge_of_point: Int32Array


@dataclass(frozen=True)
class Places:
    """Places on streets, one per position asked for; ``edge`` is -1 where no street lies within the limit.

    ``offset_mm`` runs along the edge from its first node, ``snap_m`` is the way to the street, ``lng, lat`` the place.
    """

    edge: Int32Array
    offset_mm: Int32Array
    snap_m: FloatArray
    lng: FloatArray
    lat: FloatArray

    @property
    def leg_mm(self) -> Int32Array:
        """The way to the street in mm, which is walked like any other; 0 where there is no place."""
        return np.where(self.edge >= 0, np.round(self.snap_m * 1e3), 0).astype(np.int32)

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, chosen: npt.NDArray[np.int64] | BoolArray) -> Places:
        """Some of the places."""
        return Places(
            self.edge[chosen], self.offset_mm[chosen], self.snap_m[chosen], self.lng[chosen], self.lat[chosen]
        )

    def followed_by(self, others: Places) -> Places:
        """These, then the others."""
        return Places(*(np.concatenate([getattr(self, f), getattr(others, f)]) for f in Places.__dataclass_fields__))


def build_grid(network: WalkNetwork) -> SegmentGrid:
    """The grid over all segments of a network."""
    points = len(network.geom_lng)
    edge_of_point = np.repeat(np.arange(network.edge_count, dtype=np.int32), np.diff(network.geom_ptr))
    if points < 2:
        empty = np.zeros(0, dtype=np.int32)
        return SegmentGrid(0.0, 0.0, CELL_DEGREES, 1, 1, np.zeros(2, dtype=np.int32), empty, edge_of_point)
    first = np.flatnonzero(edge_of_point[:-1] == edge_of_point[1:])
    west, south = float(network.geom_lng.min()), float(network.geom_lat.min())
    width, height = float(network.geom_lng.max()) - west, float(network.geom_lat.max()) - south
    cell = max(CELL_DEGREES, float(np.sqrt(max(width * height, 1e-12) / MAX_CELLS)))
    columns, rows = int(width / cell) + 1, int(height / cell) + 1

    def span(values: FloatArray, origin: float) -> tuple[IntArray, IntArray]:
        a, b = values[first], values[first + 1]
        low, high = np.minimum(a, b) - origin, np.maximum(a, b) - origin
        return (low / cell).astype(np.int64), (high / cell).astype(np.int64)

    i0, i1 = span(network.geom_lng, west)
    j0, j1 = span(network.geom_lat, south)
    wide, tall = i1 - i0 + 1, j1 - j0 + 1
    count = wide * tall
    segment = np.repeat(first, count)
    nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    w = np.repeat(wide, count)
    square = (np.repeat(j0, count) + nth // w) * columns + np.repeat(i0, count) + nth % w
    order = np.argsort(square, kind="stable")
    ptr = np.zeros(columns * rows + 1, dtype=np.int32)
    np.cumsum(np.bincount(square, minlength=columns * rows), out=ptr[1:])
    return SegmentGrid(west, south, cell, columns, rows, ptr, segment[order].astype(np.int32), edge_of_point)


def edges_in_box(grid: SegmentGrid, west: float, south: float, east: float, north: float) -> IntArray:
    """The edges (ascending) with a segment whose square meets a box; all that cross the box, and some beside it."""
    i0, i1 = (int(np.floor((value - grid.west) / grid.cell_degrees)) for value in (west, east))
    j0, j1 = (int(np.floor((value - grid.south) / grid.cell_degrees)) for value in (south, north))
    i0, i1 = max(i0, 0), min(i1, grid.columns - 1)
    found = np.zeros(int(grid.edge_of_point[-1]) + 1 if len(grid.edge_of_point) else 0, dtype=np.bool_)
    if i0 > i1:
        return np.flatnonzero(found)
    for row in range(max(j0, 0), min(j1, grid.rows - 1) + 1):
        first, last = grid.ptr[row * grid.columns + i0], grid.ptr[row * grid.columns + i1 + 1]
        found[grid.edge_of_point[grid.segments[first:last]]] = True
    return np.flatnonzero(found)


def snap(
    network: WalkNetwork,
    grid: SegmentGrid,
    usable: BoolArray,
    lng: npt.ArrayLike,
    lat: npt.ArrayLike,
    limit_m: float,
) -> Places:
    """The nearest place on a usable edge for every WGS84 position, within ``limit_m``.

    Of equally near edges the one with the lowest number is taken.
    """
    x = np.atleast_1d(np.asarray(lng, dtype=np.float64))
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    edge, offset, distance, px, py = _snap_all(
        network.geom_lng, network.geom_lat, network.geom_mm, grid.edge_of_point, usable, grid.ptr, grid.segments,
        grid.west, grid.south, grid.cell_degrees, grid.columns, grid.rows, x, y, limit_m,
    )  # fmt: skip
    return Places(edge, offset, distance, px, py)


@nb.njit(nogil=True, cache=True)
def _snap_all(  # type: ignore[no-untyped-def]
    geom_lng, geom_lat, geom_mm, edge_of_point, usable, ptr, segments, west, south, cell, columns, rows, x, y, limit_m,
):  # fmt: skip
    n = len(x)
    edge = np.full(n, -1, np.int32)
    offset = np.zeros(n, np.int32)
    distance = np.full(n, np.inf)
    px = np.full(n, np.nan)
    py = np.full(n, np.nan)
    for k in range(n):
        east, north = metres_per_degree_at(y[k])
        found, along, metres, lng, lat = place_at(
            geom_lng, geom_lat, geom_mm, edge_of_point, usable, ptr, segments, west, south, cell, columns, rows, x[k],
            y[k], east, north, limit_m,
        )  # fmt: skip
        if found >= 0:
            edge[k], offset[k], distance[k], px[k], py[k] = found, along, metres, lng, lat
    return edge, offset, distance, px, py


@nb.njit(nogil=True, cache=True)
def place_at(  # type: ignore[no-untyped-def]
    geom_lng, geom_lat, geom_mm, edge_of_point, usable, ptr, segments, west, south, cell, columns, rows, lng, lat,
    east, north, limit,
):  # fmt: skip
    """The nearest place of one position on a usable edge: edge (-1: none), offset, metres, lng, lat.

    Squares that lie farther away than the best so far are passed over: most of the time goes into fetching streets from
    memory, and of the nine squares around a position seven or eight hold nothing nearer.
    """
    ci, cj = int(np.floor((lng - west) / cell)), int(np.floor((lat - south) / cell))
    ring = max(0, -ci, ci - (columns - 1), -cj, cj - (rows - 1))
    farthest = columns + rows + max(abs(ci), abs(cj))
    step_m = cell * min(east, north)
    best, found, offset, x, y = limit, -1, 0, np.nan, np.nan
    while (ring - 1) * step_m <= best and ring <= farthest:
        for j in range(max(0, cj - ring), min(rows - 1, cj + ring) + 1):
            step = 1 if abs(j - cj) == ring else 2 * ring  # the ring's whole row, or its two sides
            above = max(0.0, south + j * cell - lat, lat - south - (j + 1) * cell) * north
            for i in range(ci - ring, ci + ring + 1, step):
                beside = max(0.0, west + i * cell - lng, lng - west - (i + 1) * cell) * east
                if i < 0 or i >= columns or np.hypot(beside, above) > best + ROUNDING_M:
                    continue
                square = j * columns + i
                for at in range(ptr[square], ptr[square + 1]):
                    p = segments[at]
                    e = edge_of_point[p]
                    if not usable[e]:
                        continue
                    ax, ay = (geom_lng[p] - lng) * east, (geom_lat[p] - lat) * north
                    dx, dy = (geom_lng[p + 1] - geom_lng[p]) * east, (geom_lat[p + 1] - geom_lat[p]) * north
                    square_length = dx * dx + dy * dy
                    t = 0.0
                    if square_length > 0.0:
                        t = min(1.0, max(0.0, -(ax * dx + ay * dy) / square_length))
                    d = np.hypot(ax + t * dx, ay + t * dy)
                    if d < best or (d == best and (found < 0 or e < found)):
                        best, found = d, int(e)
                        offset = int(geom_mm[p]) + round(t * (geom_mm[p + 1] - geom_mm[p]))
                        x = geom_lng[p] + t * (geom_lng[p + 1] - geom_lng[p])
                        y = geom_lat[p] + t * (geom_lat[p + 1] - geom_lat[p])
        ring += 1
    return found, offset, best, x, y
